//! Who departed is forgotten, or never forgiven.

use tenancy::OrganizationId;
use tenancy::store::{Change, Commit, Key, Outcome, Record, RecordId};

use super::commits::without;
use super::store::{Data, Flaw, Lost, Store};

#[derive(Default)]
pub(crate) struct LosesDepartures;

impl Flaw for LosesDepartures {
    const DOES: &'static str = "has no table for former members";

    fn written(commit: &Commit) -> Commit {
        without(commit, |change| {
            matches!(change, Change::Put(Record::FormerMember(_)))
        })
    }
}

#[derive(Default)]
pub(crate) struct LosesDeparturesFromWorkspaces;

impl Flaw for LosesDeparturesFromWorkspaces {
    const DOES: &'static str = "has the user alone as the primary key of former members";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if outcome == Outcome::Committed {
            for change in &commit.changes {
                if let Change::Put(Record::FormerMember(former)) = change {
                    let state = data.state_mut(commit.organization());
                    let others = state.departures_of(former.user);
                    let others: Vec<_> = others.map(|other| other.workspace).collect();
                    for other in others
                        .into_iter()
                        .filter(|other| *other != former.workspace)
                    {
                        state.delete(&RecordId::FormerMember(former.user, other));
                    }
                }
            }
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct KeepsTheFirstDeparture;

impl Flaw for KeepsTheFirstDeparture {
    const DOES: &'static str = "keeps when somebody departed first, not last";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let state = data.state_mut(commit.organization()).clone();
        let commit = without(commit, |change| match change {
            Change::Put(record @ Record::FormerMember(_)) => state.has(&record.id()),
            _ => false,
        });
        Ok(data.commit(&commit))
    }
}

#[derive(Default)]
pub(crate) struct NeverForgetsDepartures;

impl Flaw for NeverForgetsDepartures {
    const DOES: &'static str = "deletes no former member";

    fn written(commit: &Commit) -> Commit {
        without(commit, |change| {
            matches!(change, Change::Delete(RecordId::FormerMember(..)))
        })
    }
}

#[derive(Default)]
pub(crate) struct ForgetsWhoComesBack;

impl Flaw for ForgetsWhoComesBack {
    const DOES: &'static str = "deletes the former member when they are a member again";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if outcome == Outcome::Committed {
            for change in &commit.changes {
                if let Change::Put(Record::Member(member)) = change {
                    let state = data.state_mut(commit.organization());
                    state.delete(&RecordId::FormerMember(member.user, None));
                }
            }
        }
        Ok(outcome)
    }
}

/// A store that leaves some former members out of what `Key::Invitation` brings.
macro_rules! forgets {
    ($($name:ident: $does:literal, lacks $where:ident,)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
                let mut records = data.bring(id, key);
                if matches!(key, Key::Invitation(..)) {
                    records.retain(|record| {
                        !matches!(record, Record::FormerMember(former) if former.workspace.$where())
                    });
                }
                records
            }
        }
    )+};
}

forgets! {
    InvitationBringsNoFormerMembers: "`Key::Invitation` brings no former member of the organization", lacks is_none,
    InvitationBringsNoneOfTheWorkspace: "`Key::Invitation` brings no former member of the workspace", lacks is_some,
}
