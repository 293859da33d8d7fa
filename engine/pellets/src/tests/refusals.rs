//! Trees that cannot be packed: the right code, and nothing left behind.

use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use durable_fs::{DiskFs, ManualClock};
use rustix::fs::{XattrFlags, setxattr};

use super::kit::{Bench, list, pack_on};
use crate::{
    Destination, ErrorKind, Milestone, PackError, PackObserver, PackOptions, Phase, Sidecar,
    SpecialKind, Unobserved,
};

/// Acts when a milestone is reached.
struct At<F>(Milestone, F);

impl<F: Fn() + Send + Sync> PackObserver for At<F> {
    fn milestone(&self, milestone: Milestone) {
        if milestone == self.0 {
            (self.1)();
        }
    }
}

fn pack_observed(bench: &Bench, observer: &dyn PackObserver) -> PackError {
    let store = bench.store();
    let target = Destination::Store(&store);
    let error = pack_on(&DiskFs, &bench.options(), 4096, &target, observer).unwrap_err();
    assert_eq!(bench.files_under("store"), Vec::<PathBuf>::new());
    assert_eq!(std::fs::read_dir(bench.path("store/.partial")).unwrap().count(), 0);
    error
}

/// Changes the tree after the walk and expects this code about `victim`.
fn check_change(code: &str, change: impl Fn(&Bench) + Send + Sync) {
    for len in [0, 100, 40_000] {
        let bench = Bench::new();
        bench.file("dir/first", b"first");
        bench.file("dir/victim", &vec![7; len]);
        let error = pack_observed(&bench, &At(Milestone::Walked, || change(&bench)));
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(error.path().unwrap(), "dir/victim");
    }
}

fn victim(bench: &Bench) -> PathBuf {
    bench.source().join("dir/victim")
}

#[test]
fn a_file_that_vanishes_is_told() {
    check_change("path-vanished", |b| std::fs::remove_file(victim(b)).unwrap());
}

#[test]
fn a_folder_that_vanishes_is_told() {
    let bench = Bench::new();
    bench.file("dir/victim", b"x");
    let gone = || std::fs::remove_dir_all(bench.source().join("dir")).unwrap();
    assert_eq!(pack_observed(&bench, &At(Milestone::Walked, gone)).code(), "path-vanished");
}

#[test]
fn a_file_that_grows_is_told() {
    check_change("path-changed", |b| {
        let mut content = std::fs::read(victim(b)).unwrap();
        content.push(0);
        std::fs::write(victim(b), content).unwrap();
    });
}

#[test]
fn a_file_that_becomes_something_else_is_told() {
    check_change("path-changed", |b| {
        std::fs::remove_file(victim(b)).unwrap();
        symlink("first", victim(b)).unwrap();
    });
    check_change("path-changed", |b| {
        let content = std::fs::read(victim(b)).unwrap();
        std::fs::remove_file(victim(b)).unwrap();
        // Something in between takes the inode number that became free.
        std::fs::write(b.path("other"), b"").unwrap();
        std::fs::write(victim(b), content).unwrap();
    });
    check_change("path-changed", |b| {
        std::fs::remove_file(victim(b)).unwrap();
        let made = Command::new("mkfifo").arg(victim(b)).status().unwrap();
        assert!(made.success());
    });
}

#[test]
fn a_file_that_shrinks_while_its_frames_are_written_is_told() {
    let bench = Bench::new();
    bench.file("victim", &vec![7; 4_000_000]);
    let first = Milestone::FrameWritten { index: 0, n_planned: 977 };
    let cut = || std::fs::write(bench.source().join("victim"), b"short").unwrap();
    let error = pack_observed(&bench, &At(first, cut));
    assert_eq!(error.kind(), ErrorKind::PathChanged);
}

