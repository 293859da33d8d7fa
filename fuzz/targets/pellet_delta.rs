//! Any bytes as the mark of a delta, or as a sidecar: what is read writes itself again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nestr_pellets::{DeltaFrame, SeekTable, Sidecar};

fuzz_target!(|input: &[u8]| {
    if let Ok(mark) = DeltaFrame::decode(input) {
        assert!(!mark.layers.is_empty());
        assert_eq!(mark.encode(), input);
    }
    if let Ok(table) = SeekTable::decode(input) {
        assert_eq!(SeekTable::decode(&table.encode()), Ok(table));
    }
    if let Ok(sidecar) = Sidecar::parse(input) {
        let again = serde_json::to_vec(&sidecar).unwrap_or_default();
        assert_eq!(Sidecar::parse(&again).ok(), Some(sidecar));
    }
});
