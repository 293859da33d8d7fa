//! `ack: delivered`: the reply waits for the backends.

use super::*;

fn config(name: &str, more: &str) -> String {
    format!(
        "receivers: {{hand/{name}: }}\nexporters: {{sink/{name}-a: , sink/{name}-b: }}\n\
         service: {{pipelines: {{logs: {{receivers: [hand/{name}], ack: delivered, \
         exporters: [sink/{name}-a, sink/{name}-b]{more}}}}}}}"
    )
}

#[tokio::test]
async fn delivered_replies_when_every_primary_exporter_has_it() {
    let text = config("dlv", "");
    let graph = run_with(&text, Arc::new(DiskFs)).await;
    let hand = intake("hand/dlv");
    assert_eq!(offer(&hand, numbered(0, 10)).await, Admission::Accepted);
    assert_eq!((got("sink/dlv-a").len(), got("sink/dlv-b").len()), (1, 1));
    feel("sink/dlv-b", Mood::Away);
    let mut second = Box::pin(hand.offer(numbered(1, 10)));
    until("the first exporter", || got("sink/dlv-a").len() == 2).await;
    assert!((&mut second).now_or_never().is_none());
    feel("sink/dlv-b", Mood::Takes);
    assert_eq!(second.await, Admission::Accepted);
    assert_eq!(got("sink/dlv-b").len(), 2);
    feel("sink/dlv-b", Mood::Refuses);
    assert_eq!(offer(&hand, numbered(2, 10)).await, Admission::Accepted, "dropped for good");
    let report = graph.shutdown(Duration::from_secs(20)).await;
    report.ledger.assert_balanced();
    let edge = report.ledger.edge("logs", "log", "sink/dlv-b").unwrap();
    assert_eq!((edge.delivered, edge.dropped.get(&Reason::Permanent)), (2, Some(&1)));
}

#[tokio::test]
async fn delivered_gives_up_waiting_and_keeps_the_data() {
    let host = host(Arc::new(DiskFs));
    let metrics = host.metrics.clone();
    let text = config("late", ", ack_timeout: 30ms");
    feel("sink/late-b", Mood::Away);
    let graph = Graph::build(&parse(&text), &REGISTRY, host).unwrap().start().await.unwrap();
    let answer = offer(&intake("hand/late"), numbered(0, 10)).await;
    let Admission::Unavailable { message, .. } = answer else { panic!("{answer:?}") };
    assert!(message.contains("what was sent is kept"), "{message}");
    let row = "perch_log_duplicate_items_total{pipeline=\"logs\"} 1";
    assert!(metrics.render().contains(row), "{}", metrics.render());
    feel("sink/late-b", Mood::Takes);
    until("delivery", || got("sink/late-b").len() == 1).await;
    graph.shutdown(Duration::from_secs(20)).await.ledger.assert_balanced();
}

#[tokio::test]
async fn delivered_does_not_wait_for_secondary_exporters() {
    feel("sink/sec-b", Mood::Away);
    let graph = run_with(&config("sec", ", primary: [sink/sec-a]"), Arc::new(DiskFs)).await;
    assert_eq!(offer(&intake("hand/sec"), numbered(0, 10)).await, Admission::Accepted);
    assert_eq!((got("sink/sec-a").len(), got("sink/sec-b").len()), (1, 0));
    let report = graph.shutdown(Duration::from_millis(20)).await;
    report.ledger.assert_balanced();
    assert_eq!(report.dropped, [("sink/sec-b".to_owned(), 1)]);
}
