//! Walks through a list that changes meanwhile.

use core::num::NonZeroU32;
use std::collections::BTreeSet;

use tenancy::store::{Directory, Repository};
use tenancy::{
    DomainKind, DomainName, EmailAddress, Event, InvitationId, Name, OrganizationId,
    OrganizationRole, RevocationReason, RoleSet, UserId, WorkspaceId, WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::{Item, List, Place, page, same};
use crate::report::{Failure, Verdict};
use crate::world::{World, given, joined};

/// "An item that is present during the whole walk appears exactly once, however much is inserted or
/// deleted meanwhile": before each page something comes and something goes, before and behind.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_survive_changes_during_the_walk<H: Harness>(harness: &H) -> Verdict {
    for limit in [1, 2, 3] {
        let mut world = World::with_seed(harness, limit.into()).await;
        let (ann, workspace) = (world.user(), world.workspace());
        for list in [
            List::Members(RoleSet::all()),
            List::Workspaces,
            List::WorkspacesOf(ann),
            List::WorkspaceMembers(workspace, RoleSet::all()),
            List::Domains(workspace),
            List::Invitations(None),
            List::Invitations(Some(workspace)),
        ] {
            let id = world.organization();
            world.found_as(id, workspace, "Acme", ann).await?;
            for _ in 0..12 {
                add(&mut world, id, workspace, ann, list).await?;
            }
            let place = format!("{list:?} in pages of {limit}");
            walk_while_changing(&mut world, id, workspace, ann, list, limit)
                .await
                .map_err(|failure| failure.at(place))?;
        }
    }
    Ok(())
}

async fn walk_while_changing<R: Directory>(
    world: &mut World<R>,
    id: OrganizationId,
    workspace: WorkspaceId,
    ann: UserId,
    list: List,
    limit: u32,
) -> Verdict {
    let mut stayed: BTreeSet<Place> = places(&world.model.list(id, list));
    let mut seen: Vec<Place> = Vec::new();
    let mut after = None;
    loop {
        add(world, id, workspace, ann, list).await?;
        remove(world, id, workspace, ann, list).await?;
        let now = places(&world.model.list(id, list));
        stayed.retain(|place| now.contains(place));

        let store = world.either(seen.len());
        let found = page(&*store, id, list, after, limit).await?;
        // The page by itself is what is there after that key, now.
        let expected: Vec<Item> = world
            .model
            .list(id, list)
            .into_iter()
            .filter(|item| after.is_none_or(|after| item.place() > after))
            .take(limit.try_into().unwrap_or(usize::MAX))
            .collect();
        same(format!("the page after {after:?}"), &found, &expected)?;
        let Some(last) = found.last() else { break };
        after = Some(last.place());
        seen.extend(found.iter().map(Item::place));
        if seen.len() > 200 {
            return Err(Failure::new("the walk doesn't end"));
        }
    }
    if !seen.is_sorted() {
        return Err(Failure::new("the walk is not in order"));
    }
    for place in stayed {
        let times = seen.iter().filter(|seen| **seen == place).count();
        same(format!("how often {place:?} appeared"), &times, &1)?;
    }
    Ok(())
}

fn places(items: &[Item]) -> BTreeSet<Place> {
    items.iter().map(Item::place).collect()
}

