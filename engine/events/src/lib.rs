//! The durable event log: one SQLite file, one writer, one global cursor.
