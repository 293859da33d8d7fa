//! An observer that adds up what it is shown.

use std::path::Path;

use super::*;
use crate::config::PipelineId;
use crate::consumer::Notices;
use crate::ledger::Amount;
use crate::log::Record;
use crate::node::{Observation, Observer};

/// What each observer knows, as it last published it: the marks it saw, and items it missed.
static SEEN: Mutex<BTreeMap<String, (Vec<u32>, u64)>> = Mutex::new(BTreeMap::new());
/// Marks over which an observer panics so many more times.
static POISON: Mutex<BTreeMap<(String, u32), u32>> = Mutex::new(BTreeMap::new());

struct Count(String);

struct Counting {
    name: String,
    marks: Vec<u32>,
    n_missed: u64,
}

impl Observer for Count {
    fn resume(
        &self,
        pipeline: &PipelineId,
        state: &[u8],
    ) -> Result<Box<dyn Observation>, NodeError> {
        assert_eq!(pipeline.to_string(), "logs");
        let numbers = state.chunks_exact(4).map(|n| u32::from_le_bytes(n.try_into().unwrap()));
        let mut marks: Vec<u32> = numbers.collect();
        let n_missed = if marks.is_empty() { 0 } else { marks.remove(0).into() };
        Ok(Box::new(Counting { name: self.0.clone(), marks, n_missed }))
    }
}

impl Observation for Counting {
    fn observe(&mut self, record: &Record) {
        let mark = u32::from_le_bytes(*record.batch.payload.first_chunk().unwrap());
        let mut poison = POISON.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = poison.get_mut(&(self.name.clone(), mark)).filter(|n| **n > 0) {
            *n -= 1;
            drop(poison);
            panic!("as the test says");
        }
        self.marks.push(mark);
    }

    fn missed(&mut self, amount: Amount) {
        self.n_missed += amount.n_items;
    }

    fn caught_up(&mut self) {
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(self.name.clone(), (self.marks.clone(), self.n_missed));
    }

    fn state(&self) -> Bytes {
        let n_missed = u32::try_from(self.n_missed).unwrap();
        let numbers = std::iter::once(&n_missed).chain(&self.marks);
        numbers.flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>().into()
    }
}

pub(super) fn build(_: &Tree, context: &NodeContext, _: &Notices) -> Built<dyn Observer> {
    Ok(Arc::new(Count(context.id.to_string())))
}

pub(super) fn seen(name: &str) -> (Vec<u32>, u64) {
    let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.get(&format!("count/{name}")).cloned().unwrap_or_default()
}

fn n_seen(name: &str) -> u32 {
    seen(name).0.len().try_into().unwrap()
}

fn config(name: &str, storage: Option<&Path>) -> String {
    let storage = storage.map_or(String::new(), |dir| {
        format!("storage: {{directory: '{}', max_bytes: 64KiB}}\n", dir.display())
    });
    format!(
        "receivers: {{hand/{name}: }}\nprocessors: {{count/{name}: }}\nexporters: {{sink/{name}: }}\n\
         {storage}service: {{pipelines: {{logs: {{receivers: [hand/{name}], \
         processors: [count/{name}], exporters: [sink/{name}]}}}}}}"
    )
}

async fn offer_all(name: &str, marks: std::ops::Range<u32>) {
    for mark in marks {
        let answer = offer(&intake(&format!("hand/{name}")), numbered(mark, 100)).await;
        assert_eq!(answer, Admission::Accepted, "{mark}");
    }
}

#[tokio::test]
async fn an_observer_knows_each_record_once_however_often_it_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let text = config("obs", Some(dir.path()));
    for life in 0..4 {
        let disk = Mortal::default();
        let graph = run_with(&text, disk.fs()).await;
        offer_all("obs", life * 10..life * 10 + 5).await;
        until("all is seen", || n_seen("obs") == life * 10 + 5).await;
        if life % 2 == 0 {
            graph.checkpoint().unwrap();
        }
        offer_all("obs", life * 10 + 5..life * 10 + 10).await;
        until("all is seen", || n_seen("obs") == life * 10 + 10).await;
        disk.kill(graph, dir.path()).await;
    }
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    assert_eq!(seen("obs"), ((0..40).collect(), 0));
    let edge = report.ledger.edge("logs", "log", "count/obs").unwrap();
    assert_eq!((edge.entered, edge.delivered, edge.n_dropped()), (40, 40, 0));
}

#[tokio::test]
async fn an_observer_that_panics_goes_on_from_its_checkpoint_and_leaves_poison_out() {
    for storage in [true, false] {
        let name = if storage { "ill-disk" } else { "ill-ring" };
        let dir = tempfile::tempdir().unwrap();
        let text = config(name, storage.then(|| dir.path()));
        for (mark, n) in [(3, 1), (7, 99)] {
            POISON.lock().unwrap().insert((format!("count/{name}"), mark), n);
        }
        let graph = run_with(&text, Arc::new(DiskFs)).await;
        offer_all(name, 0..5).await;
        until("five are seen", || seen(name).0.len() == 5).await;
        graph.checkpoint().unwrap();
        offer_all(name, 5..12).await;
        until("all but one are seen", || seen(name).0.len() == 11).await;
        let want: Vec<u32> = (0..12).filter(|m| *m != 7).collect();
        assert_eq!(seen(name).0, want);
        let report = graph.shutdown(Duration::from_secs(20)).await;
        report.ledger.assert_balanced();
        let edge = report.ledger.edge("logs", "log", &format!("count/{name}")).unwrap();
        assert_eq!((edge.delivered, edge.dropped.get(&Reason::Panic)), (11, Some(&1)));
    }
}

#[tokio::test]
async fn what_an_observer_misses_is_counted_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Mortal::default();
    let graph = run_with(&config("blind", Some(dir.path())), disk.fs()).await;
    offer_all("blind", 0..4).await;
    until("four are seen", || seen("blind").0.len() == 4).await;
    graph.shutdown(Duration::from_secs(20)).await.ledger.assert_balanced();
    let without = config("blind", Some(dir.path())).replace("processors: [count/blind], ", "");
    let graph = run_with(&without, Arc::new(DiskFs)).await;
    offer_all("blind", 4..1_004).await;
    graph.shutdown(Duration::from_secs(20)).await.ledger.assert_balanced();
    let graph = run_with(&config("blind", Some(dir.path())), Arc::new(DiskFs)).await;
    until("the rest is seen", || seen("blind").0.last() == Some(&1_003)).await;
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    let (marks, n_missed) = seen("blind");
    assert!(n_missed > 400, "{n_missed}");
    assert_eq!(marks.len() as u64 + n_missed, 1_004);
    let edge = report.ledger.edge("logs", "log", "count/blind").unwrap();
    assert_eq!(edge.dropped.get(&Reason::Retention), Some(&n_missed));
}