/// One more item for a list.
async fn add<R: Repository>(
    world: &mut World<R>,
    id: OrganizationId,
    workspace: WorkspaceId,
    ann: UserId,
    list: List,
) -> Verdict {
    let user = world.user();
    let number = world.random.next();
    let new_workspace = |world: &mut World<R>| {
        let workspace = world.workspace();
        let name = Name::new(&format!("Workspace {number}"))?;
        Ok::<_, Failure>((workspace, Event::WorkspaceCreated { workspace, name }))
    };
    let events = match list {
        List::Members(_) => vec![joined(user, "more@x.example", OrganizationRole::Member)?],
        List::Workspaces => vec![new_workspace(world)?.1],
        List::WorkspacesOf(_) => {
            let (workspace, created) = new_workspace(world)?;
            vec![created, given(workspace, ann, WorkspaceRole::Reader)]
        }
        List::WorkspaceMembers(..) => vec![
            joined(user, "more@x.example", OrganizationRole::Member)?,
            given(workspace, user, WorkspaceRole::Reader),
        ],
        List::Domains(_) => vec![Event::DomainCreated {
            domain: world.domain(),
            workspace,
            name: DomainName::new(&format!("d{number}"))?,
            kind: DomainKind::Sandbox,
        }],
        List::Invitations(to) => {
            let invitation = world.invitation();
            let to = to.or_else(|| world.random.one_in(2).then_some(workspace));
            vec![world.sent(invitation, &format!("i{number}@x.example"), to, ann)?]
        }
        List::Log => vec![Event::ContractEdited { contract: None }],
    };
    world.happen(id, events).await
}

/// One item less, of those that may go: not Ann, not the first workspace.
async fn remove<R: Repository>(
    world: &mut World<R>,
    id: OrganizationId,
    workspace: WorkspaceId,
    ann: UserId,
    list: List,
) -> Verdict {
    let mut items = world.model.list(id, list);
    items.retain(|item| match item {
        Item::Member(member) => member.user != ann,
        Item::WorkspaceMember(member) => member.user != ann,
        Item::Workspace(other) | Item::WorkspaceOf(other, _) => {
            other.id != workspace && (other.members == 0 || matches!(list, List::WorkspacesOf(_)))
        }
        _ => true,
    });
    let Some(item) = world.random.pick(&items).cloned() else {
        return Ok(());
    };
    let event = match item {
        Item::Member(member) => {
            // Whoever came for another list may hold a role in the workspace.
            let mut events = Vec::new();
            for held in world.model.state(id).workspaces_of(member.user) {
                events.push(Event::WorkspaceRoleTaken {
                    workspace: held.workspace,
                    user: member.user,
                    role: held.role,
                });
            }
            events.push(Event::MemberRemoved {
                user: member.user,
                role: member.role,
            });
            return world.happen(id, events).await;
        }
        Item::Workspace(workspace) => Event::WorkspaceDeleted {
            workspace: workspace.id,
            name: workspace.name,
        },
        Item::WorkspaceOf(_, member) | Item::WorkspaceMember(member) => Event::WorkspaceRoleTaken {
            workspace: member.workspace,
            user: member.user,
            role: member.role,
        },
        Item::Domain(domain) => Event::DomainDeleted {
            domain: domain.id,
            workspace: domain.workspace,
            name: domain.name,
        },
        Item::Invitation(invitation) => Event::InvitationRevoked {
            invitation: invitation.id,
            reason: RevocationReason::Requested,
        },
        Item::Entry(_) => return Ok(()),
    };
    world.happen(id, vec![event]).await
}

/// The same of the lists across organizations, the ones that a user is in and the invitations to an
/// address: before each page one that was passed goes, and others come before and behind. What comes and
/// goes may lag; what stays may not be missed.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_across_organizations_survive_changes<H: Harness>(harness: &H) -> Verdict {
    for limit in [1, 2, 3] {
        let mut world = World::with_seed(harness, limit.into()).await;
        let mut guest = Guest {
            user: world.user(),
            email: EmailAddress::new("guest@x.example")?,
            at: Vec::new(),
        };
        for _ in 0..12 {
            guest.arrive(&mut world).await?;
        }
        let (user, key) = (guest.user, guest.email.key().clone());
        world
            .model
            .organizations_of_agree(&*world.one, user, 100)
            .await?;
        world
            .model
            .invitations_to_agree(&*world.other, &key, 100)
            .await?;
        let size = NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
        let place = |list: &str| format!("{list} in pages of {limit}");

        let mut walk = Walk::of(guest.at.iter().map(|(id, _)| *id));
        loop {
            guest.change(&mut world, walk.after).await?;
            let store = world.either(walk.seen.len());
            let found = store.organizations_of(user, walk.after, size).await?;
            if !walk.go_on(found.iter().map(|(organization, _)| organization.id))? {
                break;
            }
        }
        walk.judge(guest.at.iter().map(|(id, _)| *id))
            .map_err(|failure| failure.at(place("organizations_of")))?;

        let mut walk = Walk::of(guest.at.iter().copied());
        loop {
            guest
                .change(&mut world, walk.after.map(|(id, _)| id))
                .await?;
            let store = world.either(walk.seen.len());
            let found = store.invitations_to(&key, walk.after, size).await?;
            let keys = found.iter();
            if !walk.go_on(keys.map(|(organization, sent)| (organization.id, sent.id)))? {
                break;
            }
        }
        walk.judge(guest.at.iter().copied())
            .map_err(|failure| failure.at(place("invitations_to")))?;
    }
    Ok(())
}

