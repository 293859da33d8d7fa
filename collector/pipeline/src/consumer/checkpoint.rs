//! What outlives the process of a consumer, and its form in bytes; see `docs/formats/log.md`.

use bytes::Bytes;

use super::fields::{Fields, put_text};
use super::window::Passed;
use crate::ledger::{Amount, Reason, Totals};
use crate::log::{Position, SegmentId};

/// A consumer at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// How far it is, and what became of everything before.
    pub passed: Passed,
    /// Whatever else it knows at that place; at most [`MAX_STATE`] bytes.
    pub state: Bytes,
}

/// Whose checkpoint it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The pipeline.
    pub pipeline: String,
    /// The consumer; empty for the pipeline's own register.
    pub consumer: String,
}

/// No state is larger than this: a hundred busy objectives with a bucket a minute for 30 days are 36 MB.
pub const MAX_STATE: usize = 64 << 20;

const MAGIC: [u8; 8] = *b"PERCHCUR";
const VERSION: u32 = 1;
/// Bytes before the checksum's part.
const PREFIX: usize = 16;

impl Checkpoint {
    pub(super) fn encode(&self, key: &Key) -> Vec<u8> {
        let mut body = Vec::with_capacity(128 + self.state.len());
        let Passed { position, taken, totals } = &self.passed;
        let numbers = [position.segment.0, position.offset, taken.n_items, taken.n_bytes];
        numbers.iter().for_each(|n| body.extend_from_slice(&n.to_le_bytes()));
        put_text(&mut body, &key.pipeline);
        put_text(&mut body, &key.consumer);
        let dropped = Reason::ALL.map(|reason| (reason.code(), totals.dropped_for(reason)));
        let rows = std::iter::once((0, totals.delivered)).chain(dropped);
        let rows: Vec<_> = rows.filter(|(_, amount)| !amount.is_none()).collect();
        // Never more than there are reasons.
        body.push(u8::try_from(rows.len()).unwrap_or(u8::MAX));
        for (code, amount) in rows {
            body.push(code);
            body.extend_from_slice(&amount.n_items.to_le_bytes());
            body.extend_from_slice(&amount.n_bytes.to_le_bytes());
        }
        body.extend_from_slice(&(self.state.len() as u64).to_le_bytes());
        body.extend_from_slice(&self.state);
        let mut out = Vec::with_capacity(PREFIX + body.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        out.extend_from_slice(&body);
        out
    }

    pub(super) fn decode(raw: &[u8], key: &Key) -> Result<Self, &'static str> {
        const SHORT: &str = "it is too short";
        let mut fields = Fields(raw);
        if fields.bytes(8).ok_or(SHORT)? != MAGIC {
            return Err("it is no checkpoint");
        }
        if fields.u32().ok_or(SHORT)? != VERSION {
            return Err("its form is of another version");
        }
        if fields.u32().ok_or(SHORT)? != crc32fast::hash(fields.0) {
            return Err("its checksum differs");
        }
        let checkpoint = body(&mut fields, key)?;
        if fields.0.is_empty() { Ok(checkpoint) } else { Err("it is too long") }
    }
}

fn body(fields: &mut Fields<'_>, key: &Key) -> Result<Checkpoint, &'static str> {
    const SHORT: &str = "a field is cut short";
    let segment = SegmentId(fields.u64().ok_or(SHORT)?);
    let position = Position { segment, offset: fields.u64().ok_or(SHORT)? };
    let taken = amount(fields).ok_or(SHORT)?;
    let (pipeline, consumer) = (fields.text().ok_or(SHORT)?, fields.text().ok_or(SHORT)?);
    if pipeline != key.pipeline || consumer != key.consumer {
        return Err("it is another consumer's");
    }
    let mut totals = Totals::default();
    for _ in 0..fields.u8().ok_or(SHORT)? {
        let code = fields.u8().ok_or(SHORT)?;
        let amount = amount(fields).ok_or(SHORT)?;
        match (code, Reason::of_code(code)) {
            (0, _) => totals.delivered += amount,
            (_, Some(reason)) => totals.drop_for(reason, amount),
            (_, None) => return Err("it counts for a reason that is not known"),
        }
    }
    let n_state = usize::try_from(fields.u64().ok_or(SHORT)?).unwrap_or(usize::MAX);
    let state = Bytes::copy_from_slice(fields.bytes(n_state).ok_or(SHORT)?);
    Ok(Checkpoint { passed: Passed { position, taken, totals }, state })
}

fn amount(fields: &mut Fields<'_>) -> Option<Amount> {
    Some(Amount::new(fields.u64()?, fields.u64()?))
}

impl Key {
    /// The key of a pipeline's register.
    #[must_use]
    pub fn register(pipeline: &str) -> Self {
        Self::new(pipeline, "")
    }

    /// The key of a consumer.
    #[must_use]
    pub fn new(pipeline: &str, consumer: &str) -> Self {
        Self { pipeline: pipeline.to_owned(), consumer: consumer.to_owned() }
    }

    /// The file's name. Components' names hold neither `+` nor `@`, so no two keys share one.
    pub(super) fn file_name(&self) -> String {
        let plain = |name: &str| name.replace('/', "+");
        match self.consumer.as_str() {
            "" => format!("{}.cursor", plain(&self.pipeline)),
            consumer => format!("{}@{}.cursor", plain(&self.pipeline), plain(consumer)),
        }
    }
}
