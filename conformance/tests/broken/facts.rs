//! Facts that are older than their version, or are another's.

use tenancy::store::{Commit, Facts, Key, Outcome, Record};
use tenancy::{OrganizationId, Resource};

use super::store::{Data, Flaw, Lost, Store, facts, window};

#[derive(Default)]
pub(crate) struct ReadsTheVersionLast;

impl Flaw for ReadsTheVersionLast {
    const DOES: &'static str = "reads the records, and the version after them";
    const SURELY: &'static [&'static str] = &["promise_2_no_read_is_torn"];

    async fn load(
        store: &Store<Self>,
        id: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Lost> {
        let early = facts::<Self>(&store.data(), id, keys);
        window().await;
        let now = facts::<Self>(&store.data(), id, &[]);
        Ok(early.zip(now).map(|(early, now)| Facts {
            organization: now.organization,
            ..early
        }))
    }
}

#[derive(Default)]
pub(crate) struct LocksWhatItReads;

impl Flaw for LocksWhatItReads {
    const DOES: &'static str = "reads `FOR UPDATE` at READ COMMITTED: after waiting for a writer, a new version with old records";
    const SURELY: &'static [&'static str] = &["promise_2_no_read_is_torn"];

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        // Long enough for a reader to meet it.
        window().await;
        let outcome = store.data().commit(commit);
        window().await;
        Ok(outcome)
    }

    async fn load(
        store: &Store<Self>,
        id: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Lost> {
        let snapshot = facts::<Self>(&store.data(), id, keys);
        if !store.is_writing() {
            return Ok(snapshot);
        }
        window().await; // for the lock
        let locked = facts::<Self>(&store.data(), id, &[]);
        Ok(snapshot.zip(locked).map(|(snapshot, locked)| Facts {
            organization: locked.organization,
            ..snapshot
        }))
    }
}

#[derive(Default)]
pub(crate) struct ReadsNamesFirst;

impl Flaw for ReadsNamesFirst {
    const DOES: &'static str = "reads domains' names before everything else: absences are too old";
    const SURELY: &'static [&'static str] = &["promise_2_no_absence_is_torn"];

    async fn load(
        store: &Store<Self>,
        id: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Lost> {
        let (names, others): (Vec<Key>, Vec<Key>) = keys
            .iter()
            .cloned()
            .partition(|key| matches!(key, Key::DomainNamed(_)));
        let names = facts::<Self>(&store.data(), id, &names);
        window().await;
        let others = facts::<Self>(&store.data(), id, &others);
        Ok(names.zip(others).map(|(names, mut others)| {
            others.records.extend(names.records);
            others
        }))
    }
}

#[derive(Default)]
pub(crate) struct MixesReplicas;

impl Flaw for MixesReplicas {
    const DOES: &'static str = "reads the version from the primary and the records from a replica";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        Ok(store.data().commit_remembering(commit))
    }

    async fn load(
        store: &Store<Self>,
        id: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Lost> {
        let data = store.data();
        let now = facts::<Self>(&data, id, keys);
        let replica = data.before.as_deref();
        let old = replica.and_then(|replica| facts::<Self>(replica, id, keys));
        Ok(now.map(|now| Facts {
            records: old.map_or(Vec::new(), |old| old.records),
            ..now
        }))
    }
}

#[derive(Default)]
pub(crate) struct LoadsFromAReplica;

impl Flaw for LoadsFromAReplica {
    const DOES: &'static str = "loads from a replica that is one commit behind";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        Ok(store.data().commit_remembering(commit))
    }

    async fn load(
        store: &Store<Self>,
        id: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Lost> {
        let data = store.data();
        let old = data.before.as_deref().unwrap_or(&data);
        Ok(facts::<Self>(old, id, keys))
    }
}

/// A store that leaves some records out of what a key brings.
macro_rules! forgets {
    ($($name:ident: $does:literal, $key:pat => $record:pat,)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
                let mut records = data.bring(id, key);
                if matches!(key, $key) {
                    records.retain(|record| !matches!(record, $record));
                }
                records
            }
        }
    )+};
}

forgets! {
    EndsPathsAtTheDomain: "`Key::Path` to a domain brings no membership of its workspace",
        Key::Path(_, Resource::Domain(..)) => Record::WorkspaceMember(_),
    LeavesAPersonsInvitations: "`Key::Person` brings no invitations to the member's address",
        Key::Person(_) => Record::Invitation(_),
    SentToBringsNoInvitations: "`Key::SentTo` brings the member only",
        Key::SentTo(_) => Record::Invitation(_),
    SentByBringsNoMembers: "`Key::SentBy` brings no members with the invited addresses",
        Key::SentBy(_) => Record::Member(_),
    AddressBringsNoRoles: "`Key::Address` brings no memberships of the workspace",
        Key::Address(..) => Record::WorkspaceMember(_),
    InvitationBringsNoMembers: "`Key::Invitation` brings no members",
        Key::Invitation(..) => Record::Member(_),
    OpenInvitationsBringsNoMembers: "`Key::OpenInvitations` of a workspace brings no members with the invited addresses",
        Key::OpenInvitations(Some(_)) => Record::Member(_),
    FindsNoOpenInvitations: "`Key::OpenInvitations(None)` brings none",
        Key::OpenInvitations(None) => Record::Invitation(_),
    FindsNoWorkspaceByName: "`Key::WorkspaceNamed` brings nothing",
        Key::WorkspaceNamed(_) => Record::Workspace(_),
    FindsNoRetiredNames: "`Key::DomainNamed` brings no retired names",
        Key::DomainNamed(_) => Record::RetiredDomainName(_),
}

