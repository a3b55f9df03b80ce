//! Walks through a list that changes meanwhile.

use std::collections::BTreeSet;

use tenancy::store::{Directory, Item, List, Place, Record, Repository};
use tenancy::{
    DomainKind, DomainName, EmailAddress, Event, InvitationId, Name, OrganizationId,
    OrganizationRole, RevocationReason, RoleBase, RoleSet, UserId, WorkspaceId, WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::{page, same, whole};
use crate::report::{Failure, Verdict};
use crate::world::{World, given, holds, joined, kept, role, roles, taken};

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
        for number in 0..10 {
            let id = world.organization();
            world.found_as(id, workspace, "Acme", ann).await?;
            world.happen(id, roles()?).await?;
            let lists = [
                whole::members(id, RoleSet::all()),
                whole::workspaces(id),
                whole::workspaces_of(id, ann),
                whole::workspace_members(id, workspace, RoleSet::all()),
                whole::domains(id, workspace),
                whole::kept_names(id),
                whole::invitations(id, None),
                whole::invitations(id, Some(workspace)),
                whole::holders(id, None, [role(RoleBase::Member)?]),
                whole::holders(id, Some(workspace), [role(RoleBase::Reader)?]),
            ];
            let Some(list) = lists.get(number) else { break };
            let walk = Changing {
                id,
                workspace,
                ann,
                list,
            };
            for _ in 0..12 {
                walk.add(&mut world).await?;
            }
            let place = format!("{list:?} in pages of {limit}");
            let walked = walk.in_pages(&mut world, limit).await;
            walked.map_err(|failure| failure.at(place))?;
        }
    }
    Ok(())
}

/// A list to walk through while it changes.
struct Changing<'a> {
    id: OrganizationId,
    workspace: WorkspaceId,
    ann: UserId,
    list: &'a List,
}

