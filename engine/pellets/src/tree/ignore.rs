//! `.nestrignore` at the root of a tree: what to leave out, in the syntax of `.gitignore`.
//!
//! Only the root's file counts. One inside a package would let the package decide what of it is
//! kept.
//!
//! # Not here
//! Slashes inside brackets (`[/]`); in git they can match nothing either.

use super::glob;

/// The name of the file.
pub(super) const FILE: &[u8] = b".nestrignore";

/// The rules of one file, in order.
#[derive(Debug, Default)]
pub(super) struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// `!`: takes back what an earlier rule said.
    keeps: bool,
    only_dirs: bool,
    /// Without a slash a pattern means a name at any depth.
    anchored: bool,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    /// `**`: any number of components.
    Any,
    /// A pattern for one component.
    One(Vec<u8>),
}

impl Ignore {
    pub(super) fn parse(text: &[u8]) -> Self {
        Self { rules: text.split(|b| *b == b'\n').filter_map(Rule::parse).collect() }
    }

    /// Whether `path` is left out, its parents being kept: the last rule that matches decides.
    pub(super) fn covers(&self, path: &[u8], is_dir: bool) -> bool {
        let last = self.rules.iter().rev().find(|rule| rule.matches(path, is_dir));
        last.is_some_and(|rule| !rule.keeps)
    }
}

impl Rule {
    fn parse(line: &[u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"#") {
            return None;
        }
        let mut pattern = trim_spaces(line);
        let keeps = pattern.starts_with(b"!");
        pattern = &pattern[usize::from(keeps)..];
        let only_dirs = pattern.ends_with(b"/");
        pattern = &pattern[..pattern.len() - usize::from(only_dirs)];
        let anchored = pattern.contains(&b'/');
        pattern = pattern.strip_prefix(b"/").unwrap_or(pattern);
        if pattern.is_empty() {
            return None;
        }
        let mut steps = Vec::new();
        for part in pattern.split(|b| *b == b'/') {
            match part {
                // Two slashes in a row stand in no path.
                b"" => return None,
                b"**" if anchored => steps.push(Step::Any),
                _ => steps.push(Step::One(part.to_vec())),
            }
        }
        if let Some(Step::Any) = steps.last() {
            // At the end it means what is inside, not the directory itself.
            steps.push(Step::One(b"*".to_vec()));
        }
        Some(Self { keeps, only_dirs, anchored, steps })
    }

    fn matches(&self, path: &[u8], is_dir: bool) -> bool {
        if self.only_dirs && !is_dir {
            return false;
        }
        let mut components: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
        if !self.anchored {
            components.drain(..components.len() - 1);
        }
        steps_match(&self.steps, &components)
    }
}

/// Takes time quadratic at most: of several `**` only the last one passed needs another try.
fn steps_match(steps: &[Step], path: &[&[u8]]) -> bool {
    let (mut at, mut n) = (0, 0);
    let mut retry = None;
    loop {
        if let Some(Step::Any) = steps.get(at) {
            at += 1;
            retry = Some((at, n));
            continue;
        }
        let fits = match (steps.get(at), path.get(n)) {
            (None, None) => return true,
            (Some(Step::One(pattern)), Some(name)) => glob::matches(pattern, name),
            _ => false,
        };
        match retry {
            _ if fits => {
                at += 1;
                n += 1;
            }
            Some((behind, taken)) if taken < path.len() => {
                retry = Some((behind, taken + 1));
                (at, n) = (behind, taken + 1);
            }
            _ => return false,
        }
    }
}

