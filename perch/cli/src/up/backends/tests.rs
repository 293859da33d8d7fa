use std::collections::BTreeSet;
use std::net::SocketAddr;

use clap::Parser;

use super::super::options::Addresses;
use super::*;

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    addresses: Addresses,
}

fn site_parts(kind: Kind) -> (Component, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    let listen: Listeners = Flags::parse_from(["perch"]).addresses.into();
    let all = Kind::ALL.iter().map(|k| (*k, PathBuf::from("/opt/x/bin/server"))).collect();
    let found = Found { present: all, missing: Vec::new() };
    let site = Site { listen: &listen, state: &state, found: &found };
    (site.component(kind, Path::new("/opt/x/bin/server")).unwrap(), dir)
}

/// Every `HOST:PORT` in flags and files.
fn addresses(component: &Component) -> BTreeSet<SocketAddr> {
    let files = component.files.iter().map(|(_, text)| text.as_str());
    let args = component.program.args.iter().map(String::as_str);
    args.chain(files)
        .flat_map(|text| text.split(['=', '"', ' ', '/', '\n', ',']))
        .filter_map(|word| word.parse().ok())
        .collect()
}

#[test]
fn every_address_of_every_server_is_on_loopback() {
    for kind in Kind::ALL {
        let (component, _dir) = site_parts(kind);
        for address in addresses(&component) {
            assert!(address.ip().is_loopback(), "{}: {address}", kind.name());
        }
    }
}

#[test]
fn jaeger_opens_three_wanted_listeners_and_hides_the_rest() {
    let (component, _dir) = site_parts(Kind::Jaeger);
    let ports: Vec<u16> = addresses(&component).iter().map(SocketAddr::port).collect();
    assert_eq!(ports, [0, 14317, 14318, 16686]);
}

#[test]
fn prometheus_knows_alertmanager_and_perch() {
    let (component, _dir) = site_parts(Kind::Prometheus);
    let ports: BTreeSet<u16> = addresses(&component).iter().map(SocketAddr::port).collect();
    assert_eq!(ports, [8888, 9091, 9093].into());
    assert_eq!(component.ready_url, "http://127.0.0.1:9091/-/ready");
}

#[test]
fn finds_the_link_in_the_cache_before_anything_else() {
    use std::os::unix::fs::PermissionsExt;
    let cache = tempfile::tempdir().unwrap();
    let bin = cache.path().join("loki/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("loki"), "#!/bin/sh\n").unwrap();
    assert_ne!(Kind::Loki.find(cache.path()), Some(bin.join("loki")), "it cannot be run yet");
    std::fs::set_permissions(bin.join("loki"), PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(Kind::Loki.find(cache.path()), Some(bin.join("loki")));
}
