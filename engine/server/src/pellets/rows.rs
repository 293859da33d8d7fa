//! Pellets in the database.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nestr_events::{EventError, Migration, Result, Tx};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::model::{Pellet, PelletOrigin, PelletPage};
use crate::problem::{Code, Problem};
use crate::stamp::Stamp;

/// The tables of Pellets.
pub(crate) const MIGRATIONS: &[Migration] = &[TABLE, LAYERS];

const TABLE: Migration = Migration {
    part: "pellets",
    version: 1,
    sql: "
        CREATE TABLE pellets (
            seq         INTEGER PRIMARY KEY,
            digest      TEXT    NOT NULL UNIQUE,
            name        TEXT    NOT NULL,
            tree        TEXT    NOT NULL,
            profile     TEXT    NOT NULL,
            origin      TEXT    NOT NULL,
            entries     INTEGER NOT NULL,
            bytes_in    INTEGER NOT NULL,
            bytes_out   INTEGER NOT NULL,
            created_ns  INTEGER NOT NULL,
            duration_ms INTEGER NOT NULL,
            trace_id    TEXT    NOT NULL
        ) STRICT;
        CREATE INDEX pellets_tree ON pellets (tree, seq);
    ",
};

/// The Pellets that a delta needs, each after the space behind the one before.
const LAYERS: Migration = Migration {
    part: "pellets",
    version: 2,
    sql: "
        ALTER TABLE pellets ADD COLUMN layers TEXT NOT NULL DEFAULT '';
        CREATE INDEX pellets_deltas ON pellets (seq) WHERE layers <> '';
        CREATE INDEX pellets_origin ON pellets (origin, profile, seq);
    ",
};

const COLUMNS: &str = "seq, digest, name, tree, profile, origin, entries, bytes_in, bytes_out, \
    created_ns, duration_ms, trace_id";

/// What a finished packing says about its Pellet.
#[derive(Debug, Clone)]
pub(crate) struct NewPellet {
    pub(crate) digest: String,
    pub(crate) name: String,
    pub(crate) tree: String,
    pub(crate) profile: String,
    pub(crate) origin: String,
    pub(crate) entries: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) duration_ms: u64,
    pub(crate) trace_id: String,
    /// The Pellets that it needs.
    pub(crate) layers: Vec<String>,
}

/// How a deletion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// The row is gone.
    Yes,
    /// There was none.
    Unknown,
    /// Another Pellet needs it.
    Needed,
}

/// A Pellet as collecting sees it.
#[derive(Debug, Clone)]
pub(crate) struct Aged {
    pub(crate) digest: String,
    pub(crate) unix_nanos: u64,
    /// Of its archive.
    pub(crate) bytes: u64,
    pub(crate) layers: Vec<String>,
}

/// Number and bytes of all Pellets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StoreTotals {
    pub(crate) n_pellets: u64,
    pub(crate) bytes: u64,
}

/// A place in the list, newest first; opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor(i64);

/// Records a Pellet. One that is known keeps its row; duration and trace become those of this packing.
///
/// A delta is refused where a Pellet that it needs was removed while it was packed.
pub(crate) fn record(tx: &Tx<'_>, new: &NewPellet) -> Result<()> {
    for layer in &new.layers {
        if by_digest(tx.sql(), layer)?.is_none() {
            let detail =
                format!("the pellet {layer}, which the delta needs, was removed meanwhile");
            return Err(EventError::refuse(Problem::new(Code::Conflict, detail)));
        }
    }
    tx.sql().execute(
        "INSERT INTO pellets (digest, name, tree, profile, origin, entries, bytes_in, bytes_out,
                              created_ns, duration_ms, trace_id, layers)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (digest) DO UPDATE
             SET duration_ms = excluded.duration_ms, trace_id = excluded.trace_id",
        params![
            new.digest,
            new.name,
            new.tree,
            new.profile,
            new.origin,
            new.entries.cast_signed(),
            new.bytes_in.cast_signed(),
            new.bytes_out.cast_signed(),
            tx.now_unix_nanos().cast_signed(),
            new.duration_ms.cast_signed(),
            new.trace_id,
            new.layers.join(" "),
        ],
    )?;
    Ok(())
}

/// The latest Pellet of this tree's path.
pub(crate) fn latest(conn: &Connection, origin: &str, profile: &str) -> Result<Option<String>> {
    let mut rows = conn.prepare_cached(
        "SELECT digest FROM pellets WHERE origin = ?1 AND profile = ?2 ORDER BY seq DESC LIMIT 1",
    )?;
    Ok(rows.query_row([origin, profile], |row| row.get(0)).optional()?)
}

