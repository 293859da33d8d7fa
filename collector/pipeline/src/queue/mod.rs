//! The bounded queue in front of each exporter, and the lanes that empty it.
