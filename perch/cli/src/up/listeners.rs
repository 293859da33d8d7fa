//! Ports are claimed before anything is started, so that a conflict leaves nothing behind.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use super::owner;

/// One address that some process will listen on.
#[derive(Debug, Clone)]
pub(super) struct Listener {
    /// What listens, for people.
    pub(super) what: &'static str,
    /// The flag that moves it.
    pub(super) flag: &'static str,
    /// Where; the port is never 0 once claimed.
    pub(super) addr: SocketAddr,
}

/// Why a listener cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClaimError {
    /// Something else listens there.
    #[error(
        "{addr}, wanted for {what}, is taken by {owner}\n  hint: stop it, or move {what} with {flag} ADDR \
         (port 0 picks a free one)"
    )]
    Taken {
        /// Where.
        addr: SocketAddr,
        /// For whom.
        what: &'static str,
        /// The flag that moves it.
        flag: &'static str,
        /// Process id and command, as far as they can be read.
        owner: String,
    },
    /// Two of our own listeners want the same port.
    #[error("{addr} is wanted twice, for {what} and {other}\n  hint: move one with {flag} ADDR")]
    Twice {
        /// Where.
        addr: SocketAddr,
        /// One of them.
        what: &'static str,
        /// The flag that moves it.
        flag: &'static str,
        /// The other.
        other: &'static str,
    },
    /// The address cannot be bound for another reason.
    #[error(
        "cannot listen on {addr} for {what}: {source}\n  hint: choose an address of this machine with {flag} ADDR"
    )]
    Unusable {
        /// Where.
        addr: SocketAddr,
        /// For whom.
        what: &'static str,
        /// The flag that moves it.
        flag: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl Listener {
    /// A listener not yet claimed.
    pub(super) fn new(what: &'static str, flag: &'static str, addr: SocketAddr) -> Self {
        Self { what, flag, addr }
    }

    /// Where a client on this machine reaches the listener: loopback for "any address".
    pub(super) fn reach(&self) -> SocketAddr {
        let ip = match self.addr.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.addr.port())
    }

    /// `http://` and where a client on this machine reaches the listener.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.reach())
    }

    /// The port alone.
    pub(super) fn port(&self) -> u16 {
        self.addr.port()
    }
}

/// Checks that every address is free and replaces port 0 by a free port.
///
/// All are held until the last is checked, so no two get the same port. They are released before the
/// processes that want them start; what grabs one in between makes that process fail with its own error.
pub(super) fn claim<'a>(
    listeners: impl IntoIterator<Item = &'a mut Listener>,
) -> Result<(), ClaimError> {
    let mut held: Vec<(TcpListener, &'static str)> = Vec::new();
    for listener in listeners {
        match TcpListener::bind(listener.addr) {
            Ok(socket) => {
                if let Ok(bound) = socket.local_addr() {
                    listener.addr = bound;
                }
                held.push((socket, listener.what));
            }
            Err(error) => return Err(refusal(listener, error, &held)),
        }
    }
    Ok(())
}

fn refusal(
    listener: &Listener,
    source: io::Error,
    held: &[(TcpListener, &'static str)],
) -> ClaimError {
    let Listener { what, flag, addr } = *listener;
    if source.kind() != io::ErrorKind::AddrInUse {
        return ClaimError::Unusable { addr, what, flag, source };
    }
    let same_port =
        held.iter().find(|(s, _)| s.local_addr().is_ok_and(|a| a.port() == addr.port()));
    match same_port {
        Some((_, other)) => ClaimError::Twice { addr, what, flag, other },
        None => ClaimError::Taken { addr, what, flag, owner: owner::describe(addr.port()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(port: u16) -> Listener {
        Listener::new("perch API", "--api-listen", (Ipv4Addr::LOCALHOST, port).into())
    }

    #[test]
    fn names_port_owner_and_flag_of_a_taken_port() {
        let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        let text = claim([&mut loopback(port)]).unwrap_err().to_string();
        let me = format!("process {}", std::process::id());
        for part in [format!("127.0.0.1:{port}"), me, "--api-listen".into()] {
            assert!(text.contains(&part), "{part} is missing in: {text}");
        }
    }

    #[test]
    fn picks_distinct_free_ports_for_zero() {
        let mut listeners = [loopback(0), loopback(0), loopback(0)];
        claim(&mut listeners).unwrap();
        let mut ports: Vec<_> = listeners.iter().map(Listener::port).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 3);
        assert_ne!(ports[0], 0);
    }

    #[test]
    fn refuses_one_port_for_two_listeners() {
        let mut free = [loopback(0)];
        claim(&mut free).unwrap();
        let mut both = [loopback(free[0].port()), loopback(free[0].port())];
        assert!(matches!(claim(&mut both), Err(ClaimError::Twice { .. })));
    }

    #[test]
    fn reaches_any_address_over_loopback() {
        let any = Listener::new("engine", "--engine-listen", (Ipv4Addr::UNSPECIFIED, 80).into());
        assert_eq!(any.url(), "http://127.0.0.1:80");
    }
}