/// Takes spaces off the end, but for an escaped one.
fn trim_spaces(line: &[u8]) -> &[u8] {
    let mut end = line.len();
    while end > 0 && line[end - 1] == b' ' {
        let n_escapes = line[..end - 1].iter().rev().take_while(|b| **b == b'\\').count();
        if n_escapes % 2 == 1 {
            break;
        }
        end -= 1;
    }
    &line[..end]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 6] = ["a", "b", "ab", "a b", "x.js", "[a]"];

    /// What git leaves out of a tree of all paths of up to three `NAMES`, and what we do.
    fn both(rules: &str) -> (BTreeSet<String>, BTreeSet<String>) {
        let dir = tempfile::tempdir().unwrap();
        let mut paths = vec![String::new()];
        for _ in 0..3 {
            let longer: Vec<String> = paths
                .iter()
                .flat_map(|p| NAMES.iter().map(move |n| format!("{p}/{n}")))
                .map(|p| p.trim_start_matches('/').to_owned())
                .collect();
            paths.extend(longer);
        }
        let paths: BTreeSet<String> = paths.into_iter().filter(|p| !p.is_empty()).collect();
        let is_dir = |path: &str| path.matches('/').count() < 2;
        for path in paths.iter().filter(|p| is_dir(p)) {
            std::fs::create_dir(dir.path().join(path)).unwrap();
        }
        std::fs::write(dir.path().join(".gitignore"), rules).unwrap();
        let git = |args: &[&str], input: &str| {
            let mut git = Command::new("git");
            git.args(args).current_dir(dir.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
            git.env("GIT_CONFIG_NOSYSTEM", "1").env_remove("GIT_DIR");
            git.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut git = git.spawn().unwrap();
            let mut stdin = git.stdin.take().unwrap();
            let input = input.to_owned();
            let writer = std::thread::spawn(move || {
                std::io::Write::write_all(&mut stdin, input.as_bytes()).unwrap();
            });
            let output = git.wait_with_output().unwrap();
            writer.join().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        git(&["init", "-q"], "");
        let input: String = paths.iter().map(|p| format!("{p}\0")).collect();
        let theirs = git(&["check-ignore", "--no-index", "-z", "--stdin"], &input);
        let theirs = theirs.split('\0').filter(|p| !p.is_empty()).map(str::to_owned).collect();
        let ignore = Ignore::parse(rules.as_bytes());
        let covered = |path: &&String| {
            let ends = path.match_indices('/').map(|(n, _)| n).chain([path.len()]);
            ends.map(|n| &path[..n]).any(|p| ignore.covers(p.as_bytes(), is_dir(p)))
        };
        (theirs, paths.iter().filter(covered).cloned().collect())
    }

    #[test]
    fn rules_mean_what_they_mean_to_git() {
        for rules in [
            "a",
            "/a",
            "a/",
            "a/b",
            "**/b",
            "a/**",
            "a/**/b",
            "**",
            "/**",
            "**/",
            "a**b/x.js",
            "*\n!a\n!a/b",
            "*.js\n!/x.js\n# a\n\\#a",
            "a b\na\\ b  ",
            "[a]\n\\[a\\]",
            "[!a]",
            "[^[:alpha:]]*",
            "[a",
            "a//b",
            "/",
            "?",
            "\\",
            "a\\",
            "b\r\na/ ",
            "/*/*/x.js",
            "**/a/**",
        ] {
            let (theirs, ours) = both(rules);
            assert_eq!(ours, theirs, "{rules:?}");
        }
    }

    /// A rule without what git itself takes differently from its own description: `**` beside other
    /// signs, empty components, brackets over slashes.
    fn rule() -> impl Strategy<Value = String> {
        let step = prop_oneof![
            2 => Just("**".to_owned()),
            3 => "[ab?.x-]{1,3}",
            3 => "\\*?[ab.]{1,2}\\*?",
            1 => "\\\\[ab*]",
            1 => "\\[!?[ab-]{1,3}\\]",
        ];
        let path = prop::collection::vec(step, 1..4).prop_map(|steps| steps.join("/"));
        ("!?/?", path, "/?").prop_map(|(start, path, end)| format!("{start}{path}{end}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_rules_mean_what_they_mean_to_git(
            rules in prop::collection::vec(rule(), 1..5),
        ) {
            let rules = rules.join("\n");
            let (theirs, ours) = both(&rules);
            prop_assert_eq!(ours, theirs, "{:?}", rules);
        }
    }
}
