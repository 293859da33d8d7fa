//! What the Engine is asked to do, and how its store is broken and repaired.

use std::fs;
use std::path::{Path, PathBuf};

use journeys::{Client, Stack, wait_for};
use serde_json::{Value, json};

/// A running Engine with a good and a damaged Pellet.
pub struct Engine {
    client: Client,
    tree: PathBuf,
    store: PathBuf,
    good: String,
    damaged: String,
}

/// A store in which nothing can be begun; repaired when told.
pub struct Fault {
    place: PathBuf,
    aside: PathBuf,
}

impl Engine {
    /// Packs two trees, damages one Pellet, and lets every outcome that is watched happen once: a counter that appears
    /// is seen to grow only from its second sample on.
    pub fn prepare(stack: &Stack, root: &Path) -> Self {
        let client = stack.engine();
        let other = root.join("damaged");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("file"), "damaged\n".repeat(1_000)).unwrap();
        let digest = |tree: &Path, name: &str| {
            let done = run(&client, "/api/pellets/compress", &json!({"path": tree, "name": name}));
            assert_eq!(done["state"], "succeeded", "{done}");
            done["result"]["digest"].as_str().unwrap().to_owned()
        };
        let tree = root.join("packed");
        let (good, damaged) = (digest(&tree, "good"), digest(&other, "damaged"));
        let store = find_store(&stack.state_dir(), &damaged).unwrap();
        let archive = store.join(&damaged).join("damaged.pellet");
        let mut bytes = fs::read(&archive).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        fs::write(&archive, bytes).unwrap();
        let engine = Self { client, tree, store, good, damaged };
        engine.verify_good(1);
        engine.verify_damaged();
        let restored =
            engine.of(&engine.good, "restore", &json!({"target": root.join("restored")}));
        assert_eq!(restored["state"], "succeeded", "{restored}");
        engine
    }

    pub fn verify_good(&self, n: usize) {
        for _ in 0..n {
            let done = self.of(&self.good, "verify", &Value::Null);
            assert_eq!(done["state"], "succeeded", "{done}");
        }
    }

    pub fn verify_damaged(&self) {
        let done = self.of(&self.damaged, "verify", &Value::Null);
        assert_eq!(done["state"], "failed", "{done}");
    }

    /// Packs once and insists on how it ends.
    pub fn pack(&self, succeeds: bool) {
        let done =
            run(&self.client, "/api/pellets/compress", &json!({"path": self.tree, "name": "good"}));
        let state = if succeeds { "succeeded" } else { "failed" };
        assert_eq!(done["state"], state, "{done}");
    }

    /// Puts a file where packings begin.
    #[expect(clippy::disallowed_methods, reason = "the fault is made behind the Engine's back")]
    pub fn break_store(&self) -> Fault {
        let (place, aside) = (self.store.join(".partial"), self.store.join(".partial-aside"));
        fs::rename(&place, &aside).unwrap();
        fs::write(&place, "").unwrap();
        Fault { place, aside }
    }

    fn of(&self, digest: &str, what: &str, body: &Value) -> Value {
        run(&self.client, &format!("/api/pellets/{digest}/{what}"), body)
    }
}

impl Fault {
    #[expect(clippy::disallowed_methods, reason = "as it was made")]
    pub fn repair(self) {
        fs::remove_file(&self.place).unwrap();
        fs::rename(&self.aside, &self.place).unwrap();
    }
}

/// Begins an operation and waits for its end.
fn run(client: &Client, path: &str, body: &Value) -> Value {
    let accepted = client.post(path, &[], body).unwrap();
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let id = accepted.body["id"].as_str().unwrap().to_owned();
    wait_for("the operation to end", 60, || {
        let operation = client.get(&format!("/api/operations/{id}"))?.ok()?;
        if operation["state"] == "running" { Err(operation.to_string()) } else { Ok(operation) }
    })
}

/// The folder that holds the Pellet.
fn find_store(folder: &Path, digest: &str) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|e| e.path()).collect();
    if entries.iter().any(|path| path.ends_with(digest)) {
        return Some(folder.to_owned());
    }
    entries.iter().filter(|path| path.is_dir()).find_map(|path| find_store(path, digest))
}
