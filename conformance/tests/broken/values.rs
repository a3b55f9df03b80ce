//! Values that come back as others.

use core::future::{Future, ready};
use serde_json::Value;

use tenancy::store::{
    Change, Commit, Counts, InvitationState, Item, Key, List, Outcome, Record, RecordId,
};
use tenancy::token::TokenHash;
use tenancy::{EmailAddress, Member, Name, OrganizationId};

use super::store::{Data, Flaw, Lost, Store};

/// A store that does something to every text before it keeps it.
macro_rules! keeps_text {
    ($($name:ident: $does:literal, |$text:ident| $kept:expr;)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn written(commit: &Commit) -> Commit {
                rewritten(commit, &|value| match value {
                    Value::String($text) => Value::String($kept),
                    value => value,
                })
            }
        }
    )+};
}

keeps_text! {
    FoldsCase: "keeps text in small letters", |text| text.to_lowercase();
    TrimsTrailingSpaces: "keeps text in `CHAR(n)`: spaces at the end are gone", |text| {
        text.trim_end().to_owned()
    };
    KnowsNothingBeyondTheBmp: "keeps text in MySQL's `utf8`: beyond the basic plane there are only `?`", |text| {
        text.chars().map(|c| if u32::from(c) > 0xFFFF { '?' } else { c }).collect()
    };
    CutsText: "keeps 255 bytes of a text", |text| {
        let end = text.char_indices().map(|(at, c)| at.saturating_add(c.len_utf8()));
        let end = end.take_while(|end| *end <= 255).last().unwrap_or(0);
        text.get(..end).unwrap_or(&text).to_owned()
    };
    KeepsSeconds: "keeps times in seconds", |text| {
        let millis = |text: &str| {
            let (seconds, fraction) = text.split_once('.')?;
            let fraction = fraction.strip_suffix('Z')?;
            (seconds.len() == 19 && fraction.bytes().all(|b| b.is_ascii_digit()))
                .then(|| format!("{seconds}Z"))
        };
        millis(&text).unwrap_or(text)
    };
    EndsIn2038: "keeps times in 32 bits", |text| {
        let is_time = text.len() >= 20 && text.get(10..11) == Some("T") && text.ends_with('Z');
        if is_time && text.as_str() > "2038-01-19T03:14:08" {
            "2038-01-19T03:14:07Z".to_owned()
        } else {
            text
        }
    };
}

#[derive(Default)]
pub(crate) struct CountsIn31Bits;

impl Flaw for CountsIn31Bits {
    const DOES: &'static str = "keeps numbers in a signed column of 32 bits";

    fn written(commit: &Commit) -> Commit {
        rewritten(commit, &|value| match value.as_u64() {
            Some(number) if number > 0x7FFF_FFFF => Value::from(0x7FFF_FFFF),
            _ => value,
        })
    }
}

/// A commit whose values went through a function. What can't be kept like that stays as it was.
fn rewritten(commit: &Commit, kept: &impl Fn(Value) -> Value) -> Commit {
    let value = serde_json::to_value(commit).map(|value| through(value, kept));
    let read = value.and_then(serde_json::from_value);
    read.unwrap_or_else(|_| commit.clone())
}

fn through(value: Value, kept: &impl Fn(Value) -> Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(|v| through(v, kept)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, through(value, kept)))
            .collect(),
        value => kept(value),
    }
}

/// A store that does something to each record before it keeps it.
macro_rules! keeps_records {
    ($($name:ident: $does:literal, $record:pat => $change:expr;)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn written(commit: &Commit) -> Commit {
                let mut commit = commit.clone();
                for change in &mut commit.changes {
                    if let Change::Put($record) = change {
                        $change;
                    }
                }
                commit
            }
        }
    )+};
}

keeps_records! {
    KeepsTheKeyOfAnAddress: "keeps an address in its normal form only",
        Record::Member(member) => {
            let key = EmailAddress::new(member.email.key().as_str());
            member.email = key.unwrap_or(member.email.clone());
        };
    KeepsHashesAsText: "keeps a token's hash as text",
        Record::Invitation(invitation) => {
            let bytes = invitation.token_hash.as_bytes();
            let ascii = bytes.map(|byte| if byte.is_ascii() { byte } else { b'?' });
            invitation.token_hash = TokenHash::from_bytes(ascii);
        };
    TakesDeclinedForRevoked: "keeps only whether an invitation is open, was accepted, or was closed",
        Record::Invitation(invitation) => if invitation.state == InvitationState::Declined {
            invitation.state = InvitationState::Revoked;
        };
    CountsNothing: "doesn't keep a workspace's counts",
        Record::Workspace(workspace) => {
            workspace.members = 0;
            workspace.domains = 0;
        };
}

