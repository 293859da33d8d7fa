//! A file system without room: refusals are 503, what was acknowledged survives, and once there is room it goes on.
//!
//! The file system is a small `tmpfs` in a user and mount namespace of its own, which a process that only waits keeps
//! alive; where the machine allows no such namespace the test is put down as not run.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::runtime::Runtime;

use crate::accounts::Accounts;
use crate::batch::Payloads;
use crate::journal::Journal;
use crate::oracle::{self, assert_sound};
use crate::rng;
use crate::sender::{Manner, Patience, Senders, Target};
use crate::sink::{Behaviour, Sink};
use crate::site::{Setup, Site};
use crate::support::wait_for;

const SIZE: &str = "32m";
const N_STREAMS: u16 = 6;

/// A mounted `tmpfs` that only processes within see.
struct SmallDisk {
    holder: Child,
    /// The holder ends when this is closed.
    _open: ChildStdin,
    /// The mount as it is seen from within, and the folder it is on.
    folder: tempfile::TempDir,
    /// The mount as it is seen from outside.
    path: PathBuf,
}

#[test]
fn a_full_disk_refuses_and_goes_on_once_there_is_room() {
    let test = "full disk";
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(reason) => return note_not_run(&reason),
    };
    let seed = rng::seed(test);
    let runtime = Runtime::new().unwrap();
    let payloads = Payloads { seed, max_items: 8, max_text: 16 << 10 };
    let sinks = Sink::three(runtime.handle(), payloads);
    let journal = Journal::default();
    let pace = Duration::from_millis(5);
    let patience = Patience::ByLot;
    let manner = Manner { payloads, n_streams: N_STREAMS, with_grpc: true, pace, patience };
    let senders = Senders::start(runtime.handle(), manner, &journal, None);
    let setup = Setup { ack: "durable", max_bytes: "1GiB", memory_mib: 128 };
    let mut site =
        Site::new(setup, &sinks).within(disk.enter(), &disk.folder.path().join("storage"));
    let mut perch = site.start();
    let n_acked = || journal.read().acked().count();
    let n_refused = |status| journal.read().refused.get(status).copied().unwrap_or_default();

    // One sink has nothing yet: what it misses must survive in the log.
    sinks[0].behave(Behaviour::Away);
    senders.turn_to(Target::of(&perch));
    wait_for("some are acknowledged", || (n_acked() > 100).then_some(()));
    let filler = disk.fill();
    wait_for("both transports refuse", || {
        (n_refused("HTTP 503") > 10 && n_refused("UNAVAILABLE") > 10).then_some(())
    });
    fs::remove_file(&filler).unwrap();
    let before = n_acked();
    wait_for("it goes on", || (n_acked() > before + 100).then_some(()));
    disk.fill();
    let before = n_refused("HTTP 503");
    wait_for("it refuses again", || (n_refused("HTTP 503") > before + 10).then_some(()));
    perch.end_by(Signal::KILL);
    senders.turn_to(Target::Nowhere);
    fs::remove_file(&filler).unwrap();

    perch = site.start();
    Accounts::balanced(&perch);
    sinks[0].behave(Behaviour::Take);
    let before = n_acked();
    senders.turn_to(Target::of(&perch));
    wait_for("it goes on after the kill", || (n_acked() > before + 100).then_some(()));
    senders.end();
    let accounts = Accounts::drained(&perch);
    assert!(perch.end_by(Signal::TERM).success());
    let sent = journal.read();
    let taken: Vec<_> = sinks.iter().map(|sink| (sink.name, sink.taken())).collect();
    let taken: Vec<_> = taken.iter().map(|(name, taken)| (*name, &**taken)).collect();
    println!("{test}: {}; {:?}", oracle::report(&sent, &taken), sent.refused);
    assert_sound(test, &oracle::faults(&sent, &taken));
    assert_sound(test, &oracle::account_faults(&accounts, &payloads, &sent, &taken));
}

impl SmallDisk {
    fn mount() -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let script = format!(
            "mount -t tmpfs -o size={SIZE} tmpfs {} && echo mounted && exec cat",
            folder.path().display()
        );
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line != "mounted\n" {
            let mut said = String::new();
            holder.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            holder.wait().unwrap();
            return Err(format!("no namespace with a tmpfs: {}", said.trim()));
        }
        let open = holder.stdin.take().unwrap();
        // From outside, the mount is seen through the holder's root.
        let inside = folder.path().strip_prefix("/").unwrap();
        let path = Path::new("/proc").join(holder.id().to_string()).join("root").join(inside);
        let seen = Self { holder, _open: open, folder, path };
        seen.can_be_entered().map(|()| seen)
    }

    fn can_be_entered(&self) -> Result<(), String> {
        let mut words = self.enter().into_iter();
        let entered = Command::new(words.next().unwrap()).args(words).arg("true").output();
        let entered = entered.map_err(|error| format!("nsenter: {error}"))?;
        let said = String::from_utf8_lossy(&entered.stderr).trim().to_owned();
        if entered.status.success() { Ok(()) } else { Err(format!("nsenter: {said}")) }
    }

    /// The words that start a command within.
    fn enter(&self) -> Vec<std::ffi::OsString> {
        let target = self.holder.id().to_string();
        let words = ["nsenter", "--target", &target, "--user", "--mount", "--preserve-credentials"];
        words.map(Into::into).into()
    }

    /// Leaves no room; the file that takes it.
    fn fill(&self) -> PathBuf {
        let path = self.path.join("filler");
        let mut file = File::create(&path).unwrap();
        let chunk = vec![0; 64 << 10];
        loop {
            match file.write_all(&chunk) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return path,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn note_not_run(reason: &str) {
    let line = format!("perch-cli a_full_disk_refuses_and_goes_on_once_there_is_room: {reason}\n");
    print!("not run: {line}");
    if let Some(list) = std::env::var_os("NESTR_NOT_RUN") {
        let mut list = File::options().create(true).append(true).open(list).unwrap();
        list.write_all(line.as_bytes()).unwrap();
    }
}