impl Changing<'_> {
    async fn in_pages<R: Directory>(&self, world: &mut World<R>, limit: u32) -> Verdict {
        let list = self.list;
        let mut stayed: BTreeSet<Place> = world.model.list(list).into_keys().collect();
        let mut seen: Vec<Place> = Vec::new();
        let mut next = list.clone();
        loop {
            self.add(world).await?;
            self.remove(world).await?;
            let now = world.model.list(list);
            stayed.retain(|place| now.contains_key(place));

            let store = world.either(seen.len());
            let found = page(&*store, &next, limit).await?;
            // The page by itself is what is there after that key, now.
            let after = seen.last().cloned();
            let expected: Vec<(Place, Item)> = now
                .into_iter()
                .filter(|(place, _)| after.as_ref().is_none_or(|after| place > after))
                .take(limit.try_into().unwrap_or(usize::MAX))
                .collect();
            same(format!("the page after {after:?}"), &found, &expected)?;
            let Some((last, _)) = found.last() else { break };
            next = list.behind(Some(last.clone()));
            seen.extend(found.iter().map(|(place, _)| place.clone()));
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

    /// One more item for the list.
    async fn add<R: Repository>(&self, world: &mut World<R>) -> Verdict {
        let workspace = self.workspace;
        let user = world.user();
        let number = world.random.next();
        let new_workspace = |world: &mut World<R>| {
            let workspace = world.workspace();
            let name = Name::new(&format!("Workspace {number}"))?;
            Ok::<_, Failure>((workspace, Event::WorkspaceCreated { workspace, name }))
        };
        let events = match *self.list {
            List::Members { .. } => vec![joined(user, "more@x.example", OrganizationRole::Member)?],
            List::Workspaces { .. } => vec![new_workspace(world)?.1],
            List::WorkspacesOf { .. } => {
                let (workspace, created) = new_workspace(world)?;
                vec![created, given(workspace, self.ann, WorkspaceRole::Reader)]
            }
            List::WorkspaceMembers { .. } => vec![
                joined(user, "more@x.example", OrganizationRole::Member)?,
                given(workspace, user, WorkspaceRole::Reader),
            ],
            List::Domains { .. } => vec![Event::DomainCreated {
                domain: world.domain(),
                workspace,
                name: DomainName::new(&format!("d{number}"))?,
                kind: DomainKind::Sandbox,
            }],
            List::KeptNames { .. } => {
                let name = DomainName::new(&format!("d{number}"))?;
                kept(world.domain(), workspace, name).into()
            }
            List::Invitations { workspace: to, .. } => {
                let invitation = world.invitation();
                let to = to.or_else(|| world.random.one_in(2).then_some(workspace));
                vec![world.sent(invitation, &format!("i{number}@x.example"), to, self.ann)?]
            }
            List::Holders { workspace: at, .. } => {
                // Whoever is in the list; and whoever holds another role there, or the list's elsewhere.
                let in_list = world.random.one_in(2);
                let held = match (at, in_list) {
                    (None, true) => OrganizationRole::Member,
                    _ => OrganizationRole::Accounting,
                };
                let mut events = vec![joined(user, "more@x.example", held)?];
                match (at, in_list) {
                    (None, true) => events.push(holds(user, None, RoleBase::Member)?),
                    (None, false) => events.push(holds(user, None, RoleBase::Accounting)?),
                    (Some(at), true) => {
                        events.push(given(at, user, WorkspaceRole::Reader));
                        events.push(holds(user, Some(at), RoleBase::Reader)?);
                    }
                    (Some(at), false) => {
                        events.push(given(at, user, WorkspaceRole::Developer));
                        events.push(holds(user, Some(at), RoleBase::Developer)?);
                    }
                }
                events
            }
            List::OrganizationsOf { .. }
            | List::InvitationsTo { .. }
            | List::AllOrganizations { .. }
            | List::OrganizationsNamed { .. }
            | List::OrganizationsWithMember { .. }
            | List::Log { .. } => {
                return Err(Failure::new("the suite walks through this list elsewhere"));
            }
        };
        world.happen(self.id, events).await
    }

    /// One item less, of those that may go: not Ann, not the first workspace.
    async fn remove<R: Repository>(&self, world: &mut World<R>) -> Verdict {
        let of_a_user = matches!(self.list, List::WorkspacesOf { .. });
        let mut items: Vec<Item> = world.model.list(self.list).into_values().collect();
        items.retain(|item| match item {
            Item::Record(Record::Member(member)) => member.user != self.ann,
            Item::Record(Record::WorkspaceMember(member)) => member.user != self.ann,
            Item::Record(Record::Workspace(other)) | Item::Pair(Record::Workspace(other), _) => {
                other.id != self.workspace && (other.members == 0 || of_a_user)
            }
            _ => true,
        });
        let Some(item) = world.random.pick(&items).cloned() else {
            return Ok(());
        };
        let (Item::Record(record) | Item::Pair(_, record)) = item else {
            return Ok(());
        };
        let event = match record {
            Record::Member(member) => {
                // Whoever came for another list may hold a role in the workspace.
                let mut events = Vec::new();
                for held in world.model.state(self.id).workspaces_of(member.user) {
                    events.push(taken(held.workspace, member.user, held.role));
                }
                events.push(Event::MemberRemoved {
                    user: member.user,
                    role: member.role,
                });
                return world.happen(self.id, events).await;
            }
            Record::Workspace(workspace) => Event::WorkspaceDeleted {
                workspace: workspace.id,
                name: workspace.name,
            },
            Record::WorkspaceMember(member) => taken(member.workspace, member.user, member.role),
            Record::Domain(domain) => Event::DomainDeleted {
                domain: domain.id,
                workspace: domain.workspace,
                name: domain.name,
            },
            Record::Invitation(invitation) => Event::InvitationRevoked {
                invitation: invitation.id,
                reason: RevocationReason::Requested,
            },
            Record::RetiredDomainName(kept) => Event::DomainNameReleased { name: kept.name },
            Record::FormerMember(_) => return Ok(()),
        };
        world.happen(self.id, vec![event]).await
    }
}

/// The same of the lists across organizations, those that a user is in, those that an operator finds, and the invitations
/// to an address: before each page one that was passed goes, and others come before and behind. What comes and
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
        let lists = [
            whole::organizations_of(guest.user),
            whole::invitations_to(guest.email.key()),
            whole::all_organizations(),
            whole::organizations_named(&Name::new("ac")?.key()),
            whole::organizations_with_member(EmailAddress::new("elsewhere@x.example")?.key()),
        ];
        for (turn, list) in lists.iter().enumerate() {
            let store = world.either(turn);
            world.model.list_agrees(&*store, list, 100).await?;
        }
        for list in lists {
            let walked = walk_across(&mut world, &mut guest, &list, limit).await;
            walked.map_err(|failure| failure.at(format!("{list:?} in pages of {limit}")))?;
        }
    }
    Ok(())
}

async fn walk_across<R: Directory>(
    world: &mut World<R>,
    guest: &mut Guest,
    list: &List,
    limit: u32,
) -> Verdict {
    let before: BTreeSet<Place> = world.model.list(list).into_keys().collect();
    let mut seen: Vec<Place> = Vec::new();
    let mut next = list.clone();
    loop {
        guest.change(world, seen.last().cloned()).await?;
        let store = world.either(seen.len());
        let found = page(&*store, &next, limit).await?;
        let Some((last, _)) = found.last() else { break };
        next = list.behind(Some(last.clone()));
        seen.extend(found.iter().map(|(place, _)| place.clone()));
        if seen.len() > 200 {
            return Err(Failure::new("the walk doesn't end"));
        }
    }
    if !seen.is_sorted() {
        return Err(Failure::new("the walk is not in order"));
    }
    let now = world.model.list(list);
    for stayed in before.iter().filter(|place| now.contains_key(place)) {
        let times = seen.iter().filter(|seen| *seen == stayed).count();
        same(format!("how often {stayed:?} appeared"), &times, &1)?;
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
        after: Option<Place>,
    ) -> Verdict {
        self.arrive(world).await?;
        let after = match after {
            Some(Place::Organization(id) | Place::InvitationOf(id, _) | Place::Named(_, id)) => {
                Some(id)
            }
            _ => None,
        };
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
