//! Settings of the OpenTelemetry Collector's components that mean nothing here, or something else.

use serde::Deserialize;

use super::at::At;
use super::error::Finding;
use super::tree::{Key, Tree, Value};

/// Settings without effect: the kinds that have them there, the key, and what does its work here.
const WITHOUT_EFFECT: [(&[&str], &[&str], &str); 6] = [
    (
        &["otlp", "otlp_grpc"],
        &["balancer_name", "keepalive", "wait_for_ready", "read_buffer_size", "write_buffer_size"],
        "connections are kept and sized by the client itself",
    ),
    (
        &["otlphttp", "otlp_http", "prometheusremotewrite"],
        &[
            "compression_params",
            "disable_keep_alives",
            "force_attempt_http2",
            "http2_ping_timeout",
            "http2_read_idle_timeout",
            "idle_conn_timeout",
            "max_conns_per_host",
            "max_idle_conns",
            "max_idle_conns_per_host",
            "read_buffer_size",
            "write_buffer_size",
        ],
        "connections are kept and sized by the client itself",
    ),
    (&["prometheusremotewrite"], &["wal"], "what waits is in the pipeline's log"),
    (
        &["prometheusremotewrite"],
        &["max_batch_request_parallelism"],
        "write `shards`, the number of request streams",
    ),
    (
        &["prometheusremotewrite"],
        &["export_created_metric"],
        "start times travel with the samples of remote-write 2.0",
    ),
    (
        &["debug"],
        &["sampling_initial", "sampling_thereafter", "use_internal_logger"],
        "lines go to the log, as many per batch as `max_lines` says",
    ),
];

/// `remote_write_queue` as the OpenTelemetry Collector knows it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQueue {
    enabled: Option<bool>,
    queue_size: Option<u64>,
    num_consumers: Option<u64>,
}

/// Takes out of an exporter's settings what has no effect, and puts in its place what does the same; each with a
/// note.
pub(super) fn apply(
    kind: &str,
    settings: &mut Tree,
    notes: &mut Vec<(At, String)>,
) -> Result<(), Finding> {
    for (kinds, keys, instead) in WITHOUT_EFFECT {
        for key in keys.iter().filter(|_| kinds.contains(&kind)) {
            if let Some((key, _)) = settings.take(key) {
                notes.push((key.at, format!("{} has no effect: {instead}", key.text)));
            }
        }
    }
    if kind == "prometheusremotewrite"
        && let Some((key, queue)) = settings.take("remote_write_queue")
    {
        let raw: RawQueue = queue.read().map_err(|e: Finding| e.within("remote_write_queue"))?;
        let streams = raw.num_consumers.filter(|_| raw.enabled != Some(false));
        if raw.queue_size.is_some() {
            let message =
                "remote_write_queue.queue_size has no effect: what waits is in the pipeline's log";
            notes.push((key.at, message.to_owned()));
        }
        if let (Some(n), None) = (streams, settings.get("shards"))
            && let Value::Map(entries) = &mut settings.value
        {
            let message = format!("remote_write_queue.num_consumers is `shards: {n}` here");
            notes.push((key.at, message));
            let value = Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
            let shards = Key { text: "shards".to_owned(), at: key.at };
            entries.push((shards, Tree { value, at: queue.at }));
        }
    }
    Ok(())
}