/// Nothing of it is left to be read, and it is no file that somebody was about to fill.
#[test]
fn an_empty_file_of_long_ago_is_as_the_walk_found_it() {
    let bench = Bench::new();
    let name = |n: u32| format!("{n:02}");
    (0..40).for_each(|n| bench.file(name(n), b""));
    bench.file("some", b"x");
    let fill = || (0..40).for_each(|n| bench.file(name(n), b"late"));
    let later = ManualClock::at(Duration::from_secs(4_102_444_800));
    let store = bench.store();
    let target = Destination::Store(&store);
    let (options, empty) = (bench.options(), bench.pack());
    let observer = At(Milestone::Walked, fill);
    let packed = crate::pack(&DiskFs, &later, &options, &target, &observer).unwrap();
    assert_eq!((packed.tree, packed.bytes_in), (empty.tree, 1));
    (0..40).for_each(|n| bench.file(name(n), b""));
    // One that has attributes is asked for them, wherever it stands.
    for n in [0, 7, 39] {
        let path = bench.source().join(name(n));
        setxattr(path, "user.x", name(n).as_bytes(), XattrFlags::empty()).unwrap();
    }
    let packed = crate::pack(&DiskFs, &later, &options, &target, &Unobserved).unwrap();
    let sidecar = Sidecar::read(&DiskFs, &packed.sidecar).unwrap();
    let with_some = sidecar.entries.iter().filter(|e| !e.attributes.is_empty());
    let with_some: Vec<_> = with_some.map(|e| e.path.as_bytes().to_vec()).collect();
    assert_eq!(with_some, [b"00", b"07", b"39"]);
    assert_eq!(packed.tree, bench.pack().tree);
}

#[test]
fn a_hole_that_is_filled_is_told() {
    let bench = Bench::new();
    bench.file("victim", &vec![0; 3 << 20]);
    let fill = || std::fs::write(bench.source().join("victim"), vec![7; 3 << 20]).unwrap();
    let error = pack_observed(&bench, &At(Milestone::Walked, fill));
    assert_eq!((error.code(), error.path()), ("path-changed", Some("victim".as_ref())));
}

#[test]
fn an_attribute_that_changes_is_told() {
    let bench = Bench::new();
    bench.file("victim", b"x");
    let set = || {
        let path = bench.source().join("victim");
        setxattr(path, "user.x", b"y", XattrFlags::empty()).unwrap();
    };
    let error = pack_observed(&bench, &At(Milestone::Walked, set));
    assert_eq!((error.code(), error.path()), ("path-changed", Some("victim".as_ref())));
}

#[test]
fn a_missing_source_and_a_file_as_source_are_told_apart() {
    let bench = Bench::new();
    let check = |source: &str, code: &str| {
        let options = PackOptions { source: bench.path(source), ..bench.options() };
        let error = bench.pack_as(&options, 4096).unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(error.path().unwrap(), bench.path(source));
    };
    bench.file("file", b"");
    check("missing", "path-not-found");
    check("tree/file", "not-a-directory");
    let target = Destination::File(bench.path("missing/FILE.pellet"));
    let error = pack_on(&DiskFs, &bench.options(), 4096, &target, &Unobserved).unwrap_err();
    assert_eq!(error.code(), "path-not-found");
}

/// Root reads everything, so as root this test runs itself again as nobody.
#[test]
fn an_unreadable_file_is_told() {
    const TREE: &str = "NESTR_TEST_UNREADABLE";
    if let Some(dir) = std::env::var_os(TREE) {
        let target = Destination::File(PathBuf::from(&dir).join("out/FILE.pellet"));
        let options = PackOptions::new(PathBuf::from(dir).join("tree"));
        let error = pack_on(&DiskFs, &options, 4096, &target, &Unobserved).unwrap_err();
        assert_eq!(error.code(), "permission-denied");
        assert_eq!(error.path().unwrap(), "secret");
        return;
    }
    let bench = Bench::new();
    bench.file("secret", b"x");
    let open = |path: PathBuf, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    std::fs::create_dir(bench.path("out")).unwrap();
    open(bench.source().join("secret"), 0o000);
    open(bench.path("out"), 0o777);
    open(bench.path(""), 0o755);
    let mut again = if rustix::process::geteuid().is_root() {
        // The test program itself may lie where nobody cannot go.
        let program = bench.path("program");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        open(program.clone(), 0o755);
        let mut again = Command::new(program);
        again.uid(65_534).gid(65_534);
        again
    } else {
        Command::new(std::env::current_exe().unwrap())
    };
    again.args(["--exact", "tests::refusals::an_unreadable_file_is_told", "--nocapture"]);
    let output = again.env(TREE, bench.path("")).current_dir("/").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(bench.files_under("out"), Vec::<PathBuf>::new());
}

