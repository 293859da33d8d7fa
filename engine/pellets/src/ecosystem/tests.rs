use super::*;
use crate::sidecar::{EntryKind, RawPath, SidecarEntry};

fn entries(paths: &[&str]) -> Vec<SidecarEntry> {
    let entry = |path: &&str| {
        let kind = if path.ends_with('/') { "directory" } else { "file" };
        let path = path.trim_end_matches('/');
        let json = serde_json::json!({
            "path": path, "type": kind, "mode": "0644", "frame": 0, "offset": 0, "mtime_ns": 0,
        });
        serde_json::from_value(json).unwrap()
    };
    let entries: Vec<SidecarEntry> = paths.iter().map(entry).collect();
    assert!(entries.iter().any(|e| e.kind == EntryKind::File));
    entries
}

fn found(paths: &[&str]) -> Vec<(Ecosystem, String)> {
    let shapes = detect(&entries(paths));
    shapes.iter().map(|s| (s.ecosystem, s.at.as_path().display().to_string())).collect()
}

#[test]
fn a_tree_is_known_by_what_only_its_tool_writes() {
    let at = |ecosystem, at: &str| (ecosystem, at.to_owned());
    assert_eq!(found(&["bin/", "bin/python", "pyvenv.cfg"]), [at(Ecosystem::Python, "")]);
    assert_eq!(
        found(&["a/.venv/pyvenv.cfg", "b/target/.rustc_info.json", "node_modules/.modules.yaml"]),
        [
            at(Ecosystem::Python, "a/.venv"),
            at(Ecosystem::Cargo, "b/target"),
            at(Ecosystem::Pnpm, "node_modules"),
        ]
    );
    assert_eq!(found(&[".package-lock.json", "x/package.json"]), [at(Ecosystem::Npm, "")]);
    assert_eq!(found(&["fixtures/.package-lock.json", "pyvenv.cfg.txt"]), []);
}

#[test]
fn only_scripts_and_settings_name_paths() {
    let shape = |ecosystem, at: &str| Shape { ecosystem, at: RawPath::from(at.as_bytes()) };
    let venv = shape(Ecosystem::Python, "x/.venv");
    for (path, names) in [
        ("x/.venv/bin/pip", true),
        ("x/.venv/pyvenv.cfg", true),
        ("x/.venv/lib/python3.11/site-packages/own.pth", true),
        ("x/.venv/lib/python3.11/site-packages/own.py", false),
        ("x/.venv/bin/sub/pip", false),
        ("x/.venvs/bin/pip", false),
        ("bin/pip", false),
    ] {
        assert_eq!(names_paths(&venv, path.as_bytes()), names, "{path}");
    }
    assert!(names_paths(
        &shape(Ecosystem::Pnpm, ""),
        b".pnpm/a@1/node_modules/a/node_modules/.bin/b"
    ));
    assert!(!names_paths(&shape(Ecosystem::Npm, ""), b".bin/b"));
}

fn moved(content: &str, to: &str) -> Option<String> {
    let way = Move { ways: vec![(b"/home/a/.venv".to_vec(), to.into())] };
    way.rewrite(content.as_bytes()).map(|text| String::from_utf8(text).unwrap())
}

#[test]
fn whole_paths_are_rewritten_and_nothing_else() {
    let to = "/srv/b/.venv";
    for (before, after) in [
        ("#!/home/a/.venv/bin/python3\nx", Some("#!/srv/b/.venv/bin/python3\nx")),
        ("VIRTUAL_ENV=\"/home/a/.venv\"\n", Some("VIRTUAL_ENV=\"/srv/b/.venv\"\n")),
        ("a=/home/a/.venv:/home/a/.venv/x", Some("a=/srv/b/.venv:/srv/b/.venv/x")),
        ("/home/a/.venv", Some("/srv/b/.venv")),
        ("/home/a/.venv-2/bin /home/a/.venv.old /x/home/a/.venvs", None),
        ("/mnt/home/a/.venv", None),
        ("home = /usr/bin", None),
        ("\0/home/a/.venv/bin", None),
    ] {
        assert_eq!(moved(before, to).as_deref(), after, "{before}");
    }
}

#[test]
fn a_first_line_that_no_kernel_takes_becomes_a_shell_script() {
    let long = format!("/{}/.venv", "x".repeat(120));
    for to in [long.as_str(), "/a b/.venv"] {
        let text = moved("#!/home/a/.venv/bin/python3.11\nimport x\n", to).unwrap();
        let wanted =
            format!("#!/bin/sh\n'''exec' \"{to}/bin/python3.11\" \"$0\" \"$@\"\n' '''\nimport x\n");
        assert_eq!(text, wanted);
        let (prefix, name) = interpreter_prefix(text.as_bytes()).unwrap();
        assert_eq!((prefix, name), (to.as_bytes(), &b"python3.11"[..]));
    }
    let with = moved("#!/home/a/.venv/bin/python -sE\n", "/a b/.venv").unwrap();
    assert!(with.contains("exec' \"/a b/.venv/bin/python\" -sE \"$0\""), "{with}");
    let short = moved("#!/home/a/.venv/bin/python -sE\n", "/b").unwrap();
    assert_eq!(short, "#!/b/bin/python -sE\n");
    let shell = moved("#!/home/a/.venv/bin/bash\n", "/a b/.venv").unwrap();
    assert_eq!(shell, "#!/a b/.venv/bin/bash\n", "only Python has a text that is both");
}

#[test]
fn a_path_that_scripts_cannot_quote_is_named() {
    for bad in ["/a\"b", "/a'b", "/$HOME", "/a`b", "/a\\b", "/a\nb"] {
        assert!(assert_movable(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert_eq!(assert_movable("/a b/ü/.venv-1".as_bytes()), Ok(()));
}

#[test]
fn a_build_folder_is_tested_for_each_profile_it_holds() {
    let shape = Shape { ecosystem: Ecosystem::Cargo, at: RawPath::from(&b""[..]) };
    let tests = self_tests(&shape, std::path::Path::new("/w/p/target"));
    let told: Vec<_> = tests
        .iter()
        .map(|t| (t.needs[0].display().to_string(), t.dir.display().to_string()))
        .collect();
    assert_eq!(
        told,
        [
            ("/w/p/target/debug/.fingerprint".to_owned(), "/w/p".to_owned()),
            ("/w/p/target/release/.fingerprint".to_owned(), "/w/p".to_owned()),
        ]
    );
}
