//! Operations in the database, and the keys that make their requests idempotent.

use nestr_events::{EventError, Migration, Result, Tx};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Operation, OperationId, OperationKind, OperationResult, Progress, Step};
use crate::problem::{Code, Problem};
use crate::stamp::Stamp;

/// The tables of operations.
pub(crate) const MIGRATIONS: &[Migration] = &[TABLES, RESULT];

const TABLES: Migration = Migration {
    part: "operations",
    version: 1,
    sql: "
        CREATE TABLE operations (
            id          TEXT    PRIMARY KEY,
            kind        TEXT    NOT NULL,
            state       TEXT    NOT NULL CHECK (state IN ('running', 'succeeded', 'failed')),
            step        TEXT    NOT NULL,
            actor       TEXT    NOT NULL,
            source      TEXT    NOT NULL,
            trace_id    TEXT    NOT NULL,
            traceparent TEXT,
            started_ns  INTEGER NOT NULL,
            finished_ns INTEGER,
            progress    TEXT    NOT NULL,
            digest      TEXT,
            problem     TEXT
        ) STRICT;
        CREATE INDEX operations_running ON operations (id) WHERE state = 'running';
        CREATE TABLE idempotency_keys (
            actor     TEXT    NOT NULL,
            key       TEXT    NOT NULL,
            request   BLOB    NOT NULL,
            operation TEXT    NOT NULL REFERENCES operations (id),
            made_ns   INTEGER NOT NULL,
            PRIMARY KEY (actor, key)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX idempotency_keys_age ON idempotency_keys (made_ns);
    ",
};

/// What an operation made, where that is more than a digest.
const RESULT: Migration = Migration {
    part: "operations",
    version: 2,
    sql: "ALTER TABLE operations ADD COLUMN result TEXT;",
};

/// Keys are forgotten after a day; nobody retries a click that long.
const KEY_LIFE_NANOS: u64 = 24 * 3_600 * 1_000_000_000;

const COLUMNS: &str = "id, kind, state, step, trace_id, started_ns, finished_ns, progress, digest, problem, \
    result";

/// What is known when an operation begins.
pub(crate) struct NewOperation {
    pub(crate) id: OperationId,
    pub(crate) kind: OperationKind,
    pub(crate) actor: String,
    /// The path it works on.
    pub(crate) source: String,
    pub(crate) trace_id: String,
    pub(crate) traceparent: Option<String>,
    pub(crate) key: Option<IdempotencyKey>,
}

/// A client's key and the digest of the request it came with.
#[derive(Debug, Clone)]
pub(crate) struct IdempotencyKey {
    pub(crate) key: String,
    pub(crate) request: [u8; 32],
}

/// Whether a request began something.
pub(crate) enum Begun {
    /// A new operation.
    New(Operation),
    /// The one that an earlier request with the same key began.
    Known(Operation),
}

/// An operation that was running when the process ended.
pub(crate) struct Orphan {
    pub(crate) id: OperationId,
    pub(crate) kind: OperationKind,
    pub(crate) actor: String,
    pub(crate) source: String,
    pub(crate) trace_id: String,
    pub(crate) traceparent: Option<String>,
}

/// Begins an operation, or finds the one its key began; another request under the same key is a conflict.
pub(crate) fn begin(tx: &Tx<'_>, new: &NewOperation) -> Result<Begun> {
    let now = tx.now_unix_nanos();
    if let Some(key) = &new.key {
        let oldest = now.saturating_sub(KEY_LIFE_NANOS).cast_signed();
        tx.sql().execute("DELETE FROM idempotency_keys WHERE made_ns < ?1", [oldest])?;
        if let Some(known) = by_key(tx.sql(), &new.actor, key)? {
            return Ok(Begun::Known(known));
        }
    }
    tx.sql().execute(
        "INSERT INTO operations
             (id, kind, state, step, actor, source, trace_id, traceparent, started_ns, progress)
         VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            new.id.as_str(),
            word(&new.kind)?,
            word(&Step::Queued)?,
            new.actor,
            new.source,
            new.trace_id,
            new.traceparent,
            now.cast_signed(),
            json(&Progress::default())?,
        ],
    )?;
    if let Some(key) = &new.key {
        tx.sql().execute(
            "INSERT INTO idempotency_keys (actor, key, request, operation, made_ns)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![new.actor, key.key, key.request, new.id.as_str(), now.cast_signed()],
        )?;
    }
    let operation = by_id(tx.sql(), &new.id)?;
    operation.map(Begun::New).ok_or_else(|| rusqlite::Error::QueryReturnedNoRows.into())
}

