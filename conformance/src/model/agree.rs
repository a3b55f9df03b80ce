//! A store held against the model.

use core::fmt::Debug;
use core::future::Future;
use core::time::Duration;
use std::collections::BTreeSet;

use tenancy::store::{Claim, Directory, Facts, Key, List, Record, RecordId, Repository};
use tenancy::{OrganizationId, Resource, RoleSet, UserId};

use super::{KeyKind, Model, walk, whole};
use crate::report::{Failure, Verdict};
use crate::tasks::pause;

impl Model {
    /// The store's answer to these keys, all at once, holds what it must and nothing that is wrong.
    pub(crate) async fn facts_agree<R: Repository>(
        &self,
        store: &R,
        id: OrganizationId,
        keys: &[Key],
    ) -> Verdict {
        let found = store.load(id, keys).await?;
        let place = || match keys {
            [first, _, _, rest @ ..] if !rest.is_empty() => {
                format!(
                    "load({id}, [{first:?} and {} more keys])",
                    keys.len().saturating_sub(1)
                )
            }
            few => format!("load({id}, {few:?})"),
        };
        match (found, self.facts(id, keys)) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(Failure::new("no organization, but there is one").at(place())),
            (Some(_), None) => Err(Failure::new("an organization, but there is none").at(place())),
            (Some(found), Some(expected)) => self
                .facts_are_right(&found, &expected)
                .map_err(|failure| failure.at(place())),
        }
    }

    fn facts_are_right(&self, found: &Facts, expected: &Facts) -> Verdict {
        same(
            "the organization",
            &found.organization,
            &expected.organization,
        )?;
        same("the log entry", &found.committed, &expected.committed)?;
        // What no key asked for does no harm, if it is there and it is so.
        let tenant = self.tenants.get(&expected.organization.id);
        let mut brought = BTreeSet::new();
        for record in &found.records {
            let id = record.id();
            let real = tenant.and_then(|tenant| tenant.state.record(&id));
            let real = real.ok_or_else(|| {
                Failure::new(format!(
                    "{id} is there, but this organization has none such"
                ))
            })?;
            same(&id, record, &real)?;
            brought.insert(id);
        }
        let asked = expected.records.iter().map(Record::id);
        match asked.into_iter().find(|id| !brought.contains(id)) {
            Some(id) => Err(Failure::new(format!("{id} is missing"))),
            None => Ok(()),
        }
    }

    /// As [`facts_agree`](Self::facts_agree), for each key by itself.
    pub(crate) async fn each_key_agrees<R: Repository>(
        &self,
        store: &R,
        id: OrganizationId,
        kind: KeyKind,
    ) -> Verdict {
        for key in self.keys(id, kind) {
            self.facts_agree(store, id, &[key]).await?;
        }
        Ok(())
    }

    /// All records of an organization, by few calls: is everything there, and nothing else?
    pub(crate) async fn records_agree<R: Repository>(
        &self,
        store: &R,
        id: OrganizationId,
    ) -> Verdict {
        let Some(tenant) = self.tenants.get(&id) else {
            return self.facts_agree(store, id, &[]).await;
        };
        let nobody = UserId::from_external("nobody at all");
        let mut keys: Vec<Key> = vec![Key::OpenInvitations(None)];
        for (record, last) in &tenant.ever {
            keys.push(match (record, last) {
                (RecordId::Member(user) | RecordId::FormerMember(user, _), _) => Key::Person(*user),
                (RecordId::Workspace(workspace), _) => {
                    Key::Path(nobody, Resource::Workspace(id, *workspace))
                }
                (RecordId::WorkspaceMember(workspace, user), _) => {
                    Key::Path(*user, Resource::Workspace(id, *workspace))
                }
                (RecordId::Domain(domain), _) => Key::Path(nobody, Resource::Domain(id, *domain)),
                (RecordId::RetiredDomainName(name), _) => Key::DomainNamed(name.clone()),
                (RecordId::Invitation(invitation), _) => Key::Invitation(*invitation, None),
            });
        }
        for keys in keys.chunks(16) {
            self.facts_agree(store, id, keys).await?;
        }
        Ok(())
    }

    /// Every list of the store but the logs, whole, in pages of that size.
    pub(crate) async fn lists_agree<R: Directory>(&self, store: &R, limit: u32) -> Verdict {
        let mut lists = Vec::new();
        let users = self.users();
        for id in self.organizations() {
            lists.extend([
                whole::members(id, RoleSet::all()),
                whole::workspaces(id),
                whole::kept_names(id),
                whole::invitations(id, None),
            ]);
            for workspace in self.workspaces(id) {
                lists.extend([
                    whole::workspace_members(id, workspace, RoleSet::all()),
                    whole::domains(id, workspace),
                    whole::invitations(id, Some(workspace)),
                ]);
            }
            lists.extend(users.iter().map(|user| whole::workspaces_of(id, *user)));
        }
        lists.extend(users.iter().copied().map(whole::organizations_of));
        for address in self.addresses() {
            lists.push(whole::invitations_to(&address));
            lists.push(whole::organizations_with_member(&address));
        }
        lists.push(whole::all_organizations());
        lists.extend(self.names().iter().map(whole::organizations_named));
        for list in lists {
            self.list_agrees(store, &list, limit).await?;
        }
        Ok(())
    }

    /// One list, whole, in pages of that size. Those across organizations may lag.
    pub(crate) async fn list_agrees<R: Directory>(
        &self,
        store: &R,
        list: &List,
        limit: u32,
    ) -> Verdict {
        let expected: Vec<_> = self.list(list).into_values().collect();
        let expected = &expected;
        let place = || format!("{list:?} in pages of {limit}");
        let ask = || async move {
            let found = walk(store, list, limit).await;
            same(
                place(),
                &found.map_err(|failure| failure.at(place()))?,
                expected,
            )
        };
        match list.organization() {
            Some(_) => ask().await,
            None => eventually(self.lag, ask).await,
        }
    }

    /// Every claim that was ever held, and who holds it now.
    pub(crate) async fn claims_agree<R: Directory>(&self, store: &R) -> Verdict {
        for claim in self.domain_names().cloned().map(Claim::DomainName) {
            let found = store.claimed_by(&claim).await?;
            let expected = self.holder(&claim);
            same(format!("the holder of {claim}"), &found, &expected)?;
        }
        Ok(())
    }

    /// The log of every organization, in pages, and each entry by its id.
    pub(crate) async fn logs_agree<R: Directory>(&self, store: &R, limit: u32) -> Verdict {
        for id in self.organizations() {
            self.list_agrees(store, &whole::log(id), limit).await?;
            for entry in self.log_of(id) {
                self.facts_agree(store, id, &[Key::Commit(entry.id)])
                    .await?;
            }
        }
        Ok(())
    }

    /// What everybody holds everywhere.
    pub(crate) async fn standings_agree<R: Repository>(&self, store: &R) -> Verdict {
        for id in self.organizations() {
            for resource in self.resources(id) {
                for user in self.users() {
                    self.standing_agrees(store, user, resource).await?;
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn standing_agrees<R: Repository>(
        &self,
        store: &R,
        user: UserId,
        resource: Resource,
    ) -> Verdict {
        let ask = || async move {
            let found = store.standing(user, resource).await?;
            let expected = self.held(user, resource);
            same(format!("standing({user}, {resource:?})"), &found, &expected)?;
            let Some(glance) = store.glance(user, resource) else {
                return Ok(());
            };
            let expected = expected.and_then(|held| held.glance());
            same(
                format!("glance({user}, {resource:?})"),
                &Some(glance),
                &expected,
            )
        };
        eventually(self.lag, ask).await
    }

    /// Everything that a store can be asked.
    pub(crate) async fn everything_agrees<R: Directory>(&self, store: &R) -> Verdict {
        for id in self.organizations() {
            self.records_agree(store, id).await?;
        }
        self.lists_agree(store, 100).await?;
        self.logs_agree(store, 100).await?;
        self.claims_agree(store).await?;
        self.standings_agree(store).await
    }
}

/// Asks until the answer is right, as long as it may lag.
async fn eventually<F: Future<Output = Verdict>>(lag: Duration, ask: impl Fn() -> F) -> Verdict {
    const STEP: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        let verdict = ask().await;
        if verdict.is_ok() || waited >= lag {
            return verdict;
        }
        pause(STEP).await;
        waited = waited.saturating_add(STEP);
    }
}

/// Fails unless both are the same to the letter. (Two e-mail addresses are equal if their keys are, but a
/// store keeps what was typed: `Debug` shows it.)
pub(crate) fn same<T: PartialEq + Debug>(
    what: impl core::fmt::Display,
    found: &T,
    expected: &T,
) -> Verdict {
    if found == expected && to_the_letter(found, expected) {
        return Ok(());
    }
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    let mut message = format!("{what} is\n    {found}\n  but should be\n    {expected}");
    if found.len() > 200 {
        let (found, expected) = where_they_part(&found, &expected);
        message.extend(["\n  they part here:\n    ", &found, "\n    ", &expected]);
    }
    Err(Failure::new(message))
}

/// From a little before the first difference of two texts to a little after it.
fn where_they_part(one: &str, other: &str) -> (String, String) {
    let common = one.chars().zip(other.chars()).take_while(|(a, b)| a == b);
    let common = common.count().saturating_sub(50);
    let around = |text: &str| {
        let part: String = text.chars().skip(common).take(120).collect();
        format!("…{part}…")
    };
    (around(one), around(other))
}

fn to_the_letter<T: Debug>(found: &T, expected: &T) -> bool {
    format!("{found:?}") == format!("{expected:?}")
}