#[derive(Default)]
pub(crate) struct CountsNoInvitations;

impl Flaw for CountsNoInvitations {
    const DOES: &'static str = "doesn't keep how many invitations are open";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        commit.next.counts = Counts {
            invitations: 0,
            ..commit.next.counts
        };
        commit
    }
}

#[derive(Default)]
pub(crate) struct CountsNoNewcomers;

impl Flaw for CountsNoNewcomers {
    const DOES: &'static str = "doesn't keep how many addresses reserve a seat";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        commit.next.counts.newcomers = tenancy::store::Newcomers::default();
        commit
    }
}

#[derive(Default)]
pub(crate) struct LosesLimits;

impl Flaw for LosesLimits {
    const DOES: &'static str = "has no columns for limits";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        commit.next.limits = tenancy::Limits::UNLIMITED;
        commit
    }
}

#[derive(Default)]
pub(crate) struct ForgetsVatNumbers;

impl Flaw for ForgetsVatNumbers {
    const DOES: &'static str = "has no column for a company's VAT number";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        if let Some(company) = &mut commit.next.company {
            company.vat_number = None;
        }
        commit
    }
}

#[derive(Default)]
pub(crate) struct ForgetsReferencesWithoutAnAddress;

impl Flaw for ForgetsReferencesWithoutAnAddress {
    const DOES: &'static str =
        "keeps an invoice's reference with the lines of its address: without any it is gone";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        let workspaces = commit.changes.iter_mut().filter_map(|change| match change {
            Change::Put(Record::Workspace(workspace)) => workspace.invoicing.as_mut(),
            _ => None,
        });
        for invoicing in workspaces.chain(commit.next.invoicing.as_mut()) {
            if invoicing.address.lines().is_empty() {
                invoicing.reference = None;
            }
        }
        commit
    }
}

#[derive(Default)]
pub(crate) struct KeepsTheFirstWriting;

impl Flaw for KeepsTheFirstWriting {
    const DOES: &'static str = "doesn't write a name whose key is the same as before";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let mut commit = commit.clone();
        let state = data.state_mut(commit.organization()).clone();
        for change in &mut commit.changes {
            if let Change::Put(Record::Workspace(workspace)) = change {
                let old = state.workspace(workspace.id);
                let old = old.filter(|old| old.name.key() == workspace.name.key());
                workspace.name = old.map_or(workspace.name.clone(), |old| old.name.clone());
            }
        }
        Ok(data.commit(&commit))
    }
}

#[derive(Default)]
pub(crate) struct StampsEveryPut;

impl Flaw for StampsEveryPut {
    const DOES: &'static str = "sets `since` whenever it writes a member";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        let now = commit.entry.at;
        for change in &mut commit.changes {
            match change {
                Change::Put(Record::Member(member)) => member.since = now,
                Change::Put(Record::WorkspaceMember(member)) => member.since = now,
                _ => {}
            }
        }
        commit
    }
}

#[derive(Default)]
pub(crate) struct IgnoresAccents;

impl Flaw for IgnoresAccents {
    const DOES: &'static str = "finds names by a collation that ignores accents";

    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        let (Key::WorkspaceNamed(name), Some(state)) = (key, data.organizations.get(&id)) else {
            return data.bring(id, key);
        };
        let plain = |text: &str| text.replace(['ë', 'é'], "e");
        let wanted = plain(name.as_str());
        let mut workspaces = state.workspaces();
        let found = workspaces.find(|workspace| plain(workspace.name.key().as_str()) == wanted);
        found.cloned().map(Record::Workspace).into_iter().collect()
    }
}

#[derive(Default)]
pub(crate) struct FindsAddressesByPattern;