/// The Pellet with this digest.
pub(crate) fn by_digest(conn: &Connection, digest: &str) -> Result<Option<Pellet>> {
    let mut rows =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM pellets WHERE digest = ?1"))?;
    Ok(rows.query_row([digest], pellet).optional()?)
}

/// A page of Pellets, newest first, of one tree or of all.
pub(crate) fn page(
    conn: &Connection,
    after: Option<Cursor>,
    tree: Option<&str>,
    limit: usize,
) -> Result<PelletPage> {
    let mut rows = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM pellets
         WHERE seq < ?1 AND (?2 IS NULL OR tree = ?2) ORDER BY seq DESC LIMIT ?3"
    ))?;
    let before = after.map_or(i64::MAX, |cursor| cursor.0);
    let probe = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let found = rows
        .query_map(params![before, tree, probe], |row| Ok((Cursor(row.get(0)?), pellet(row)?)))?;
    let mut found = found.collect::<Result<Vec<_>, _>>()?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|(cursor, _)| cursor.text());
    let next_cursor = last.filter(|_| more);
    Ok(PelletPage { items: found.into_iter().map(|(_, pellet)| pellet).collect(), next_cursor })
}

/// The digests of all Pellets.
pub(crate) fn digests(conn: &Connection) -> Result<Vec<String>> {
    let mut rows = conn.prepare("SELECT digest FROM pellets")?;
    let found = rows.query_map([], |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// What collecting must know of all Pellets.
pub(crate) fn ages(conn: &Connection) -> Result<Vec<Aged>> {
    let mut rows = conn.prepare("SELECT digest, created_ns, bytes_out, layers FROM pellets")?;
    let found = rows.query_map([], |row| {
        let count = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
        let layers = row.get::<_, String>(3)?.split_whitespace().map(str::to_owned).collect();
        Ok(Aged { digest: row.get(0)?, unix_nanos: count(1)?, bytes: count(2)?, layers })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Forgets a Pellet that no other one needs.
pub(crate) fn delete(tx: &Tx<'_>, digest: &str) -> Result<Deleted> {
    let needed = "SELECT 1 FROM pellets WHERE layers <> '' AND instr(layers, ?1) > 0 LIMIT 1";
    if tx.sql().query_row(needed, [digest], |_| Ok(())).optional()?.is_some() {
        return Ok(Deleted::Needed);
    }
    let n = tx.sql().execute("DELETE FROM pellets WHERE digest = ?1", [digest])?;
    Ok(if n > 0 { Deleted::Yes } else { Deleted::Unknown })
}

/// Number and bytes of all Pellets.
pub(crate) fn totals(conn: &Connection) -> Result<StoreTotals> {
    let sum = "SELECT count(*), coalesce(sum(bytes_out), 0) FROM pellets";
    let (n, bytes) =
        conn.query_row(sum, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    Ok(StoreTotals { n_pellets: n.cast_unsigned(), bytes: bytes.cast_unsigned() })
}

impl Cursor {
    pub(crate) fn text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.to_be_bytes())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(i64::from_be_bytes(bytes.try_into().ok()?)))
    }
}

/// Bytes read over bytes written.
#[expect(clippy::cast_precision_loss, reason = "a ratio is shown with three digits")]
pub(crate) fn ratio(bytes_in: u64, bytes_out: u64) -> f64 {
    bytes_in as f64 / bytes_out.max(1) as f64
}

fn pellet(row: &Row<'_>) -> rusqlite::Result<Pellet> {
    let count = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
    let (bytes_in, bytes_out) = (count(7)?, count(8)?);
    Ok(Pellet {
        digest: row.get(1)?,
        name: row.get(2)?,
        tree: row.get(3)?,
        profile: row.get(4)?,
        origin: PelletOrigin { path: row.get(5)? },
        entries: count(6)?,
        bytes_in,
        bytes_out,
        ratio: ratio(bytes_in, bytes_out),
        created_at: Stamp::at(count(9)?),
        duration_ms: count(10)?,
        trace_id: row.get(11)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back(seq: i64) {
            prop_assert_eq!(Cursor::parse(&Cursor(seq).text()), Some(Cursor(seq)));
        }

        #[test]
        fn any_text_is_a_cursor_or_refused(text: String) {
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(cursor.text(), text);
            }
        }
    }
}
