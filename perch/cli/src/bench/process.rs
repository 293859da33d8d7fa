//! What a process costs, read from `/proc`.
//!
//! # Failure
//! A process that has ended, or is not ours to look at, yields an error that names it.

use anyhow::{Context, bail};

/// The cost of a process so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// User and system time, in seconds; the kernel counts in ticks, mostly of 10 ms.
    pub(super) cpu_seconds: f64,
    /// Resident memory now, in bytes.
    pub(super) rss_bytes: u64,
    /// The most it ever was.
    pub(super) peak_rss_bytes: u64,
}

/// Reads the cost of process `pid`.
pub(super) fn cost(pid: u32) -> anyhow::Result<Cost> {
    let read = |name: &str| {
        let path = format!("/proc/{pid}/{name}");
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {path} (--pid {pid})"))
    };
    let ticks_per_second = rustix::param::clock_ticks_per_second();
    let Some(cost) = parse(&read("stat")?, &read("status")?, ticks_per_second) else {
        bail!("cannot make out what process {pid} costs: has it ended?");
    };
    Ok(cost)
}

fn parse(stat: &str, status: &str, ticks_per_second: u64) -> Option<Cost> {
    // The program's name stands in brackets and may hold anything, brackets too.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let bytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    };
    // Ticks of a process' life stay far below the 2^53 that a double holds exactly.
    #[allow(clippy::cast_precision_loss)]
    let cpu_seconds = (ticks(11)? + ticks(12)?) as f64 / ticks_per_second as f64;
    Some(Cost { cpu_seconds, rss_bytes: bytes("VmRSS:")?, peak_rss_bytes: bytes("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_no_obstacle() {
        let stat = "42 (a) b) c) S 1 42 42 0 -1 0 9 0 0 0 150 50 7 7 20 0 4 0 100 1 1";
        let status = "Name:\ta\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\n";
        let cost = parse(stat, status, 100).unwrap();
        assert_eq!(cost, Cost { cpu_seconds: 2.0, rss_bytes: 1 << 20, peak_rss_bytes: 2 << 20 });
        assert_eq!(parse(stat, "Name:\ta\n", 100), None);
    }

    #[test]
    fn this_process_costs_something() {
        let cost = cost(std::process::id()).unwrap();
        assert!(cost.peak_rss_bytes >= cost.rss_bytes && cost.rss_bytes > 0);
        assert!(cost_of_none().contains("--pid"));
    }

    fn cost_of_none() -> String {
        format!("{:#}", cost(u32::MAX).unwrap_err())
    }
}
