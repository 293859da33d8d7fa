//! From one configuration to another while data flows.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use super::*;
use crate::log::LogReader;

/// Long enough for everything that is not stuck.
const WITHIN: Duration = Duration::from_secs(20);

/// A receiver that cannot start.
struct Mute;

impl Receiver for Mute {
    fn start(&self, _: Intake, _: CancellationToken) -> BoxFuture<'_, Result<Started, NodeError>> {
        async { Err(NodeError::Other("nothing to hear".to_owned())) }.boxed()
    }
}

pub(super) fn build_mute(_: &Tree, _: &NodeContext) -> Built<dyn Receiver> {
    Ok(Arc::new(Mute))
}

/// Two log pipelines with names of their own, `one` with `more` in it, and other pipelines; on disk where there is a
/// folder.
fn config(name: &str, dir: Option<&std::path::Path>, more: &str, others: &str) -> String {
    let storage =
        dir.map_or(String::new(), |d| format!("storage: {{directory: '{}'}}\n", d.display()));
    format!(
        "receivers: {{hand/{name}-1: , hand/{name}-2: , mute: }}\n\
         exporters: {{sink/{name}-1: , sink/{name}-2: , sink/{name}-3: }}\n{storage}\
         service: {{pipelines: {{\n\
         logs/one: {{receivers: [hand/{name}-1], exporters: [sink/{name}-1], ack: memory{more}}},\n\
         logs/two: {{receivers: [hand/{name}-2], exporters: [sink/{name}-2], ack: memory}}{others}}}}}"
    )
}

/// Another pipeline from the second receiver to the third exporter.
fn third(name: &str) -> String {
    format!(", logs/three: {{receivers: [hand/{name}-2], exporters: [sink/{name}-3], ack: memory}}")
}

async fn offer_to(name: &str, marks: std::ops::Range<u32>) {
    for mark in marks {
        assert_eq!(offer(&intake(name), numbered(mark, 100)).await, Admission::Accepted, "{mark}");
    }
}

fn log_of(graph: &Running, pipeline: &str) -> LogReader {
    let logs = graph.logs();
    logs.iter().find(|l| l.pipeline.to_string() == pipeline).unwrap().reader.clone()
}

fn marks(to: u32) -> Vec<u32> {
    (0..to).collect()
}

#[tokio::test]
async fn what_is_equal_goes_on_untouched_with_what_waits_there() {
    let text = |timeout: &str, others: &str| config("same", None, timeout, others);
    let (mut graph, _) = run(&text("", "")).await;
    let (one, two) = (log_of(&graph, "logs/one"), log_of(&graph, "logs/two"));
    let handed = intake("hand/same-2");
    feel("sink/same-2", Mood::Away);
    offer_to("hand/same-2", 0..5).await;
    let changed = text(", ack_timeout: 7s", "");
    let report = graph.reload(parse(&changed), WITHIN).await.unwrap();
    assert_eq!((report.n_dropped, report.to_string()), (0, String::new()), "nothing left");
    assert!(log_of(&graph, "logs/two").is_of(&two), "its log is the same");
    assert!(log_of(&graph, "logs/one").is_of(&one), "a ring goes on under another pipeline");
    let report = graph.reload(parse(&text("", &third("same"))), WITHIN).await.unwrap();
    assert_eq!(report.n_dropped, 0);
    assert!(log_of(&graph, "logs/two").is_of(&two));
    // The receiver was never started again: what was handed out at first still leads everywhere.
    assert_eq!(offer(&handed, numbered(5, 100)).await, Admission::Accepted);
    feel("sink/same-2", Mood::Takes);
    until("delivery", || n_got("sink/same-2") == 6 && n_got("sink/same-3") == 1).await;
    let report = graph.shutdown(WITHIN).await;
    report.ledger.assert_balanced();
    assert_eq!(got("sink/same-2"), marks(6));
    assert_eq!(report.n_dropped, 0);
}

