//! Loki in one process: files under one folder, no peers.

use super::{Kind, Parts, Site, text};

pub(super) fn plan(site: &Site<'_>) -> Parts {
    let config = site.own(Kind::Loki, "loki.yaml");
    let listener = &site.listen.loki;
    let yaml = format!(
        r#"# Written by `perch up`; changes are lost at its next start.
target: all
auth_enabled: false
server:
  http_listen_address: "{ip}"
  http_listen_port: {port}
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: 0
  log_level: warn
common:
  instance_addr: 127.0.0.1
  path_prefix: "{dir}"
  replication_factor: 1
  ring: {{ kvstore: {{ store: inmemory }} }}
  storage:
    filesystem: {{ chunks_directory: "{dir}/chunks", rules_directory: "{dir}/rules" }}
schema_config:
  configs:
    - from: 2020-01-01
      store: tsdb
      object_store: filesystem
      schema: v13
      index: {{ prefix: index_, period: 24h }}
limits_config:
  allow_structured_metadata: true
  volume_enabled: true
  ingestion_rate_mb: 64
  ingestion_burst_size_mb: 128
ingester:
  # Readiness waits this long after start; there is no ring to settle.
  lifecycler: {{ min_ready_duration: 0s, final_sleep: 0s }}
  wal: {{ dir: "{dir}/wal", flush_on_shutdown: true }}
# Readiness waits for the first of these looks at the scheduler ring; the default is 10 s.
frontend: {{ scheduler_dns_lookup_period: 500ms }}
frontend_worker: {{ dns_lookup_duration: 500ms }}
query_range: {{ parallelise_shardable_queries: false }}
analytics: {{ reporting_enabled: false }}
"#,
        ip = listener.addr.ip(),
        port = listener.port(),
        dir = text(&site.own(Kind::Loki, "data")),
    );
    Parts {
        args: vec![format!("-config.file={}", text(&config))],
        files: vec![(config, yaml)],
        ready_path: "/ready",
        ..Parts::default()
    }
}
