//! `memory_limiter`: a processor elsewhere, here the size of the admission's budget.

use collector_otlp::admission::{Budget, Marks, memory};
use serde::Deserialize;

use super::components::Section;
use super::error::Finding;
use super::findings::Findings;
use super::tree::Tree;
use super::units::Interval;

const MIN_PART_BYTES: usize = 256 << 10;
const MAX_PART_BYTES: usize = 32 << 20;

/// How much memory the process may use, as the configuration has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimit {
    /// Memory of the whole process.
    pub limit: Share,
    /// Part of it that is kept for requests under way; a fifth where it is not named.
    pub spike: Option<Share>,
}

/// Bytes, or a part of what the process may use at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Bytes.
    Bytes(u64),
    /// Hundredths of the cgroup's limit, or of the machine's memory.
    Percent(u64),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    limit_mib: Option<u64>,
    limit_percentage: Option<u64>,
    spike_limit_mib: Option<u64>,
    spike_limit_percentage: Option<u64>,
    /// These steer how often it looks; ours counts every byte.
    check_interval: Option<Interval>,
    min_gc_interval_when_soft_limited: Option<Interval>,
    min_gc_interval_when_hard_limited: Option<Interval>,
}

impl Share {
    /// Bytes of it where the process may use `all`.
    fn of(self, all: u64) -> u64 {
        match self {
            Self::Bytes(n) => n,
            Self::Percent(n) => all / 100 * n,
        }
    }
}

impl MemoryLimit {
    /// The budget for requests where the process may use `all` bytes.
    ///
    /// It is a share of the limit, as it is of the machine where none is set; the soft mark lies below it in the
    /// proportion in which `limit` less `spike` lies below `limit`.
    #[must_use]
    pub fn marks(&self, all: u64) -> Marks {
        let limit = self.limit.of(all).min(all);
        let marks = Marks::share_of(limit);
        let Some(spike) = self.spike.map(|spike| spike.of(all)).filter(|n| *n < limit) else {
            return marks;
        };
        let hard = u128::from(marks.hard_bytes);
        let kept = hard * u128::from(spike) / u128::from(limit.max(1));
        let soft_bytes = marks.hard_bytes - u64::try_from(kept).unwrap_or(marks.hard_bytes);
        Marks { soft_bytes, resume_bytes: soft_bytes - soft_bytes / 5, ..marks }
    }

    /// Bytes the process may use by `limit`, or by the machine alone; 2 GiB where neither tells.
    #[must_use]
    pub fn process_bytes(limit: Option<&Self>) -> u64 {
        let all = memory().unwrap_or(2 << 30);
        limit.map_or(all, |limit| limit.limit.of(all).min(all))
    }

    /// Bytes that each request under way to a backend may hold of a batch's translated form, by `limit` or by the
    /// machine alone: a 64th of the memory. Less than [`MIN_PART_BYTES`] would make many small requests, more than
    /// [`MAX_PART_BYTES`] no larger ones.
    #[must_use]
    pub fn part_bytes(limit: Option<&Self>) -> usize {
        let part = Self::process_bytes(limit) / 64;
        usize::try_from(part).unwrap_or(MAX_PART_BYTES).clamp(MIN_PART_BYTES, MAX_PART_BYTES)
    }

    /// A budget by `limit`, or by the machine alone.
    #[must_use]
    pub fn budget(limit: Option<&Self>) -> Budget {
        let marks = limit.zip(memory()).map(|(limit, all)| limit.marks(all));
        Budget::new(marks.unwrap_or_default())
    }
}

/// The least limit that a `memory_limiter` sets.
pub(super) fn read(processors: &Section, found: &mut Findings) -> Option<MemoryLimit> {
    let all = memory().unwrap_or(u64::MAX);
    let limiters = processors.entries.iter().filter(|(id, _, _)| id.kind == "memory_limiter");
    let mut limits = Vec::new();
    for (id, at, settings) in limiters {
        let read = resolve(settings).map_err(|fault| fault.or_at(*at));
        let read = read.map_err(|fault| fault.within(&id.to_string()).within("processors"));
        limits.extend(found.keep(read));
        found.note(
            *at,
            "`memory_limiter` is admission here: a quarter of its limit is what requests may hold from their headers to their reply; logs in memory have an eighth of it",
        );
    }
    limits.into_iter().min_by_key(|limit| limit.limit.of(all))
}