#[tokio::test]
async fn a_changed_pipeline_keeps_its_queue() {
    for on_disk in [false, true] {
        let name = if on_disk { "kept-disk" } else { "kept-ring" };
        let dir = quick_dir();
        let dir = on_disk.then_some(dir.path());
        let graph =
            Graph::build(&parse(&config(name, dir, "", "")), &REGISTRY, host(Arc::new(DiskFs)));
        let mut graph = graph.unwrap().start().await.unwrap();
        let (hand, sink) = (format!("hand/{name}-1"), format!("sink/{name}-1"));
        offer_to(&hand, 0..3).await;
        until("the first three", || n_got(&sink) == 3).await;
        feel(&sink, Mood::Away);
        offer_to(&hand, 3..8).await;
        for timeout in ["5s", "6s", "7s"] {
            let text = config(name, dir, &format!(", ack_timeout: {timeout}"), "");
            let report = graph.reload(parse(&text), WITHIN).await.unwrap();
            assert_eq!(report.n_dropped, 0);
            let edge = graph.ledger().snapshot();
            let edge = edge.edge("logs/one", "log", &sink).unwrap();
            assert_eq!((edge.entered, edge.delivered, edge.queued), (8, 3, 5), "{timeout}");
        }
        feel(&sink, Mood::Takes);
        offer_to(&hand, 8..9).await;
        until("the rest", || n_got(&sink) == 9).await;
        let report = graph.shutdown(WITHIN).await;
        report.ledger.assert_balanced();
        assert_eq!(got(&sink), marks(9), "in order, once, {name}");
        let into = report.ledger.edge("logs/one", &hand, "log").unwrap();
        assert_eq!((into.entered, into.delivered), (9, 9));
    }
}

#[tokio::test]
async fn an_exporter_with_other_settings_takes_the_queue_over() {
    let (mut graph, _) = run(&config("over", None, "", "")).await;
    let log = log_of(&graph, "logs/one");
    feel("sink/over-1", Mood::Away);
    offer_to("hand/over-1", 0..5).await;
    let text =
        config("over", None, "", "").replace("sink/over-1: ,", "sink/over-1: {n_panics: 0},");
    graph.reload(parse(&text), WITHIN).await.unwrap();
    assert!(log_of(&graph, "logs/one").is_of(&log));
    feel("sink/over-1", Mood::Takes);
    until("delivery", || n_got("sink/over-1") == 5).await;
    graph.shutdown(WITHIN).await.ledger.assert_balanced();
    assert_eq!(got("sink/over-1"), marks(5));
}

#[tokio::test]
async fn a_pipeline_that_leaves_is_emptied_and_told_of() {
    let whole = config("gone", None, "", &third("gone"));
    let (mut graph, metrics) = run(&whole).await;
    let n_resent = || {
        let page = metrics.render();
        let row = "perch_resent_items_total{exporter=\"sink/gone-3\"} ";
        let n = page.lines().find_map(|line| line.strip_prefix(row));
        n.map_or(0, |n| n.parse::<u64>().unwrap())
    };
    feel("sink/gone-3", Mood::Away);
    offer_to("hand/gone-2", 0..4).await;
    // Back before the time is over: all of it arrives.
    let back = async {
        // Tried again and again while the reload waits for it.
        let before = n_resent();
        until("attempts", || n_resent() > before + 5).await;
        feel("sink/gone-3", Mood::Takes);
    };
    let without = parse(&config("gone", None, "", ""));
    let (report, ()) = tokio::join!(graph.reload(without.clone(), WITHIN), back);
    assert_eq!(
        report.unwrap().to_string(),
        "logs/three/log/sink/gone-3: in 4, delivered 4, dropped 0\n\
         logs/three/hand/gone-2/log: in 4, delivered 4, dropped 0\n"
    );
    assert!(graph.health().nodes().iter().all(|n| n.node != "exporter/sink/gone-3"));

    graph.reload(parse(&whole), WITHIN).await.unwrap();
    feel("sink/gone-3", Mood::Away);
    offer_to("hand/gone-2", 4..6).await;
    let report = graph.reload(without, Duration::from_millis(20)).await.unwrap();
    assert_eq!(report.dropped, [("sink/gone-3".to_owned(), 2)]);
    report.ledger.assert_balanced();
    let edge = report.ledger.edge("logs/three", "log", "sink/gone-3").unwrap();
    assert_eq!(edge.dropped.get(&Reason::Shutdown), Some(&2));
    until("the other one", || n_got("sink/gone-2") == 6).await;
    graph.shutdown(WITHIN).await.ledger.assert_balanced();
}

