//! Tables of the log itself and of the parts that keep their rows in it.
//!
//! Each part numbers its migrations 1, 2, 3, …; an applied one is kept as text, so that a later edit is noticed.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use crate::{EventError, Result};

/// One step of a part's tables.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The part that owns the tables, such as `pellets`.
    pub part: &'static str,
    /// 1 for the first step of the part, then one more each.
    pub version: u32,
    /// Statements; they run in one transaction.
    pub sql: &'static str,
}

/// The log's own tables.
const OWN: &[Migration] = &[Migration {
    part: "events",
    version: 1,
    sql: "
        CREATE TABLE log (
            only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
            id       TEXT NOT NULL
        ) STRICT;
        CREATE TABLE events (
            rev         INTEGER PRIMARY KEY,
            type        TEXT    NOT NULL,
            time_ns     INTEGER NOT NULL,
            subject     TEXT    NOT NULL,
            actor       TEXT    NOT NULL,
            traceparent TEXT,
            data        TEXT    NOT NULL
        ) STRICT;
    ",
}];

/// Brings the file to the newest version of all parts.
pub(crate) fn migrate(conn: &mut Connection, parts: &[Migration]) -> Result<()> {
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_steps (
            part TEXT NOT NULL, version INTEGER NOT NULL, sql TEXT NOT NULL,
            PRIMARY KEY (part, version)
        ) STRICT",
    )?;
    let mut known: BTreeMap<&str, u32> = BTreeMap::new();
    for step in OWN.iter().chain(parts) {
        let last = known.entry(step.part).or_default();
        if step.version != *last + 1 {
            return Err(wrong(step, "does not follow its predecessor"));
        }
        *last = step.version;
        apply(conn, step)?;
    }
    for (part, known) in known {
        let found: u32 = conn.query_row(
            "SELECT coalesce(max(version), 0) FROM schema_steps WHERE part = ?1",
            [part],
            |row| row.get(0),
        )?;
        if found > known {
            return Err(EventError::SchemaAhead { part: part.into(), found, known });
        }
    }
    Ok(())
}

/// The id of the log; `fresh` becomes it where there is none.
pub(crate) fn log_id(conn: &Connection, fresh: &str) -> Result<String> {
    conn.execute("INSERT OR IGNORE INTO log (only_one, id) VALUES (1, ?1)", [fresh])?;
    Ok(conn.query_row("SELECT id FROM log", [], |row| row.get(0))?)
}

fn apply(conn: &mut Connection, step: &Migration) -> Result<()> {
    let applied: Option<String> = conn
        .query_row(
            "SELECT sql FROM schema_steps WHERE part = ?1 AND version = ?2",
            params![step.part, step.version],
            |row| row.get(0),
        )
        .optional()?;
    match applied {
        Some(sql) if words(&sql) == words(step.sql) => Ok(()),
        Some(_) => Err(wrong(step, "was changed after it had been applied")),
        None => {
            let tx = conn.transaction()?;
            tx.execute_batch(step.sql)?;
            tx.execute(
                "INSERT INTO schema_steps (part, version, sql) VALUES (?1, ?2, ?3)",
                params![step.part, step.version, step.sql],
            )?;
            Ok(tx.commit()?)
        }
    }
}

/// White space is for the reader; re-indenting a step does not change it.
fn words(sql: &str) -> Vec<&str> {
    sql.split_whitespace().collect()
}

fn wrong(step: &Migration, what: &'static str) -> EventError {
    EventError::Migration { part: step.part.into(), version: step.version, what }
}
