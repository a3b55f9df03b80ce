//! Events as JSON: golden, for ever; and what a reader makes of the future.

use std::fs;
use std::path::Path;

use tenancy::commands::{Circumstances, decide};
use tenancy::store::{Facts, Key, Record, Repository as _};
use tenancy::{Author, EmailAddress, Event, LogEntry, Refusal, block_on};
use tenancy_tests::world::{World, id, user};

/// The golden files of a folder, by their names.
pub(super) fn golden(folder: &str) -> Vec<(String, String)> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let folder = golden.join(folder);
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
    let golden = golden("events");
    assert_eq!(golden.len(), 44, "one file for each type of event");
    for (name, text) in golden {
        let event: Event = serde_json::from_str(&text).unwrap();
        assert!(!matches!(event, Event::Unknown(_)), "{name}");
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
fn a7_the_future_reads_as_unknown_whole_and_is_written_back_as_it_was() {
    for text in [
        r#"{"v":1,"type":"moon_landed","crew":3}"#,
        r#"{"v":2,"type":"organization_deleted"}"#,
        r#"{"v":2,"type":"workspace_created","workspace":"0198c5a4-0000-7000-8000-000000000001","title":"P"}"#,
        r#"{"v":2,"type":"member_joined","user":{"id":7},"roles":[null,true,-1,1.5,"x",{}]}"#,
        r#"{"v":1,"type":"invitation_revoked","invitation":"0198c5a4-0000-7000-8000-000000000001","reason":"moon"}"#,
    ] {
        let event = serde_json::from_str::<Event>(text).unwrap();
        assert!(matches!(event, Event::Unknown(_)), "{text}: {event:?}");
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
    }
}

#[test]
fn a7_what_has_no_envelope_is_no_event() {
    for text in [
        "null",
        "[]",
        r#"{"type":"organization_deleted"}"#,
        r#"{"v":1}"#,
        r#"{"v":"1","type":"organization_deleted"}"#,
        r#"{"v":1,"type":7}"#,
    ] {
        assert!(serde_json::from_str::<Event>(text).is_err(), "{text}");
    }
}

#[test]
fn a7_an_author_of_a_later_kind_reads_as_unknown_and_the_entry_as_it_is() {
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/log_entries/by_a_user.json"),
    )
    .unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["author"] = serde_json::json!({"service": {"name": "billing", "since": 7}});
    let entry: LogEntry = serde_json::from_value(json.clone()).unwrap();
    assert!(matches!(entry.author, Author::Unknown(_)));
    assert_eq!(serde_json::to_value(&entry).unwrap(), json);
}

#[test]
fn a7_a_digest_of_a_later_form_is_no_request_and_the_entry_as_it_is() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/log_entries");
    let text = fs::read_to_string(golden.join("by_a_user.json")).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for later in [
        serde_json::json!("sha3:0123"),
        serde_json::json!("0123"),
        serde_json::json!({"form": 2, "digest": [1, 2, 3]}),
        serde_json::json!(7),
    ] {
        json["request"] = later;
        let entry: LogEntry = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&entry).unwrap(), json);
        let world = World::new();
        let (acme, ann) = (world.acme(), user("ann"));
        let rename = acme.rename("Acme SAS");
        let done = block_on(world.tenancy.execute(&ann, rename.clone())).unwrap();
        let keys = [Key::Path(id(&ann), acme.organization.into())];
        let facts = block_on(world.store().load(acme.organization, &keys));
        let facts = Facts {
            committed: Some(LogEntry {
                request: entry.request,
                ..world.log(acme).pop().unwrap()
            }),
            ..facts.unwrap().unwrap()
        };
        let circumstances = Circumstances {
            actor: &ann,
            commit: done.commit,
            now: world.now(),
            settings: world.tenancy.settings(),
        };
        let refused = decide(&rename, circumstances, &(), Some(facts)).unwrap_err();
        assert_eq!(refused, Refusal::CommitIdReused.into());
    }
}

#[test]
fn a7_a_field_of_a_later_version_stays_with_its_record() {
    for kind in [
        "member",
        "workspace",
        "workspace_member",
        "domain",
        "invitation",
    ] {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/records");
        let text = fs::read_to_string(golden.join(format!("{kind}.json"))).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json[kind]["colour"] = serde_json::json!({"r": 1, "names": ["red"]});
        let record: Record = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&record).unwrap(), json, "{kind}");
    }
}

#[test]
fn a7_text_that_todays_rules_refuse_is_still_read_from_a_store() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/records");
    let text = fs::read_to_string(golden.join("member.json")).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (typed, key) in [
        ("ann@nothing left of it", "ann@nothing left of it"),
        ("Ånn@\u{1FAE9}..example", "Ånn@xn--unknown..example"),
    ] {
        assert!(EmailAddress::new(typed).is_err(), "{typed}");
        json["member"]["email"] = if typed.is_ascii() {
            serde_json::json!(typed)
        } else {
            serde_json::json!({"typed": typed, "key": key})
        };
        let record: Record = serde_json::from_value(json.clone()).unwrap();
        let Record::Member(member) = &record else {
            panic!("a member: {record:?}");
        };
        assert_eq!(
            (member.email.as_str(), member.email.key().as_str()),
            (typed, key)
        );
        assert_eq!(serde_json::to_value(&record).unwrap(), json);
    }
}