#[tokio::test]
async fn an_exporter_that_leaves_a_pipeline_holds_it_up_no_longer_than_allowed() {
    let (mut graph, _) = run(&config("less", None, "", "")).await;
    let both = config("less", None, "", "").replace("[sink/less-1]", "[sink/less-1, sink/less-3]");
    graph.reload(parse(&both), WITHIN).await.unwrap();
    feel("sink/less-3", Mood::Away);
    offer_to("hand/less-1", 0..3).await;
    until("the one that stays", || n_got("sink/less-1") == 3).await;
    let less = parse(&config("less", None, "", ""));
    let report = graph.reload(less, Duration::from_millis(20)).await.unwrap();
    assert_eq!(report.dropped, [("sink/less-3".to_owned(), 3)]);
    report.ledger.assert_balanced();
    offer_to("hand/less-1", 3..4).await;
    until("the one that stays", || n_got("sink/less-1") == 4).await;
    graph.shutdown(WITHIN).await.ledger.assert_balanced();
    assert_eq!(got("sink/less-1"), marks(4));
}

#[tokio::test]
async fn a_listener_that_cannot_be_opened_brings_everything_back() {
    let text = config("back", None, "", "");
    let (mut graph, _) = run(&text).await;
    let two = log_of(&graph, "logs/two");
    feel("sink/back-1", Mood::Away);
    offer_to("hand/back-1", 0..3).await;
    let mute = text.replace("[hand/back-1]", "[hand/back-1, mute]");
    let error = graph.reload(parse(&mute), WITHIN).await.unwrap_err();
    assert!(matches!(error, ReloadError::RolledBack(_)), "{error}");
    assert_eq!(error.to_string(), "receiver mute cannot start: nothing to hear");
    assert!(log_of(&graph, "logs/two").is_of(&two));
    offer_to("hand/back-1", 3..4).await;
    feel("sink/back-1", Mood::Takes);
    until("delivery", || n_got("sink/back-1") == 4).await;
    graph.shutdown(WITHIN).await.ledger.assert_balanced();
    assert_eq!(got("sink/back-1"), marks(4));
}

#[tokio::test]
async fn another_folder_is_refused_and_touches_nothing() {
    let (dir, other) = (quick_dir(), quick_dir());
    let mut graph = run(&config("moves", Some(dir.path()), "", "")).await.0;
    let one = log_of(&graph, "logs/one");
    offer_to("hand/moves-1", 0..3).await;
    for elsewhere in [None, Some(other.path())] {
        let error = graph.reload(parse(&config("moves", elsewhere, "", "")), WITHIN).await;
        assert!(matches!(error, Err(ReloadError::RolledBack(GraphError::Config(_)))), "{error:?}");
    }
    assert!(log_of(&graph, "logs/one").is_of(&one));
    offer_to("hand/moves-1", 3..4).await;
    until("delivery", || n_got("sink/moves-1") == 4).await;
    graph.shutdown(WITHIN).await.ledger.assert_balanced();
}

#[tokio::test]
async fn whether_the_local_store_reads_a_log_opens_no_log_again() {
    let dir = quick_dir();
    let text = config("found", Some(dir.path()), "", "");
    let mut graph = run(&text).await.0;
    let one = log_of(&graph, "logs/one");
    offer_to("hand/found-1", 0..2).await;
    let unread = text.replace("storage: {", "storage: {search: false, ");
    graph.reload(parse(&unread), WITHIN).await.unwrap();
    assert!(graph.logs().is_empty(), "nothing for the store");
    offer_to("hand/found-1", 2..3).await;
    graph.reload(parse(&text), WITHIN).await.unwrap();
    assert!(log_of(&graph, "logs/one").is_of(&one));
    until("delivery", || n_got("sink/found-1") == 3).await;
    graph.shutdown(WITHIN).await.ledger.assert_balanced();
}

