//! Receivers and exporters, one folder each, all of one shape.
