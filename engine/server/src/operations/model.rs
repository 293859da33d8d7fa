//! An operation as clients see it.

use nestr_events::EventType;
use nestr_telemetry::names::{self, span};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::Problem;
use crate::stamp::Stamp;

/// The id of an operation: 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub(crate) struct OperationId(String);

/// A long operation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Operation {
    pub(crate) id: OperationId,
    pub(crate) kind: OperationKind,
    pub(crate) state: OperationState,
    /// What it does now, or did last.
    pub(crate) phase: Step,
    pub(crate) progress: Progress,
    /// Whether it runs and was asked to end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub(crate) cancelling: bool,
    /// The trace of the request that began it and of all it did.
    pub(crate) trace_id: String,
    pub(crate) started_at: Stamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) finished_at: Option<Stamp>,
    /// Where `state` is `succeeded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) result: Option<OperationResult>,
    /// Where `state` is `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) error: Option<Problem>,
}

/// What a running operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// Waits for its turn.
    Queued,
    /// Walks the tree.
    Walk,
    /// Reads, compresses and writes.
    Pack,
    /// Makes archive and sidecar durable under their names.
    Seal,
    /// Reads and judges sidecar and seek table.
    Check,
    /// Builds the new tree.
    Extract,
    /// Gives the new tree its name.
    Place,
    /// Compares a Pellet with its digests.
    Verify,
    /// Removes what may not stay.
    Collect,
    /// Makes the end known.
    Record,
}

/// Counts so far and in all; totals are 0 until the tree is walked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Progress {
    pub(crate) bytes_done: u64,
    pub(crate) bytes_total: u64,
    pub(crate) entries_done: u64,
    pub(crate) entries_total: u64,
}

/// What an operation does; its word is the name of its span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::enum_variant_names,
    reason = "named like their spans; other parts will have theirs"
)]
pub(crate) enum OperationKind {
    /// Packs a tree into a Pellet.
    PelletCompress,
    /// Brings a Pellet back.
    PelletRestore,
    /// Compares a Pellet with its digests.
    PelletVerify,
    /// Removes Pellets by age, count and size.
    PelletGc,
}

/// Whether an operation runs or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OperationState {
    /// Queued or at work.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended with an error.
    Failed,
}

/// What an operation made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OperationResult {
    /// The Pellet's digest, where the operation is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) digest: Option<String>,
    /// How many Pellets a collection removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) n_removed: Option<u64>,
    /// Bytes of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) bytes_removed: Option<u64>,
}

impl OperationResult {
    /// A Pellet.
    pub(crate) fn pellet(digest: impl ToString) -> Self {
        Self { digest: Some(digest.to_string()), ..Self::default() }
    }
}

impl OperationKind {
    const ALL: [Self; 4] =
        [Self::PelletCompress, Self::PelletRestore, Self::PelletVerify, Self::PelletGc];

    /// The event that tells of a refusal or a bad end, and its name as a metric label.
    pub(crate) const fn failed(self) -> (EventType, names::EventType) {
        match self {
            Self::PelletCompress | Self::PelletRestore | Self::PelletVerify | Self::PelletGc => {
                (EventType::PelletFailed, names::EventType::PelletFailed)
            }
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::PelletCompress => span::PELLET_COMPRESS,
            Self::PelletRestore => span::PELLET_RESTORE,
            Self::PelletVerify => span::PELLET_VERIFY,
            Self::PelletGc => span::PELLET_GC,
        }
    }
}

impl Serialize for OperationKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for OperationKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        let found = Self::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| D::Error::custom(format!("`{word}` is not a kind of operation")))
    }
}

impl PartialSchema for OperationKind {
    fn schema() -> RefOr<Schema> {
        let words = Self::ALL.map(Self::word);
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words))
            .description(Some("What an operation does; its word is the name of its span."))
            .into()
    }
}

impl ToSchema for OperationKind {}

impl OperationId {
    pub(crate) fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex::encode(bytes)))
    }

    pub(crate) fn from_row(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the operation can be asked for.
    pub(crate) fn location(&self) -> String {
        format!("/api/operations/{}", self.0)
    }

    /// The operation as the subject of an event.
    pub(crate) fn subject(&self) -> String {
        format!("operations/{}", self.0)
    }
}

impl std::fmt::Display for OperationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
