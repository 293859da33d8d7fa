//! Any bytes as a tar stream: entries are in bounds of the stream and of each other, or the stream is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nestr_pellets::TarReader;

fuzz_target!(|input: &[u8]| {
    let mut reader = TarReader::new(input);
    let mut stored = 0;
    while let Ok(Some(entry)) = reader.next_entry() {
        stored += entry.header_len + entry.stored;
        assert!(stored <= input.len() as u64 + entry.stored);
        assert!(!entry.path.is_empty() && !entry.path.contains(&0));
        let extents = entry.extents.unwrap_or_default();
        assert!(extents.is_sorted_by(|a, b| a.offset + a.len <= b.offset));
        assert!(extents.last().is_none_or(|last| last.offset + last.len <= entry.size));
    }
});
