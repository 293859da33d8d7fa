//! The pipeline: configuration, wiring, log, queues, ledger, supervision.