#[test]
fn sockets_and_pipes_are_left_out_and_named() {
    let bench = Bench::new();
    bench.file("file", b"");
    let _listener = UnixListener::bind(bench.source().join("socket")).unwrap();
    assert!(Command::new("mkfifo").arg(bench.source().join("pipe")).status().unwrap().success());
    let socket = std::fs::symlink_metadata(bench.source().join("socket")).unwrap();
    assert!(socket.file_type().is_socket());
    let packed = bench.pack();
    assert_eq!(list(&packed.archive), [PathBuf::from("file")]);
    let named: Vec<_> = packed.skipped.iter().map(|s| (s.path.as_bytes(), s.kind)).collect();
    assert_eq!(named, [(&b"pipe"[..], SpecialKind::Fifo), (b"socket", SpecialKind::Socket)]);
    assert_eq!(packed.n_skipped, 2);
}

#[test]
fn an_output_inside_the_tree_does_not_pack_itself() {
    let bench = Bench::new();
    bench.file("file", b"x");
    let target = Destination::File(bench.source().join("FILE.pellet"));
    let first = pack_on(&DiskFs, &bench.options(), 4096, &target, &Unobserved).unwrap();
    let again = pack_on(&DiskFs, &bench.options(), 4096, &target, &Unobserved).unwrap();
    assert_eq!((again.digest, again.entries), (first.digest, 1));
}

#[test]
fn cancelling_and_panicking_observers_leave_nothing() {
    struct Cancel;
    impl PackObserver for Cancel {
        fn cancelled(&self) -> bool {
            true
        }
    }
    let bench = Bench::new();
    bench.file("victim", &vec![7; 40_000]);
    assert_eq!(pack_observed(&bench, &Cancel).code(), "cancelled");

    let store = bench.store();
    let panics = At(Milestone::FrameWritten { index: 1, n_planned: 11 }, || panic!("on purpose"));
    let target = Destination::Store(&store);
    let run = || pack_on(&DiskFs, &bench.options(), 4096, &target, &panics);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    assert_eq!(std::fs::read_dir(bench.path("store/.partial")).unwrap().count(), 0);
}

#[test]
fn phases_and_milestones_come_in_order_even_with_an_error() {
    #[derive(Default)]
    struct Log(Mutex<Vec<String>>);
    impl PackObserver for Log {
        fn phase_started(&self, phase: Phase) {
            self.0.lock().unwrap().push(format!("{phase:?} {{"));
        }
        fn phase_ended(&self, phase: Phase) {
            self.0.lock().unwrap().push(format!("}} {phase:?}"));
        }
        fn milestone(&self, milestone: Milestone) {
            self.0.lock().unwrap().push(format!("{milestone:?}"));
        }
    }
    let bench = Bench::new();
    bench.file("a", &[0; 3000]);
    bench.file("b", &[1; 3000]);
    let log = Log::default();
    let store = bench.store();
    let target = Destination::Store(&store);
    pack_on(&DiskFs, &bench.options(), 4096, &target, &log).unwrap();
    let options = PackOptions { source: bench.path("missing"), ..bench.options() };
    pack_on(&DiskFs, &options, 4096, &target, &log).unwrap_err();
    insta::assert_snapshot!(log.0.lock().unwrap().join("\n"), @r"
    Walk {
    Walked
    } Walk
    Pack {
    FrameWritten { index: 0, n_planned: 3 }
    FrameWritten { index: 1, n_planned: 3 }
    FrameWritten { index: 2, n_planned: 3 }
    } Pack
    Seal {
    ArchiveSynced
    ArchiveRenamed
    SidecarRenamed
    } Seal
    Walk {
    } Walk
    ");
}