/// A store that leaves out the other open invitations to the addresses of those that it was asked for.
macro_rules! no_others {
    ($($name:ident: $does:literal, $key:pat, $asked:ident => $is_asked:expr,)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
                let mut records = data.bring(id, key);
                if let $key = key {
                    records.retain(|record| match record {
                        Record::Invitation($asked) => $is_asked,
                        _ => true,
                    });
                }
                records
            }
        }
    )+};
}

no_others! {
    SentByBringsNobodyElses: "`Key::SentBy` brings no other invitations to the same addresses",
        Key::SentBy(user), it => it.inviter == *user,
    InvitationComesAlone: "`Key::Invitation` brings no other invitations to the address",
        Key::Invitation(invitation, _), it => it.id == *invitation,
    OpenInvitationsBringsNoneElsewhere: "`Key::OpenInvitations` of a workspace brings no other invitations to the same addresses",
        Key::OpenInvitations(Some(workspace)), it => it.target.workspace() == Some(*workspace),
}

#[derive(Default)]
pub(crate) struct AnswersOneKeyOfAKind;

impl Flaw for AnswersOneKeyOfAKind {
    const DOES: &'static str = "takes one key of each kind, and forgets the others";

    async fn load(
        store: &Store<Self>,
        id: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Lost> {
        let mut last: Vec<Key> = Vec::new();
        for key in keys {
            last.retain(|other| core::mem::discriminant(other) != core::mem::discriminant(key));
            last.push(key.clone());
        }
        Ok(facts::<Self>(&store.data(), id, &last))
    }
}

#[derive(Default)]
pub(crate) struct FindsNamesOfAnybody;

impl Flaw for FindsNamesOfAnybody {
    const DOES: &'static str = "finds a workspace's name in any organization";

    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        everywhere(data, id, key, matches!(key, Key::WorkspaceNamed(_)))
    }
}

#[derive(Default)]
pub(crate) struct FindsInvitationsOfAnybody;

impl Flaw for FindsInvitationsOfAnybody {
    const DOES: &'static str = "finds an invitation's id in any organization";

    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        everywhere(data, id, key, matches!(key, Key::Invitation(..)))
    }
}

fn everywhere(data: &Data, id: OrganizationId, key: &Key, leaks: bool) -> Vec<Record> {
    if !leaks {
        return data.bring(id, key);
    }
    let organizations = data.organizations.keys();
    organizations.flat_map(|id| data.bring(*id, key)).collect()
}

#[derive(Default)]
pub(crate) struct OverwritesTwins;

impl Flaw for OverwritesTwins {
    const DOES: &'static str = "has the id alone as the primary key of its workspaces";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if outcome != Outcome::Committed {
            return Ok(outcome);
        }
        for change in &commit.changes {
            if let tenancy::store::Change::Put(record @ Record::Workspace(_)) = change {
                for (other, state) in &mut data.organizations {
                    if *other != commit.organization() {
                        state.delete(&record.id());
                    }
                }
            }
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct BringsOneMemberOfAnAddress;

impl Flaw for BringsOneMemberOfAnAddress {
    const DOES: &'static str = "brings one member with an address, though several may have it";

    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        let mut records = data.bring(id, key);
        if matches!(key, Key::Address(_, None)) {
            let first = records
                .iter()
                .position(|record| matches!(record, Record::Member(_)));
            let member = first.map(|first| records.swap_remove(first));
            records.retain(|record| !matches!(record, Record::Member(_)));
            records.extend(member.as_slice().iter().cloned());
        }
        records
    }
}

#[derive(Default)]
pub(crate) struct BringsAHundred;

impl Flaw for BringsAHundred {
    const DOES: &'static str = "brings a hundred records for a key, and no more";

    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        let mut records = data.bring(id, key);
        records.truncate(100);
        records
    }
}

#[derive(Default)]
pub(crate) struct HidesDeletedOrganizations;

impl Flaw for HidesDeletedOrganizations {
    const DOES: &'static str = "finds no organization that was deleted, though its row must stay";

    async fn load(
        store: &Store<Self>,
        id: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Lost> {
        let facts = facts::<Self>(&store.data(), id, keys);
        Ok(facts.filter(|facts| facts.organization.is_active()))
    }
}
