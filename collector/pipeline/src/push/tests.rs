//! Shards beside each other, order within each, and batches taken up again.

use std::collections::HashMap;
use std::sync::Mutex;

use bytes::Bytes;
use collector_otlp::{Limits, Signal};

use super::*;
use crate::Batch;
use crate::config::{At, Tree};
use crate::ledger::Reason;
use crate::node::{Begun, Delivered, ExportError};

/// Answers by script instead of a backend: how often each shard must wait before it is let through.
#[derive(Default)]
struct Script {
    waits: Mutex<HashMap<u32, u32>>,
    got: Mutex<Vec<(u32, u32)>>,
    refuse: Option<(u32, u32)>,
}

impl Protocol for &'static Script {
    type Piece = (u32, u32);
    type Cursor = u32;

    fn n_items(&self, _: &(u32, u32)) -> u64 {
        10
    }

    async fn post(&self, _: &Poster, piece: &(u32, u32)) -> Result<Taken, ExportError> {
        tokio::task::yield_now().await;
        if let Some(left) = self.waits.lock().unwrap().get_mut(&piece.0).filter(|n| **n > 0) {
            *left -= 1;
            return Err(ExportError::retryable("503", "later"));
        }
        if self.refuse == Some(*piece) {
            return Err(ExportError::permanent("400", "no"));
        }
        self.got.lock().unwrap().push(*piece);
        Ok(Taken { n_missing: u64::from(piece.1 == 2), message: "one short".into() })
    }
}

fn push(script: Script) -> (Push<&'static Script>, &'static Script) {
    let script: &'static Script = Box::leak(Box::new(script));
    let settings = Tree::empty(At::default());
    let endpoint = Some("http://127.0.0.1:9/x".to_owned());
    let target = RawTarget { endpoint, ..RawTarget::default() }.resolve(&settings, "/x").unwrap();
    (Push::new(target, script).unwrap(), script)
}

fn batch() -> Batch {
    Batch::prove(Signal::Logs, Bytes::from(vec![0x0a, 0x00]), &Limits::default()).unwrap()
}

/// Three shards of three pieces.
fn prepare(_: &Batch, _: u32) -> Prepared<(u32, u32), u32> {
    let mut prepared = Prepared::default();
    for shard in 0..3 {
        prepared.shard((0..3).map(|piece| (shard, piece)));
    }
    prepared.outcome.drop_items(Reason::Unsupported, 1, "odd");
    prepared
}

#[tokio::test]
async fn a_shard_that_waits_holds_up_no_other_and_goes_on_where_it_stopped() {
    let (push, script) = push(Script { waits: Mutex::new([(1, 2)].into()), ..Script::default() });
    let (batch, begun) = (batch(), Begun::default());
    for _ in 0..2 {
        let error = push.send(&batch, &begun, prepare).await.unwrap_err();
        assert!(matches!(error, ExportError::Retryable { .. }), "{error}");
        assert_eq!(script.got.lock().unwrap().len(), 6, "both others are through");
    }
    let again = |_: &Batch, _| -> Prepared<(u32, u32), u32> { panic!("it was translated before") };
    let delivered = push.send(&batch, &begun, again).await.unwrap();
    let dropped = vec![(Reason::Unsupported, 1), (Reason::Partial, 3)];
    assert_eq!(delivered, Delivered { dropped, message: "odd".into() });
    let got = script.got.lock().unwrap().clone();
    for shard in 0..3 {
        let of_shard: Vec<u32> = got.iter().filter(|p| p.0 == shard).map(|p| p.1).collect();
        assert_eq!(of_shard, [0, 1, 2], "in order, each once");
    }
}

#[tokio::test]
async fn a_refused_piece_is_counted_and_the_rest_arrives() {
    let (push, _) = push(Script { refuse: Some((2, 0)), ..Script::default() });
    let delivered = push.send(&batch(), &Begun::default(), prepare).await.unwrap();
    let dropped = vec![(Reason::Unsupported, 1), (Reason::Partial, 3), (Reason::Permanent, 10)];
    assert_eq!(delivered, Delivered { dropped, message: "odd".into() });
}

/// The first of three parts, or the one that begins at `from`; each is a piece of a shard of its number.
fn parts(from: u32, n_made: &Mutex<u32>) -> Prepared<(u32, u32), u32> {
    *n_made.lock().unwrap() += 1;
    let mut prepared = Prepared::before((from < 2).then_some(from + 1));
    prepared.shard([(from, 0)]);
    prepared.outcome.drop_items(Reason::Unsupported, 1, "odd");
    prepared
}

#[tokio::test]
async fn of_a_batch_one_part_at_a_time_is_translated() {
    let (push, script) = push(Script { waits: Mutex::new([(1, 2)].into()), ..Script::default() });
    let (batch, begun, n_made) = (batch(), Begun::default(), Mutex::new(0));
    for _ in 0..2 {
        push.send(&batch, &begun, |_, from| parts(from, &n_made)).await.unwrap_err();
        assert_eq!((*n_made.lock().unwrap(), script.got.lock().unwrap().len()), (2, 1));
    }
    let delivered = push.send(&batch, &begun, |_, from| parts(from, &n_made)).await.unwrap();
    assert_eq!(delivered.dropped, [(Reason::Unsupported, 3)], "counted over all parts");
    assert_eq!(*script.got.lock().unwrap(), [(0, 0), (1, 0), (2, 0)], "each once, in order");
    assert_eq!(*n_made.lock().unwrap(), 3);
}

#[tokio::test]
async fn what_another_exporter_began_begins_anew() {
    let (first, _) = push(Script { waits: Mutex::new([(1, 1)].into()), ..Script::default() });
    let (second, script) = push(Script::default());
    let (batch, begun, n_made) = (batch(), Begun::default(), Mutex::new(0));
    first.send(&batch, &begun, |_, from| parts(from, &n_made)).await.unwrap_err();
    second.send(&batch, &begun, |_, from| parts(from, &n_made)).await.unwrap();
    assert_eq!(*script.got.lock().unwrap(), [(0, 0), (1, 0), (2, 0)]);
}
