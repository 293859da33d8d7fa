//! REST, WebSocket and metrics of the Engine: parse, call, convert.
