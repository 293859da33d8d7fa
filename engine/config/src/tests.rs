//! Layers, origins, and every refusal as its reader sees it.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use crate::{Config, Key, Origin, Secret, Sources};

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let home = [("HOME", "/home/ada")];
    home.iter().chain(pairs).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn defaults() -> Sources {
    Sources::new("/work").variables(variables(&[]))
}

fn origin_of(config: &Config, key: Key) -> &Origin {
    &config.describe().iter().find(|d| d.key == key).unwrap().origin
}

/// The refusal of a file with `text`, its folder left out.
fn refusal(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nestr.yaml");
    fs::write(&path, text).unwrap();
    shown(defaults().file(&path), dir.path())
}

fn shown(sources: Sources, dir: &Path) -> String {
    sources.load().unwrap_err().to_string().replace(&format!("{}/", dir.display()), "")
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = defaults().load().unwrap();
    let shown: Vec<String> = config
        .describe()
        .iter()
        .filter(|d| d.key != Key::PelletsThreads)
        .map(|d| format!("{} = {} ({})", d.key.name(), d.value, d.origin))
        .collect();
    assert_eq!(
        shown.join("\n"),
        "server.listen = 127.0.0.1:8080 (default)
server.metrics_listen = 127.0.0.1:9090 (default)
server.allowed_hosts =  (default)
roots =  (default)
state_dir = /home/ada/.local/state/nestr (default)
pellets.store_dir = /home/ada/.local/state/nestr/pellets (default)
pellets.quota =  (default)
pellets.sign_key =  (default)
pellets.trusted_keys =  (default)
pellets.verify_build = false (default)
telemetry.enabled = true (default)
telemetry.otlp_endpoint = http://127.0.0.1:4318 (default)
perch.url = http://127.0.0.1:8888 (default)
log.level = info (default)
log.format = text (default)"
    );
}

#[test]
fn every_layer_beats_the_one_below_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("nestr.yaml");
    let over = dir.path().join("nestr.dev.yaml");
    fs::write(
        &base,
        "# ports\nserver:\n  listen: 127.0.0.1:1\n  metrics_listen: 127.0.0.1:2\nlog:\n  level: warn\n",
    )
    .unwrap();
    fs::write(&over, "server: {metrics_listen: '127.0.0.1:3'}\nroots: [trees, /abs, ~/src]\n")
        .unwrap();
    let config = Sources::new("/work")
        .file(&base)
        .profile(Some("dev".into()))
        .variables(variables(&[("NESTR__LOG__LEVEL", "debug"), ("NESTR__STATE_DIR", "state")]))
        .flag(Key::PelletsThreads, "--threads", "3")
        .load()
        .unwrap();

    assert_eq!(config.server.listen.port(), 1);
    assert_eq!(config.server.metrics_listen.port(), 3);
    assert_eq!(config.log.level.as_str(), "debug");
    assert_eq!(config.pellets.threads.get(), 3);
    assert_eq!(config.state_dir, Path::new("/work/state"));
    assert_eq!(config.pellets.store_dir, Path::new("/work/state/pellets"));
    let trees = dir.path().join("trees");
    assert_eq!(config.roots, [trees.as_path(), "/abs".as_ref(), "/home/ada/src".as_ref()]);

    let at = |path: &Path, line, column| Origin::File { path: path.into(), line, column };
    assert_eq!(origin_of(&config, Key::ServerListen), &at(&base, 3, 11));
    assert_eq!(origin_of(&config, Key::ServerMetricsListen), &at(&over, 1, 26));
    assert_eq!(origin_of(&config, Key::LogLevel), &Origin::Env("NESTR__LOG__LEVEL".into()));
    assert_eq!(origin_of(&config, Key::PelletsThreads), &Origin::Flag("--threads".into()));
    assert_eq!(origin_of(&config, Key::PerchUrl), &Origin::Default);
}

#[test]
fn lists_come_from_variables_and_repeated_flags() {
    let config = defaults()
        .variables(variables(&[("NESTR__SERVER__ALLOWED_HOSTS", "Nestr.local, other")]))
        .flag_list(Key::Roots, "--root", vec!["a,b".into(), "/c".into()])
        .load()
        .unwrap();
    assert_eq!(config.server.allowed_hosts, ["nestr.local", "other"]);
    assert_eq!(config.roots, [Path::new("/work/a,b"), Path::new("/c")]);
}

#[test]
fn all_problems_of_a_file_are_told_with_place_and_remedy() {
    assert_eq!(
        refusal(
            "server:\n  listn: 127.0.0.1:1\n  metrics_listen: 9090\nlisten: 127.0.0.1:1\nlogg: {}\n\
             log:\n  level: loud\n  format: [text]\npellets: 4\nzzz: 1\n\
             telemetry:\n  otlp_endpoint: https://me:pw@collector\n"
        ),
        "the configuration is not usable
  nestr.yaml:2:3: unknown key `server.listn`; did you mean `server.listen`?
  nestr.yaml:4:1: unknown key `listen`; did you mean `server.listen`?
  nestr.yaml:5:1: unknown key `logg`; did you mean `log`?
  nestr.yaml:9:10: `pellets` holds keys, not a value
  nestr.yaml:10:1: unknown key `zzz`
  nestr.yaml:3:19: `server.metrics_listen` is `9090`; give an IP address and a port, such as 127.0.0.1:8080
  nestr.yaml:12:18: `telemetry.otlp_endpoint` is not usable; only http is spoken; let a collector on this machine send on over TLS
  nestr.yaml:7:10: `log.level` is `loud`; give error, warn, info, debug or trace
  nestr.yaml:8:11: `log.format` holds a list; give one value"
    );
}