impl Flaw for FindsAddressesByPattern {
    const DOES: &'static str = "finds an address with `LIKE … LIMIT 1`: `_` is any character";

    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        let records = data.bring(id, key);
        let (Key::Address(address, None), Some(state)) = (key, data.organizations.get(&id)) else {
            return records;
        };
        let like = |text: &str| {
            text.chars().count() == address.as_str().chars().count()
                && text
                    .chars()
                    .zip(address.as_str().chars())
                    .all(|(a, b)| a == b || b == '_')
        };
        let mut members = state.members();
        let first = members.find(|member| like(member.email.key().as_str()));
        let others = records.into_iter();
        let others = others.filter(|record| !matches!(record, Record::Member(_)));
        others.chain(first.cloned().map(Record::Member)).collect()
    }
}

#[derive(Default)]
pub(crate) struct FindsNamesByPattern;

impl Flaw for FindsNamesByPattern {
    const DOES: &'static str = "finds a name with `LIKE … LIMIT 1`: `%` is any text";

    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        let (Key::WorkspaceNamed(name), Some(state)) = (key, data.organizations.get(&id)) else {
            return data.bring(id, key);
        };
        let Some((begin, end)) = name.as_str().split_once('%') else {
            return data.bring(id, key);
        };
        let like = |text: &str| {
            let rest = text.strip_prefix(begin);
            rest.is_some_and(|rest| rest.ends_with(end))
        };
        let mut workspaces = state.workspaces();
        let found = workspaces.find(|workspace| like(workspace.name.key().as_str()));
        found.cloned().map(Record::Workspace).into_iter().collect()
    }
}

#[derive(Default)]
pub(crate) struct TakesDomainNamesForNumbers;

impl Flaw for TakesDomainNamesForNumbers {
    const DOES: &'static str = "finds a domain's name of digits as a number";

    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        let records = data.bring(id, key);
        let (Key::DomainNamed(name), Some(state)) = (key, data.organizations.get(&id)) else {
            return records;
        };
        let Ok(number) = name.as_str().parse::<u64>() else {
            return records;
        };
        let mut domains = state.domains();
        let found = domains.find(|domain| domain.name.as_str().parse() == Ok(number));
        found.cloned().map(Record::Domain).into_iter().collect()
    }
}

/// A store that changes what it reads, whoever wrote it.
macro_rules! reads {
    ($($name:ident: $does:literal, $read:expr,)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
                data.bring(id, key).into_iter().filter_map($read).collect()
            }
        }
    )+};
}

reads! {
    LosesLaterFields: "has a column for each field, and none for those that it doesn't know", |record| {
        let mut value = serde_json::to_value(&record).ok()?;
        let fields = value.as_object_mut()?.values_mut().next()?.as_object_mut()?;
        fields.remove("of_the_future");
        serde_json::from_value(value).ok()
    },
    SkipsOldText: "holds what it reads against today's rules, and skips what they refuse", |record| match record {
        Record::Workspace(workspace) if Name::new(workspace.name.as_str()).is_err() => None,
        Record::Invitation(sent) if EmailAddress::new(sent.email.as_str()).is_err() => None,
        other => Some(other),
    },
}

#[derive(Default)]
pub(crate) struct ListsNoOddMembers;

impl Flaw for ListsNoOddMembers {
    const DOES: &'static str = "lists no member whose address today's rules refuse";

    fn items(data: &Data, list: &List) -> Vec<Item> {
        let mut items = data.items(list);
        items.retain(|item| match item {
            Item::Record(Record::Member(member)) => is_of_today(member),
            _ => true,
        });
        items
    }
}

#[derive(Default)]
pub(crate) struct RemovesNoOddMembers;

impl Flaw for RemovesNoOddMembers {
    const DOES: &'static str = "deletes a member by the address, as today's rules read it";

    fn commit(
        store: &Store<Self>,
        commit: &Commit,
    ) -> impl Future<Output = Result<Outcome, Lost>> + Send {
        let mut data = store.data();
        let before = data.organizations.get(&commit.organization()).cloned();
        let outcome = data.commit(commit);
        for change in &commit.changes {
            let Change::Delete(RecordId::Member(user)) = change else {
                continue;
            };
            let member = before.as_ref().and_then(|before| before.member(*user));
            if let Some(member) = member.filter(|member| !is_of_today(member)) {
                let state = data.state_mut(commit.organization());
                state.put(Record::Member(member.clone()));
            }
        }
        drop(data);
        ready(Ok(outcome))
    }
}

fn is_of_today(member: &Member) -> bool {
    EmailAddress::new(member.email.as_str()).is_ok()
}