/// Somebody who is a member of many organizations, and is invited by each once more.
struct Guest {
    user: UserId,
    email: EmailAddress,
    at: Vec<(OrganizationId, InvitationId)>,
}

impl Guest {
    /// Into one more organization.
    async fn arrive<R: Repository>(&mut self, world: &mut World<R>) -> Verdict {
        let ann = world.user();
        let (id, _) = world.found("Acme", ann).await?;
        let invitation = world.invitation();
        let sent = world.sent(invitation, self.email.as_str(), None, ann)?;
        let joined = joined(self.user, "elsewhere@x.example", OrganizationRole::Member)?;
        world.happen(id, vec![joined, sent]).await?;
        self.at.push((id, invitation));
        Ok(())
    }

    /// Into one more; and out of one that the walk has passed, so that an offset is wrong from now on.
    async fn change<R: Repository>(
        &mut self,
        world: &mut World<R>,
        after: Option<OrganizationId>,
    ) -> Verdict {
        self.arrive(world).await?;
        let passed = |(id, _): &(OrganizationId, InvitationId)| after.is_some_and(|a| *id <= a);
        // Two leave for one that comes: they don't make up for each other.
        for _ in 0..2 {
            let Some(place) = self.at.iter().position(passed) else {
                return Ok(());
            };
            let (id, invitation) = self.at.swap_remove(place);
            let gone = vec![
                Event::MemberLeft {
                    user: self.user,
                    role: OrganizationRole::Member,
                },
                Event::InvitationRevoked {
                    invitation,
                    reason: RevocationReason::Requested,
                },
            ];
            world.happen(id, gone).await?;
        }
        Ok(())
    }
}

/// A walk, and what was there when it began.
struct Walk<K> {
    before: BTreeSet<K>,
    seen: Vec<K>,
    after: Option<K>,
}

impl<K: Ord + Copy + core::fmt::Debug> Walk<K> {
    fn of(before: impl Iterator<Item = K>) -> Self {
        Self {
            before: before.collect(),
            seen: Vec::new(),
            after: None,
        }
    }

    /// Whether there is another page to ask for.
    fn go_on(&mut self, page: impl Iterator<Item = K>) -> Result<bool, Failure> {
        let before = self.seen.len();
        self.seen.extend(page);
        self.after = self.seen.last().copied();
        if self.seen.len() > 200 {
            return Err(Failure::new("the walk doesn't end"));
        }
        Ok(self.seen.len() > before)
    }

    fn judge(self, now: impl Iterator<Item = K>) -> Verdict {
        if !self.seen.is_sorted() {
            return Err(Failure::new("the walk is not in order"));
        }
        let now: BTreeSet<K> = now.collect();
        for stayed in self.before.intersection(&now) {
            let times = self.seen.iter().filter(|seen| *seen == stayed).count();
            same(format!("how often {stayed:?} appeared"), &times, &1)?;
        }
        Ok(())
    }
}
