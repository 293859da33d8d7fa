//! Any text as a configuration: it resolves, or everything wrong with it is named.
#![no_main]

use collector_pipeline::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let env = |name: &str| (name.len() < 8).then(|| format!("${{{name}}} {name}"));
    match Config::parse("perch.yaml", text, &env) {
        Ok(config) => {
            for pipeline in &config.pipelines {
                for id in &pipeline.receivers {
                    assert!(config.receivers.iter().any(|component| component.id == *id));
                }
                for id in &pipeline.exporters {
                    assert!(config.exporters.iter().any(|component| component.id == *id));
                }
            }
        }
        Err(error) => {
            assert!(!error.findings.is_empty());
            assert!(error.to_string().contains("perch.yaml:"));
        }
    }
});