/// The operation with this id.
pub(crate) fn by_id(conn: &Connection, id: &OperationId) -> Result<Option<Operation>> {
    let mut rows =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM operations WHERE id = ?1"))?;
    Ok(rows.query_row([id.as_str()], operation).optional()?)
}

/// Ends an operation well.
pub(crate) fn succeed(
    tx: &Tx<'_>,
    id: &OperationId,
    progress: Progress,
    result: &OperationResult,
) -> Result<()> {
    tx.sql().execute(
        "UPDATE operations SET state = 'succeeded', step = ?2, finished_ns = ?3, progress = ?4, digest = ?5,
             result = ?6
         WHERE id = ?1",
        params![
            id.as_str(),
            word(&Step::Record)?,
            tx.now_unix_nanos().cast_signed(),
            json(&progress)?,
            result.digest,
            json(result)?,
        ],
    )?;
    Ok(())
}

/// Ends an operation with a problem.
pub(crate) fn fail(
    tx: &Tx<'_>,
    id: &OperationId,
    last: Option<(Step, Progress)>,
    problem: &Problem,
) -> Result<()> {
    tx.sql().execute(
        "UPDATE operations SET state = 'failed', finished_ns = ?2, problem = ?3,
             step = coalesce(?4, step), progress = coalesce(?5, progress)
         WHERE id = ?1",
        params![
            id.as_str(),
            tx.now_unix_nanos().cast_signed(),
            json(problem)?,
            last.map(|(step, _)| word(&step)).transpose()?,
            last.map(|(_, progress)| json(&progress)).transpose()?,
        ],
    )?;
    Ok(())
}

/// Every operation that is marked as running.
pub(crate) fn orphans(conn: &Connection) -> Result<Vec<Orphan>> {
    let mut rows = conn.prepare(
        "SELECT id, actor, source, trace_id, traceparent, kind FROM operations
         WHERE state = 'running' ORDER BY started_ns, id",
    )?;
    let found = rows.query_map([], |row| {
        Ok(Orphan {
            id: OperationId::from_row(row.get(0)?),
            actor: row.get(1)?,
            source: row.get(2)?,
            trace_id: row.get(3)?,
            traceparent: row.get(4)?,
            kind: parse(serde_json::Value::String(row.get(5)?))?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn by_key(conn: &Connection, actor: &str, key: &IdempotencyKey) -> Result<Option<Operation>> {
    let found = conn
        .query_row(
            "SELECT request, operation FROM idempotency_keys WHERE actor = ?1 AND key = ?2",
            params![actor, key.key],
            |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, String>(1)?)),
        )
        .optional()?;
    match found {
        None => Ok(None),
        Some((request, operation)) if request == key.request => {
            by_id(conn, &OperationId::from_row(operation))
        }
        Some((_, operation)) => Err(EventError::refuse(
            Problem::new(
                Code::Conflict,
                format!("this Idempotency-Key began operation {operation} with another request"),
            )
            .hint("use a new key for a new request"),
        )),
    }
}

fn operation(row: &Row<'_>) -> rusqlite::Result<Operation> {
    let finished: Option<i64> = row.get(6)?;
    let digest: Option<String> = row.get(8)?;
    let problem: Option<String> = row.get(9)?;
    let result: Option<String> = row.get(10)?;
    let result = result.map(|text| parse_text(&text)).transpose()?;
    Ok(Operation {
        id: OperationId::from_row(row.get(0)?),
        kind: parse(serde_json::Value::String(row.get(1)?))?,
        state: parse(serde_json::Value::String(row.get(2)?))?,
        phase: parse(serde_json::Value::String(row.get(3)?))?,
        trace_id: row.get(4)?,
        started_at: Stamp::at(row.get::<_, i64>(5)?.cast_unsigned()),
        finished_at: finished.map(|nanos| Stamp::at(nanos.cast_unsigned())),
        progress: parse_text(&row.get::<_, String>(7)?)?,
        cancelling: false,
        // Rows of earlier versions have the digest alone.
        result: result.or_else(|| digest.map(OperationResult::pellet)),
        error: problem.map(|text| parse_text(&text)).transpose()?,
    })
}

fn parse<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> rusqlite::Result<T> {
    serde_json::from_value(value).map_err(unreadable)
}

fn parse_text<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(EventError::refuse)
}

/// The word of an enum whose JSON form is a plain string.
fn word<T: serde::Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value).map_err(EventError::refuse)? {
        serde_json::Value::String(word) => Ok(word),
        other => Ok(other.to_string()),
    }
}