/// A disk on which the log of `logs/three` cannot be written while it is told so.
fn without_three(refuses: &Arc<AtomicBool>) -> Arc<dyn Fs> {
    let asked = Arc::clone(refuses);
    Arc::new(FaultyFs::new(Arc::new(DiskFs), move |op| {
        let new = op.path.to_string_lossy().contains("logs+three");
        match new && asked.load(SeqCst) {
            true => Verdict::Fail(io::ErrorKind::StorageFull.into()),
            false => Verdict::Pass,
        }
    }))
}

#[tokio::test]
async fn an_observer_knows_each_record_once_whatever_is_reloaded_around_it() {
    let dir = quick_dir();
    let refuses = Arc::new(AtomicBool::new(true));
    let text = |settings: &str, timeout: u32, others: &str| {
        format!(
            "receivers: {{hand/eye: }}\nprocessors: {{count/eye: {settings}}}\n\
             exporters: {{sink/eye: }}\nstorage: {{directory: '{}'}}\n\
             service: {{pipelines: {{logs: {{receivers: [hand/eye], processors: [count/eye],\n\
             exporters: [sink/eye], ack_timeout: {timeout}s}}{others}}}}}",
            dir.path().display()
        )
    };
    let third = ", logs/three: {receivers: [hand/eye], exporters: [sink/eye]}";
    let mut graph = run_with(&text("{}", 5, ""), without_three(&refuses)).await;
    offer_to("hand/eye", 0..3).await;
    graph.reload(parse(&text("{}", 6, "")), WITHIN).await.unwrap();
    offer_to("hand/eye", 3..5).await;
    // Other settings of the observer are in force already when the third log fails, and are taken back.
    let failing = parse(&text("{a: 1}", 6, third));
    let error = graph.reload(failing, WITHIN).await.unwrap_err();
    assert!(matches!(error, ReloadError::RolledBack(_)), "{error}");
    offer_to("hand/eye", 5..7).await;
    graph.reload(parse(&text("{a: 1}", 6, "")), WITHIN).await.unwrap();
    offer_to("hand/eye", 7..9).await;
    until("everything is seen", || observing::seen("eye").0.len() >= 9).await;
    graph.shutdown(WITHIN).await.ledger.assert_balanced();
    assert_eq!(observing::seen("eye"), (marks(9), 0));
    assert_eq!(got("sink/eye"), marks(9));
}

#[tokio::test]
async fn a_log_that_cannot_be_opened_brings_everything_back() {
    let dir = quick_dir();
    let refuses = Arc::new(AtomicBool::new(false));
    let text = config("full", Some(dir.path()), "", "");
    let mut graph = run_with(&text, without_three(&refuses)).await;
    feel("sink/full-1", Mood::Away);
    offer_to("hand/full-1", 0..3).await;
    refuses.store(true, SeqCst);
    // The first pipeline is opened anew with other settings before the third fails.
    let more = config("full", Some(dir.path()), ", ack_timeout: 7s", &third("full"));
    let error = graph.reload(parse(&more), WITHIN).await.unwrap_err();
    assert!(matches!(error, ReloadError::RolledBack(_)), "{error}");
    assert_eq!(graph.logs().len(), 2);
    assert_eq!(graph.ledger().snapshot().edges.len(), 4, "nothing is left of the third");
    feel("sink/full-1", Mood::Takes);
    offer_to("hand/full-1", 3..5).await;
    until("delivery", || n_got("sink/full-1") == 5).await;
    refuses.store(false, SeqCst);
    graph.reload(parse(&more), WITHIN).await.unwrap();
    offer_to("hand/full-2", 0..1).await;
    until("the third", || n_got("sink/full-3") == 1).await;
    graph.shutdown(WITHIN).await.ledger.assert_balanced();
    assert_eq!(got("sink/full-1"), marks(5));
}

