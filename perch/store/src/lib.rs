//! The local store: looks traces and logs up in the log, speaks Jaeger's query shapes.