fn resolve(settings: &Tree) -> Result<MemoryLimit, Finding> {
    let raw: Raw = settings.read()?;
    let fault = |key: &str, what: &str| {
        let at = settings.get(key).map_or(settings.at, |tree| tree.at);
        Finding::new(at, what.to_owned()).within(key)
    };
    let limit = share("limit", raw.limit_mib, raw.limit_percentage);
    let Some(limit) = limit.map_err(|(key, what)| fault(&key, what))? else {
        let hint = "write limit_mib: 512, or limit_percentage: 80; without memory_limiter the cgroup decides";
        return Err(Finding::new(settings.at, "no limit is set").hint(hint));
    };
    let spike = share("spike_limit", raw.spike_limit_mib, raw.spike_limit_percentage);
    let spike = spike.map_err(|(key, what)| fault(&key, what))?;
    let past = match (limit, spike) {
        (Share::Bytes(limit), Some(Share::Bytes(spike)))
        | (Share::Percent(limit), Some(Share::Percent(spike))) => spike >= limit,
        _ => false,
    };
    if past {
        let key = if raw.spike_limit_mib.is_some() {
            "spike_limit_mib"
        } else {
            "spike_limit_percentage"
        };
        return Err(fault(key, "must be less than the limit"));
    }
    Ok(MemoryLimit { limit, spike })
}

/// Mebibytes go before hundredths, and 0 is as good as absent: both as in the OpenTelemetry Collector.
fn share(
    name: &str,
    mib: Option<u64>,
    percent: Option<u64>,
) -> Result<Option<Share>, (String, &'static str)> {
    let (mib, percent) = (mib.filter(|n| *n > 0), percent.filter(|n| *n > 0));
    match (mib, percent) {
        (Some(n), _) if n > u64::MAX >> 20 => Err((format!("{name}_mib"), "is beyond any memory")),
        (Some(n), _) => Ok(Some(Share::Bytes(n << 20))),
        (None, Some(101..)) => Err((format!("{name}_percentage"), "is more than 100")),
        (None, percent) => Ok(percent.map(Share::Percent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn read(text: &str) -> Result<MemoryLimit, String> {
        resolve(&Tree::parse(text).unwrap()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn limits_become_marks() {
        let marks = |text: &str, all| read(text).unwrap().marks(all);
        let by_hand =
            marks("{check_interval: 1s, limit_mib: 1000, spike_limit_mib: 250}", 8000 * MIB);
        assert_eq!((by_hand.hard_bytes, by_hand.soft_bytes), (250 * MIB, 187 * MIB + MIB / 2));
        assert_eq!(marks("{limit_percentage: 50}", 2000 * MIB), Marks::share_of(1000 * MIB));
        assert_eq!(marks("{limit_mib: 9000}", 2000 * MIB), Marks::share_of(2000 * MIB));
        let both = marks("{limit_percentage: 50, spike_limit_percentage: 25}", 2000 * MIB);
        assert_eq!((both.hard_bytes, both.soft_bytes), (250 * MIB, 125 * MIB));
    }

    #[test]
    fn what_makes_no_sense_is_said_at_its_place() {
        for (text, said) in [
            ("{}", "no limit is set"),
            ("{limit_mib: 0}", "no limit is set"),
            ("{limit_mb: 5}", "did you mean `limit_mib`?"),
            ("{limit_percentage: 101}", "limit_percentage: is more than 100"),
            ("{limit_mib: 20, spike_limit_mib: 20}", "1:34: spike_limit_mib: must be less"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        assert!(read("").unwrap_err().contains("no limit is set"));
    }
}
