//! Who listens on a port, as far as /proc tells.
//!
//! # Failure
//! Sockets of other users' processes hide their owner; then the answer says so.

use std::fs;
use std::path::Path;

/// State of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";
/// A command line is cut here: it is for recognising a program, not for its arguments.
const MAX_COMMAND: usize = 60;

/// "process 1234 (prometheus --config…)", or what can be said instead.
pub(super) fn describe(port: u16) -> String {
    let owner = inode_of(port).and_then(pid_of);
    match owner {
        Some(pid) => format!("process {pid} ({})", command_of(pid)),
        None => "a process that this user may not see".to_owned(),
    }
}

fn inode_of(port: u16) -> Option<u64> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .find_map(|path| listening_inode(&fs::read_to_string(path).ok()?, port))
}

/// The inode of the socket that listens on `port` in the text of `/proc/net/tcp`.
fn listening_inode(table: &str, port: u16) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let (_, hex) = local.rsplit_once(':')?;
        let listens = *state == LISTEN && u16::from_str_radix(hex, 16) == Ok(port);
        if listens { inode.parse().ok() } else { None }
    })
}

fn pid_of(inode: u64) -> Option<u32> {
    let link = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let fds = fs::read_dir(entry.path().join("fd")).ok()?;
        let owns = fds
            .flatten()
            .any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == Path::new(&link)));
        owns.then_some(pid)
    })
}

fn command_of(pid: u32) -> String {
    let raw = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&raw).replace('\0', " ");
    let line: String = line.trim().chars().filter(|c| !c.is_control()).collect();
    if line.is_empty() {
        return "its command is hidden".to_owned();
    }
    if line.chars().count() <= MAX_COMMAND {
        return line;
    }
    line.chars().take(MAX_COMMAND).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1
   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1
";

    #[test]
    fn finds_only_listening_sockets() {
        assert_eq!(listening_inode(TABLE, 8888), Some(4711));
        assert_eq!(listening_inode(TABLE, 8080), None);
        assert_eq!(listening_inode("", 1), None);
    }
}
