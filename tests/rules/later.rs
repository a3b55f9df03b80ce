//! What a later version wrote: whole, wherever this one reads it and writes it again (A7).

use core::num::NonZeroU32;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tenancy::store::{
    BrokenContract, Claim, Commit, Directory, Facts, Held, Item, Key, List, Logged,
    MemoryRepository, Organization, Outcome, Place, Record, Repository,
};
use tenancy::{
    LogEntry, OrganizationId, OrganizationRole, Paging, Resource, Tenancy, UserId, Version,
    block_on,
};
use tenancy_tests::world::*;

/// The golden files of a folder, by their names.
fn golden(folder: &str) -> Vec<(String, Value)> {
    let files = super::events::golden(folder).into_iter();
    let read = |text: String| serde_json::from_str(&text).unwrap();
    files.map(|(name, text)| (name, read(text))).collect()
}

/// Every object in a value, by the pointer to it.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.push(at.to_owned());
            for (name, field) in fields {
                objects(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Puts a field into each object of a value in turn, and says where it was not written again as it was read, or not read.
fn lost<T: Serialize + DeserializeOwned>(name: &str, whole: &Value) -> Vec<String> {
    let mut places = Vec::new();
    objects(whole, "", &mut places);
    places.retain(|place| {
        let mut whole = whole.clone();
        let object = whole.pointer_mut(place).unwrap().as_object_mut().unwrap();
        object.insert(
            "zz_of_the_future".to_owned(),
            json!({"r": 1, "names": ["red", null]}),
        );
        match serde_json::from_value::<T>(whole.clone()) {
            Ok(read) => serde_json::to_value(&read).unwrap() != whole,
            Err(_) => true,
        }
    });
    places
        .into_iter()
        .map(|place| format!("{name}{place}"))
        .collect()
}

fn all_lost<T: Serialize + DeserializeOwned>(folder: &str) -> Vec<String> {
    let golden = golden(folder);
    assert_ne!(golden.len(), 0);
    golden
        .iter()
        .flat_map(|(name, whole)| lost::<T>(name, whole))
        .collect()
}

#[test]
fn a7_a_field_of_a_later_version_stays_wherever_it_stands_in_a_record() {
    let lost = all_lost::<Record>("records");
    // What says of which kind a record or a target is has one field, and an address is whole or not read.
    let closed = |place: &String| {
        !place.contains('/') || place.ends_with("/target") || place.ends_with("/email")
    };
    let lost: Vec<_> = lost.into_iter().filter(|place| !closed(place)).collect();
    assert_eq!(lost, [""; 0]);
    assert_eq!(all_lost::<Organization>("organizations"), [""; 0]);
}

#[test]
fn a7_a_field_of_a_later_version_stays_wherever_it_stands_in_the_log() {
    assert_eq!(all_lost::<LogEntry>("log_entries"), [""; 0]);
    for (name, mut entry) in golden("log_entries") {
        let fields = entry.as_object_mut().unwrap();
        fields.retain(|name, _| !["organization", "version", "id"].contains(&name.as_str()));
        assert_eq!(lost::<Logged<'static>>(&name, &entry), [""; 0]);
    }
    // Each event, beside another.
    let entry = golden("log_entries").remove(0).1;
    for (name, event) in golden("events") {
        let mut entry = entry.clone();
        entry["events"] = json!([{"v": 1, "type": "organization_deleted"}, event]);
        assert_eq!(lost::<LogEntry>(&name, &entry), [""; 0]);
    }
}

/// The kind of a record says what else it has: with a second one beside it, neither is half-read.
#[test]
fn a7_what_has_no_place_for_more_is_not_half_read() {
    let mut read = 0;
    for (_, mut whole) in golden("records") {
        for place in ["", "/invitation/target", "/member/email"] {
            let object = whole.pointer_mut(place).and_then(Value::as_object_mut);
            let Some(object) = object else { continue };
            object.insert("zz_of_the_future".to_owned(), json!(1));
            assert!(serde_json::from_value::<Record>(whole.clone()).is_err());
            let object = whole.pointer_mut(place).and_then(Value::as_object_mut);
            object.unwrap().remove("zz_of_the_future");
            read += 1;
        }
    }
    assert_eq!(read, 17 + 3 + 1);
}

/// A field is kept through whatever this version changes around it.
#[test]
fn a7_what_stood_in_a_part_that_is_gone_is_gone_with_it() {
    let (_, mut whole) = golden("organizations").remove(0);
    whole["limits"]["gigabytes"] = json!(7);
    whole["company"]["motto"] = json!("Acme does");
    let mut organization: Organization = serde_json::from_value(whole.clone()).unwrap();
    organization.limits.seats = Some(9);
    organization.company = None;
    let written = serde_json::to_value(&organization).unwrap();
    let limits = json!({"seats": 9, "domains": 100, "gigabytes": 7});
    assert_eq!(written["limits"], limits);
    assert_eq!(written["company"], Value::Null);
}

/// A store whose lists were written by somebody else.
struct Rewritten<F> {
    store: MemoryRepository,
    item: F,
}

impl<F: Send + Sync> Repository for Rewritten<F> {
    type Error = BrokenContract;

    async fn load(
        &self,
        id: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, BrokenContract> {
        self.store.load(id, keys).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, BrokenContract> {
        self.store.commit(commit).await
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, BrokenContract> {
        self.store.standing(user, on).await
    }
}

impl<F: Fn(&List, Item) -> Item + Send + Sync> Directory for Rewritten<F> {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, BrokenContract> {
        let items = self.store.list(list, limit).await?.into_iter();
        Ok(items.map(|item| (self.item)(list, item)).collect())
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, BrokenContract> {
        self.store.claimed_by(claim).await
    }
}

fn rewritten<F: Fn(&List, Item) -> Item + Send + Sync>(
    world: &World,
    item: F,
) -> Tenancy<Rewritten<F>> {
    let store = world.store();
    let now = world.now();
    Tenancy::new(Rewritten { store, item }).with_clock(move || now)
}

/// A page leaves out what can't be read, says which, and the walk goes on past it.
#[test]
fn a7_one_item_that_cannot_be_read_holds_up_nothing_but_itself() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    for name in ["One", "Two", "Three", "Four"] {
        world.does(&ann, acme.rename(name));
    }
    let tenancy = rewritten(&world, |list, item| match list.place_of(&item) {
        Some(Place::Version(version)) if [3, 4].contains(&version.get()) => {
            Item::Unreadable(Place::Version(version))
        }
        Some(Place::User(_)) if matches!(list, List::Members { .. }) => {
            Item::Unreadable(list.place_of(&item).unwrap())
        }
        _ => item,
    });
    let everything = world.log(acme).len();
    for limit in [1, 2, 3, 50] {
        let mut paging = Paging::first(limit);
        let (mut read, mut unreadable) = (Vec::new(), Vec::new());
        loop {
            let page = block_on(tenancy.audit_trail(&ann, acme.organization, paging)).unwrap();
            read.extend(page.items.into_iter().map(|entry| entry.version.get()));
            unreadable.extend(page.unreadable.into_iter().map(Version::get));
            match page.next {
                Some(next) => paging = paging.after(next),
                None => break,
            }
        }
        assert_eq!(unreadable, [3, 4], "in pages of {limit}");
        let expected = (1..)
            .take(everything)
            .filter(|version| ![3, 4].contains(version));
        assert_eq!(read, expected.collect::<Vec<u64>>(), "in pages of {limit}");
    }
    let members = block_on(tenancy.members(&ann, acme.organization, Paging::default())).unwrap();
    assert_eq!(members.items, []);
    assert_eq!(members.unreadable, [ann.user_id().unwrap()]);
}

/// A2: hashes of links' secrets are withheld from the trail, of those too that only a later version knows.
#[test]
fn a2_the_audit_trail_withholds_what_only_a_later_version_knows_to_be_a_hash() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    let tenancy = rewritten(&world, |_, item| {
        let Item::LogEntry(entry) = item else {
            return item;
        };
        let mut entry = serde_json::to_value(&entry).unwrap();
        let secret = json!({"token_hash": "8a5edab282632443", "kept": 1});
        for event in entry["events"].as_array_mut().unwrap() {
            event["link"] = secret.clone();
        }
        let new = json!({"v": 2, "type": "link_made", "token_hash": "x", "links": [secret]});
        entry["events"].as_array_mut().unwrap().push(new);
        entry["token_hash"] = json!("x");
        Item::LogEntry(serde_json::from_value(entry).unwrap())
    });
    let trail = block_on(tenancy.audit_trail(&ann, acme.organization, Paging::default())).unwrap();
    let text = serde_json::to_string(&trail).unwrap();
    assert!(
        text.contains("link_made") && text.contains("kept"),
        "{text}"
    );
    assert!(!text.contains("token_hash"), "{text}");
}
