//! **Lists: pages by key.** "Each method returns at most `limit` items whose key is greater than `after`,
//! in ascending order of the key's bytes. An item that is present during the whole walk appears exactly
//! once, however much is inserted or deleted meanwhile."

use std::collections::BTreeSet;
use std::sync::Arc;

use tenancy::{
    Directory, DomainKind, DomainName, EmailAddress, Event, Name, OrganizationId, OrganizationRole,
    Repository, RevocationReason, RoleSet, UserId, WorkspaceId, WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::{Item, List, Place, page, same};
use crate::report::{Failure, Verdict};
use crate::world::{Acme, World, given, joined};

/// From one item a page to all on one.
const PAGES: [u32; 5] = [1, 2, 3, 7, 1_000];

/// "The members of an organization who hold one of `roles` (its organization roles), by user": for every
/// set of roles.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_members<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id, world.organization()] {
        in_pages(&world, id, List::Members(RoleSet::all())).await?;
        for roles in role_sets() {
            world
                .model
                .list_agrees(&*world.other, id, List::Members(roles), 2)
                .await?;
        }
    }
    Ok(())
}

/// "The workspaces of an organization, by id."
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_workspaces<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id, world.organization()] {
        in_pages(&world, id, List::Workspaces).await?;
    }
    Ok(())
}

/// "The workspaces in which a user holds a role, each with that membership, by workspace."
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_workspaces_of<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id] {
        for user in world.model.users() {
            in_pages(&world, id, List::WorkspacesOf(user)).await?;
        }
    }
    Ok(())
}

/// "The members of a workspace who hold one of `roles` (its workspace roles), by user": for every set of
/// roles.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_workspace_members<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id] {
        for workspace in world.model.workspaces(id) {
            in_pages(
                &world,
                id,
                List::WorkspaceMembers(workspace, RoleSet::all()),
            )
            .await?;
            for roles in role_sets() {
                let list = List::WorkspaceMembers(workspace, roles);
                world.model.list_agrees(&*world.other, id, list, 2).await?;
            }
        }
    }
    Ok(())
}

/// "The domains in a workspace, by id."
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_domains<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    let moved = Event::DomainMoved {
        domain: acme.domain,
        from: acme.first,
        to: acme.second,
    };
    world.happen(acme.id, vec![moved]).await?;
    for id in [acme.id, neighbour.id] {
        for workspace in world.model.workspaces(id) {
            in_pages(&world, id, List::Domains(workspace)).await?;
        }
    }
    Ok(())
}

/// "The open invitations to an organization and its workspaces, or to one workspace, by id."
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_invitations<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id] {
        in_pages(&world, id, List::Invitations(None)).await?;
        for workspace in world.model.workspaces(id) {
            in_pages(&world, id, List::Invitations(Some(workspace))).await?;
        }
    }
    Ok(())
}

/// "The organizations that a user is a member of, each with that membership, by organization."
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_organizations_of<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, _) = world.crowd().await?;
    for number in 0..5 {
        world.found(&format!("Ann's {number}"), acme.ann).await?;
    }
    for user in world.model.users() {
        for limit in PAGES {
            let store = world.either(limit as usize);
            world
                .model
                .organizations_of_agree(&*store, user, limit)
                .await?;
        }
    }
    Ok(())
}

/// "The open invitations to an address, each with its organization, by organization and invitation."
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_invitations_to<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    world.crowd().await?;
    for number in 0..3 {
        let ann = world.user();
        let (id, workspace) = world.found(&format!("Inviting {number}"), ann).await?;
        let (one, other) = (world.invitation(), world.invitation());
        let sent = vec![
            world.sent(one, "Eve@elsewhere.example", None, ann)?,
            world.sent(other, "eve@ELSEWHERE.example", Some(workspace), ann)?,
        ];
        world.happen(id, sent).await?;
    }
    for address in world.model.addresses() {
        for limit in PAGES {
            let store = world.either(limit as usize);
            world
                .model
                .invitations_to_agree(&*store, &address, limit)
                .await?;
        }
    }
    Ok(())
}

