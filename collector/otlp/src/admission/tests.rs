//! Marks, tickets and where the limit is read.

use std::fs;
use std::path::Path;
use std::thread;

use proptest::prelude::*;

use super::machine::memory_under;
use super::*;

const MARKS: Marks = Marks { hard_bytes: 100, soft_bytes: 80, resume_bytes: 60 };

#[test]
fn past_the_soft_mark_nothing_begins_until_the_resume_mark() {
    let budget = Budget::new(MARKS);
    let first = budget.begin(50).unwrap();
    let mut second = budget.begin(31).unwrap();
    assert_eq!(budget.begin(1).unwrap_err(), NoRoom::Now, "81 is past the soft mark");
    second.grow_to(50).unwrap();
    assert_eq!(second.grow_to(51).unwrap_err(), NoRoom::Now, "100 is the hard mark");
    assert_eq!((second.n_bytes(), budget.held_bytes()), (50, 100));
    second.shrink_to(11);
    assert_eq!(budget.begin(1).unwrap_err(), NoRoom::Now, "61 is above the resume mark");
    second.shrink_to(10);
    let third = budget.begin(1).unwrap();
    drop((first, second, third));
    assert_eq!((budget.held_bytes(), budget.peak_bytes(), budget.n_refused()), (0, 100, 3));
}

#[test]
fn a_request_larger_than_all_there_is_will_never_fit() {
    let budget = Budget::new(MARKS);
    assert_eq!(budget.begin(101).unwrap_err(), NoRoom::Ever { hard_bytes: 100 });
    let mut ticket = budget.begin(1).unwrap();
    assert_eq!(ticket.grow_to(101).unwrap_err(), NoRoom::Ever { hard_bytes: 100 });
    assert_eq!(ticket.grow_to(u64::MAX).unwrap_err(), NoRoom::Ever { hard_bytes: 100 });
    ticket.grow_to(100).unwrap();
    assert_eq!(budget.begin(0).unwrap_err(), NoRoom::Now);
}

#[test]
fn many_threads_never_pass_the_hard_mark_and_leave_nothing_behind() {
    let budget = Budget::new(MARKS);
    thread::scope(|scope| {
        for seed in 1..=4_u64 {
            let budget = &budget;
            scope.spawn(move || {
                for step in 0..20_000 {
                    let Ok(mut ticket) = budget.begin(seed * 7 % 13 + step % 17) else { continue };
                    let _ = ticket.grow_to(step % 60);
                    ticket.shrink_to(step % 5);
                }
            });
        }
    });
    assert!(budget.peak_bytes() <= 100, "{}", budget.peak_bytes());
    assert_eq!(budget.held_bytes(), 0);
    let ticket = budget.begin(60).unwrap();
    assert_eq!(ticket.n_bytes(), 60, "it stands open");
}

proptest! {
    /// Against a plain sum: what is granted is held, and nothing fits that would pass the hard mark.
    #[test]
    fn the_count_is_the_sum_of_its_tickets(steps in proptest::collection::vec((0..4_usize, 0..4_u8, 0..120_u64), 1..60)) {
        let budget = Budget::new(MARKS);
        let mut tickets: Vec<Option<Ticket>> = vec![None, None, None, None];
        for (at, action, n) in steps {
            let sum = || tickets.iter().flatten().map(Ticket::n_bytes).sum::<u64>();
            match (action, &tickets[at]) {
                (0, None) => {
                    let before = sum();
                    let begun = budget.begin(n);
                    prop_assert!(begun.is_err() || before + n <= MARKS.hard_bytes);
                    prop_assert!(begun.is_ok() || before > MARKS.resume_bytes || before + n > MARKS.hard_bytes);
                    tickets[at] = begun.ok();
                }
                (1, Some(_)) => tickets[at] = None,
                (2, Some(ticket)) => {
                    let fits = sum() - ticket.n_bytes() + n.max(ticket.n_bytes()) <= MARKS.hard_bytes;
                    let grown = tickets[at].as_mut().map(|ticket| ticket.grow_to(n));
                    prop_assert_eq!(grown.map(|grown| grown.is_ok()), Some(fits));
                }
                (3, Some(_)) => tickets[at].iter_mut().for_each(|ticket| ticket.shrink_to(n)),
                _ => {}
            }
            prop_assert_eq!(budget.held_bytes(), tickets.iter().flatten().map(Ticket::n_bytes).sum::<u64>());
        }
    }
}

fn put(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn the_least_limit_of_the_groups_around_us_counts() {
    let check = |files: &[(&str, &str)], expected: Option<u64>| {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), files);
        assert_eq!(memory_under(root.path()), expected, "{files:?}");
    };
    let machine = ("proc/meminfo", "MemTotal:       1024 kB\nMemFree: 1 kB\n");
    let own = "proc/self/cgroup";
    check(&[], None);
    check(&[machine], Some(1 << 20));
    check(&[machine, (own, "0::/a/b\n"), ("sys/fs/cgroup/a/b/memory.max", "max\n")], Some(1 << 20));
    check(&[machine, (own, "0::/a/b\n"), ("sys/fs/cgroup/a/b/memory.max", "4096\n")], Some(4096));
    check(&[machine, (own, "0::/a/b\n"), ("sys/fs/cgroup/a/memory.max", "8192\n")], Some(8192));
    check(&[machine, (own, "0::/a/b\n"), ("sys/fs/cgroup/a/b/memory.high", "77\n")], Some(77));
    check(&[(own, "0::/host/path\n"), ("sys/fs/cgroup/memory.max", "9\n")], Some(9));
    check(&[(own, "0::/../../x\n"), ("sys/fs/cgroup/memory.max", "9\n")], Some(9));
    let version_1 = "9:name=systemd:/x\n5:cpu,cpuacct:/y\n4:hugetlb,memory:/docker/1\n";
    let limit = "sys/fs/cgroup/memory/memory.limit_in_bytes";
    check(&[machine, (own, version_1), (limit, "9223372036854771712\n")], Some(1 << 20));
    check(&[machine, (own, version_1), (limit, "65536\n")], Some(65536));
    let inner = "sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes";
    check(&[(own, version_1), (limit, "65536\n"), (inner, "512\n")], Some(512));
    check(&[(own, "nonsense\n::\n4:memory\n"), machine], Some(1 << 20));
}

#[test]
fn marks_lie_in_order_and_within_reason() {
    const MIB: u64 = 1 << 20;
    for memory in [0, 64 * MIB, 512 * MIB, 8192 * MIB, u64::MAX] {
        let marks = Marks::share_of(memory);
        assert!(marks.resume_bytes < marks.soft_bytes && marks.soft_bytes < marks.hard_bytes);
        assert!((16 * MIB..=1024 * MIB).contains(&marks.hard_bytes), "{marks:?}");
    }
    assert_eq!(Marks::share_of(512 * MIB).hard_bytes, 128 * MIB);
    assert!(memory().is_none_or(|n| n > MIB));
}
