//! Events as JSON: golden, for ever; and what a reader makes of the future.

use std::fs;
use std::path::Path;

use tenancy::Event;

fn golden() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/events");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let named = files.into_iter().map(|path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    named.collect()
}

#[test]
fn every_golden_event_is_read_and_written_as_it_was() {
    let golden = golden();
    assert_eq!(golden.len(), 29, "one file for each type of event");
    for (name, text) in golden {
        let event: Event = serde_json::from_str(&text).unwrap();
        assert_ne!(event, Event::Unknown, "{name}");
        let before: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap(), before, "{name}");
        assert_eq!(
            before["type"],
            name.as_str(),
            "a file is named after its type"
        );
    }
}

#[test]
fn the_future_reads_as_unknown() {
    for text in [
        r#"{"v":1,"type":"moon_landed","crew":3}"#,
        r#"{"v":2,"type":"organization_deleted"}"#,
    ] {
        assert_eq!(serde_json::from_str::<Event>(text).unwrap(), Event::Unknown);
    }
}
