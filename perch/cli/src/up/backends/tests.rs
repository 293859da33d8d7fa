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
    // Its rules link to Grafana and Jaeger, since they run.
    assert_eq!(ports, [3000, 8888, 9091, 9093, 16686].into());
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

/// What Grafana is given, by the ends of the files' names.
fn grafana_file(end: &str) -> String {
    let (component, _dir) = site_parts(Kind::Grafana);
    let found = component.files.into_iter().find(|(path, _)| path.ends_with(end));
    found.unwrap_or_else(|| panic!("no file {end}")).1
}

#[test]
fn grafanas_data_sources_lead_from_one_to_the_other() {
    let yaml = grafana_file("provisioning/datasources/perch.yaml");
    insta::assert_snapshot!(yaml);
    let uids = words_after(&yaml, "uid: ");
    for named in words_after(&yaml, "datasourceUid: ") {
        assert!(uids.contains(&named), "{named} is no data source");
    }
    // Grafana would put an environment variable in the place of a single one.
    assert_eq!(yaml.matches("${").count(), yaml.matches("$${").count());
}

#[test]
fn grafana_serves_every_rendered_dashboard() {
    let rendered = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards/rendered");
    let kinds = words_after(&grafana_file("provisioning/datasources/perch.yaml"), "type: ");
    let mut n_dashboards = 0;
    for entry in std::fs::read_dir(rendered).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".json") {
            continue;
        }
        let served = grafana_file(&format!("dashboards/{name}"));
        assert_eq!(served, std::fs::read_to_string(&path).unwrap());
        let json: serde_json::Value = serde_json::from_str(&served).unwrap();
        for variable in json["templating"]["list"].as_array().unwrap() {
            if variable["type"] == "datasource" {
                let kind = variable["query"].as_str().unwrap();
                assert!(kinds.contains(kind), "{name} asks for a {kind}, and none is provisioned");
            }
        }
        n_dashboards += 1;
    }
    let (component, _dir) = site_parts(Kind::Grafana);
    let n_served =
        component.files.iter().filter(|(path, _)| path.extension() == Some("json".as_ref()));
    assert_eq!(n_served.count(), n_dashboards, "a dashboard is served that is not rendered");
}

#[test]
fn without_jaeger_and_loki_grafana_is_told_of_neither() {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::open(dir.path()).unwrap();
    let listen: Listeners = Flags::parse_from(["perch"]).addresses.into();
    let present = vec![(Kind::Prometheus, PathBuf::from("/opt/x/bin/prometheus"))];
    let found = Found { present, missing: Vec::new() };
    let site = Site { listen: &listen, state: &state, found: &found };
    let grafana = site.component(Kind::Grafana, Path::new("/opt/x/bin/grafana")).unwrap();
    let (_, yaml) = &grafana.files[0];
    assert_eq!(words_after(yaml, "uid: "), ["perch".to_owned(), "prometheus".to_owned()].into());
    assert_eq!(words_after(yaml, "datasourceUid: "), ["perch".to_owned()].into());
}

fn words_after(text: &str, key: &str) -> BTreeSet<String> {
    let starts_word = |at: usize| text[..at].ends_with([' ', '{']);
    text.match_indices(key)
        .filter(|(at, _)| starts_word(*at))
        .filter_map(|(at, _)| text[at + key.len()..].split([',', '}', '\n']).next())
        .map(str::to_owned)
        .collect()
}