/// Offers to `name` until told to stop; tells how many were taken.
async fn load(name: String, stop: Arc<AtomicBool>, n_sent: Arc<AtomicU32>) -> u32 {
    let intake = intake(&name);
    while !stop.load(SeqCst) {
        let mark = n_sent.load(SeqCst);
        match offer(&intake, numbered(mark, 100)).await {
            Admission::Accepted => drop(n_sent.fetch_add(1, SeqCst)),
            // Between two pipelines, or faster than the sinks; the sender comes again.
            Admission::Unavailable { .. } | Admission::Full { .. } => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Admission::Unwanted => panic!("refused for good"),
        }
        if mark.is_multiple_of(16) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    n_sent.load(SeqCst)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_reloads_under_load_lose_nothing_and_the_ledger_balances() {
    for on_disk in [false, true] {
        let name = if on_disk { "many-disk" } else { "many-ring" };
        let dir = quick_dir();
        let dir = on_disk.then_some(dir.path());
        let graph =
            Graph::build(&parse(&config(name, dir, "", "")), &REGISTRY, host(Arc::new(DiskFs)));
        let mut graph = graph.unwrap().start().await.unwrap();
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), [(); 2].map(|()| Arc::default()));
        let loads = [1, 2].map(|i| {
            let n_sent: &Arc<AtomicU32> = &counts[i - 1];
            let load = load(format!("hand/{name}-{i}"), Arc::clone(&stop), Arc::clone(n_sent));
            tokio::spawn(load)
        });
        for n in 0..50 {
            let timeout = format!(", ack_timeout: {}s", 5 + n % 2);
            let others = if n % 4 == 3 { third(name) } else { String::new() };
            let text = config(name, dir, &timeout, &others);
            let text = match n % 3 {
                0 => text.replace(
                    &format!("sink/{name}-2: ,"),
                    &format!("sink/{name}-2: {{n_panics: 0}},"),
                ),
                _ => text,
            };
            let before = counts[0].load(SeqCst);
            let report = graph.reload(parse(&text), WITHIN).await.unwrap();
            assert_eq!(report.n_dropped, 0, "reload {n}");
            report.ledger.assert_balanced();
            until("batches come through", || counts[0].load(SeqCst) > before).await;
        }
        stop.store(true, SeqCst);
        let mut sent = Vec::new();
        for load in loads {
            sent.push(load.await.unwrap());
        }
        let report = graph.shutdown(WITHIN).await;
        report.ledger.assert_balanced();
        assert_eq!(report.n_dropped, 0);
        for (i, n_sent) in sent.iter().enumerate() {
            let sink = format!("sink/{name}-{}", i + 1);
            assert_eq!(got(&sink), marks(*n_sent), "in order and once, {sink}");
        }
    }
}

#[tokio::test]
async fn other_bounds_hold_at_once_and_nothing_is_opened_for_them() {
    let dir = quick_dir();
    let text = |bytes: &str| {
        format!(
            "receivers: {{hand/room: }}\nexporters: {{sink/room: }}\n\
             storage: {{directory: '{}', max_bytes: {bytes}}}\n\
             service: {{pipelines: {{logs: {{receivers: [hand/room], exporters: [sink/room], ack: memory}}}}}}",
            dir.path().display()
        )
    };
    let mut graph = run_with(&text("64KiB"), Arc::new(DiskFs)).await;
    let log = log_of(&graph, "logs");
    feel("sink/room", Mood::Away);
    let mut n_sent = 0;
    while offer(&intake("hand/room"), numbered(n_sent, 1_000)).await == Admission::Accepted {
        n_sent += 1;
    }
    assert!(n_sent < 64, "{n_sent} fitted");
    graph.reload(parse(&text("1MiB")), WITHIN).await.unwrap();
    assert!(log_of(&graph, "logs").is_of(&log));
    offer_to("hand/room", n_sent..200).await;
    feel("sink/room", Mood::Takes);
    until("delivery", || n_got("sink/room") == 200).await;
    graph.shutdown(WITHIN).await.ledger.assert_balanced();
    assert_eq!(got("sink/room"), marks(200));
}