/// "Which organization holds a claim": nobody, the one, and when it was released, nobody again.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_holder<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, _) = world.crowd().await?;
    world.model.claims_agree(&*world.one).await?;
    let name = acme.domain_name.clone();
    let deleted = Event::DomainDeleted {
        domain: acme.domain,
        workspace: acme.first,
        name: name.clone(),
    };
    world.happen(acme.id, vec![deleted]).await?;
    world.model.claims_agree(&*world.other).await?;
    world
        .happen(acme.id, vec![Event::DomainNameReleased { name }])
        .await?;
    world.model.claims_agree(&*world.one).await
}

/// "in ascending order of the key's bytes": ids whose first byte is over 7F come after those below, and
/// what differs in one bit anywhere is in its place.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_are_in_the_order_of_bytes<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, workspace) = world.found("Acme", ann).await?;
    let mut numbers: Vec<u128> = vec![1, u128::MAX, u128::MAX >> 1, 0x0A << 120, 0x90 << 120];
    numbers.extend((0..16).map(|byte: u32| 0x80 << byte.saturating_mul(8)));
    let mut events = Vec::new();
    for number in numbers {
        let user = UserId::from_uuid(uuid::Uuid::from_u128(number));
        events.push(joined(user, "many@x.example", OrganizationRole::Member)?);
        events.push(given(workspace, user, WorkspaceRole::Reader));
        events.push(Event::DomainCreated {
            domain: tenancy::DomainId::from_uuid(uuid::Uuid::from_u128(number)),
            workspace,
            name: DomainName::new(&format!("b{number:x}"))?,
            kind: DomainKind::Sandbox,
        });
    }
    world.happen(id, events).await?;
    for list in [
        List::Members(RoleSet::all()),
        List::WorkspaceMembers(workspace, RoleSet::all()),
        List::Domains(workspace),
    ] {
        in_pages(&world, id, list).await?;
    }
    Ok(())
}

/// "An item that is present during the whole walk appears exactly once, however much is inserted or
/// deleted meanwhile": before each page something comes and something goes, before and behind.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_survive_changes_during_the_walk<H: Harness>(harness: &H) -> Verdict {
    for limit in [1, 2, 3] {
        let mut world = World::with_seed(harness, limit.into()).await;
        let ann = world.user();
        let (id, workspace) = world.found("Acme", ann).await?;
        for list in [
            List::Members(RoleSet::all()),
            List::Workspaces,
            List::WorkspacesOf(ann),
            List::WorkspaceMembers(workspace, RoleSet::all()),
            List::Domains(workspace),
            List::Invitations(None),
            List::Invitations(Some(workspace)),
        ] {
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

/// Two organizations with the same ids: no list of one shows what the other has.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_tenants_are_apart<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let twin = Acme {
        id: world.organization(),
        domain_name: DomainName::new("twin")?,
        ..acme.clone()
    };
    world.acme_as(&twin).await?;
    let events = vec![
        Event::MemberEmailChanged {
            user: acme.cy,
            from: None,
            to: Some(EmailAddress::new("cy@acme.example")?),
        },
        Event::WorkspaceRoleTaken {
            workspace: acme.second,
            user: acme.cy,
            role: WorkspaceRole::Reader,
        },
        Event::InvitationRevoked {
            invitation: acme.invitation,
            reason: RevocationReason::Requested,
        },
        Event::DomainDeleted {
            domain: acme.domain,
            workspace: acme.first,
            name: twin.domain_name.clone(),
        },
    ];
    world.happen(twin.id, events).await?;
    for limit in [1, 100] {
        for store in [Arc::clone(&world.one), Arc::clone(&world.other)] {
            world.model.lists_agree(&*store, limit).await?;
        }
    }
    Ok(())
}

async fn in_pages<R: Directory>(world: &World<R>, id: OrganizationId, list: List) -> Verdict {
    for limit in PAGES {
        let store = world.either(limit as usize);
        world.model.list_agrees(&*store, id, list, limit).await?;
    }
    Ok(())
}

/// Every set of roles: of one layer, of both, and of none.
fn role_sets() -> impl Iterator<Item = RoleSet> {
    (0..=RoleSet::all().bits()).map(RoleSet::from_bits_truncate)
}