#[test]
fn broken_yaml_is_told_with_its_place() {
    let told = |text: &str| refusal(text).lines().skip(1).collect::<Vec<_>>().join("|");
    assert_eq!(told("server:\n  listen: [1\n"), "  nestr.yaml:2:11: unclosed bracket '['");
    assert_eq!(
        told("roots: [/a]\nroots: [/b]\n"),
        "  nestr.yaml:2:1: duplicate mapping key: roots"
    );
    assert_eq!(
        told("a: b: c\n"),
        "  nestr.yaml:1:5: mapping values are not allowed in this context"
    );
    assert_eq!(told("- a\n"), "  nestr.yaml:1:1: the file is not a mapping of keys");
}

#[test]
fn empty_files_and_empty_sections_set_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nestr.yaml");
    for text in ["", "# nothing\n", "server:\n", "server: {}\n", "log:\n  level:\n"] {
        fs::write(&path, text).unwrap();
        let config = defaults().file(&path).load().unwrap();
        assert!(config.describe().iter().all(|d| d.origin == Origin::Default), "{text:?}");
    }
}

#[test]
fn variables_and_flags_are_named_in_refusals() {
    let sources = Sources::new("/work")
        .variables(variables(&[
            ("NESTR__SERVER__LISTNE", "127.0.0.1:1"),
            ("NESTR__PELLETS__THREADS", "0"),
            ("NESTR_PROFILE", "not ours to judge"),
        ]))
        .flag(Key::PerchUrl, "--perch-url", "127.0.0.1:8888");
    assert_eq!(
        sources.load().unwrap_err().to_string(),
        "the configuration is not usable
  environment NESTR__SERVER__LISTNE: unknown key `server.listne`; did you mean NESTR__SERVER__LISTEN?
  environment NESTR__PELLETS__THREADS: `pellets.threads` is `0`; give a whole number from 1 to 1024
  flag --perch-url: `perch.url` is `127.0.0.1:8888`; give a URL such as http://127.0.0.1:4318, relative URL without a base"
    );
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nestr.yaml");
    assert!(defaults().file_if_there(&path).load().is_ok());
    assert_eq!(
        shown(defaults().file(&path), dir.path()),
        "the configuration is not usable\n  nestr.yaml:1:1: cannot be read: No such file or directory (os error 2)"
    );
    fs::write(&path, "").unwrap();
    let with_profile = defaults().file_if_there(&path).profile(Some("prod".into()));
    assert!(shown(with_profile, dir.path()).contains("nestr.prod.yaml:1:1: cannot be read"));
}

#[test]
fn without_a_home_the_state_folder_must_be_given() {
    let error = Sources::new("/work").load().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration is not usable\n  default: `state_dir` is not usable; neither XDG_STATE_HOME nor HOME is set, give --state-dir"
    );
    assert!(Sources::new("/work").flag(Key::StateDir, "--state-dir", "/s").load().is_ok());
}

#[test]
fn a_secret_is_not_printed() {
    let secret = Secret::new("hunter2".into());
    assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "[secret] Some(\n    [secret],\n)");
    assert_eq!(secret.expose(), "hunter2");
}

proptest! {
    /// Any text is taken or refused, at once and without a panic.
    #[test]
    fn no_file_breaks_the_reader(text in "[a-z_:{}\\[\\]&*!|>'\"#,\\- \n\t0-9]{0,200}") {
        let (entries, problems) = crate::yaml::read(Path::new("nestr.yaml"), &text);
        for problem in &problems {
            prop_assert_eq!(problem.to_string().lines().count(), 1);
        }
        for entry in entries {
            prop_assert!(Key::ALL.contains(&entry.key));
        }
    }

    /// Every key can be set by its variable, and the variable is then its origin.
    #[test]
    fn every_key_has_its_variable(index in 0..Key::ALL.len()) {
        let key = Key::ALL[index];
        let value = match key {
            Key::ServerListen | Key::ServerMetricsListen => "127.0.0.1:7",
            Key::TelemetryOtlpEndpoint | Key::PerchUrl => "http://127.0.0.1:7",
            Key::PelletsThreads => "7",
            Key::PelletsQuota => "1000000",
            Key::TelemetryEnabled | Key::PelletsVerifyBuild => "false",
            Key::LogLevel => "trace",
            Key::LogFormat => "json",
            Key::ServerAllowedHosts
            | Key::Roots
            | Key::StateDir
            | Key::PelletsStoreDir
            | Key::PelletsSignKey
            | Key::PelletsTrustedKeys => "some",
        };
        let name = key.variable();
        let config = defaults().variables(variables(&[(&name, value)])).load().unwrap();
        prop_assert_eq!(origin_of(&config, key), &Origin::Env(name));
    }
}

/// The reference page is the table of keys; `UPDATE=1 cargo test -p nestr-config` writes it.
#[test]
fn the_reference_page_is_the_table_of_keys() {
    let mut page = String::from(
        "# Configuration of the Engine\n\n\
         Written from `engine/config/src/key.rs` by its own test; edit there. Layers, each over the one before: defaults, \
         `nestr.yaml`, `nestr.<profile>.yaml` beside it, variables, flags. Unknown keys are refused. Relative paths are \
         taken from the file that holds them, else from the current folder; `~/` is the home folder. \
         `nestr config show --origin` says where each value came from.\n\n\
         | key | variable | default | meaning |\n|---|---|---|---|\n",
    );
    for key in Key::ALL {
        let default = match key.default() {
            "" => String::new(),
            text => format!("`{text}`"),
        };
        let row = [&format!("`{}`", key.name()), &format!("`{}`", key.variable()), &default];
        page += &format!("| {} | {} | {} | {} |\n", row[0], row[1], row[2], key.meaning());
    }
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/nestr-configuration.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), page, "run it with UPDATE=1");
}
