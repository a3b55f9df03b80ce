//! **Lists: pages by key.** "At most `limit` items whose key is greater than the list's `after`, in ascending
//! order of the key's bytes. An item that is present during the whole walk appears exactly once, however much
//! is inserted or deleted meanwhile."

mod pages;
mod unreadable;
mod walks;

pub use pages::{lists_items_are_of_one_kind, lists_largest_pages_come_whole};
pub use unreadable::lists_go_on_past_what_cannot_be_read;
pub use walks::{
    lists_across_organizations_survive_changes, lists_survive_changes_during_the_walk,
};

use std::collections::BTreeSet;
use std::sync::Arc;

use tenancy::store::{Directory, List, Place};
use tenancy::{
    DomainKind, DomainName, EmailAddress, Event, Name, OrganizationRole, RevocationReason,
    RoleBase, RoleSet, UserId, WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::{same, walk, whole};
use crate::report::{Failure, Verdict};
use crate::world::{World, deletion, given, holds, joined, kept, role, roles, taken};

/// From one item a page to all on one, and to as many as can be asked for.
const PAGES: [u32; 6] = [1, 2, 3, 7, 1_000, u32::MAX];

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
        in_pages(&world, &whole::members(id, RoleSet::all())).await?;
        for roles in role_sets() {
            let list = whole::members(id, roles);
            world.model.list_agrees(&*world.other, &list, 2).await?;
        }
    }
    Ok(())
}

/// "The members of an organization who hold one of these roles of its own, by user", or those of a workspace of it: of
/// the same roles in two organizations, each alone, all and none, before and after somebody holds another one.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_holders<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for of in [&acme, &neighbour] {
        let state = world.model.state(of.id);
        let mut events = roles()?;
        let members: Vec<_> = state.members().cloned().collect();
        let workers: Vec<_> = state.workspace_members().cloned().collect();
        // Of each base somebody holds nothing more.
        let mut without = BTreeSet::new();
        for member in members {
            if let Some(base) = RoleBase::of_organization(member.role) {
                if !without.insert(base) {
                    events.push(holds(member.user, None, base)?);
                }
            }
        }
        for held in workers {
            if let Some(base) = RoleBase::of_workspace(held.role) {
                events.push(holds(held.user, Some(held.workspace), base)?);
            }
        }
        world.happen(of.id, events).await?;
    }
    let bobs = |to: Option<RoleBase>| {
        Ok::<_, Failure>(Event::OwnRoleChanged {
            user: acme.bob,
            workspace: Some(acme.first),
            from: (to != Some(RoleBase::Developer)).then_some(role(RoleBase::Developer)?),
            to: to.map(role).transpose()?,
        })
    };
    for events in [
        Vec::new(),
        vec![bobs(None)?],
        vec![bobs(Some(RoleBase::Developer))?],
    ] {
        if !events.is_empty() {
            world.happen(acme.id, events).await?;
        }
        for id in [acme.id, neighbour.id, world.organization()] {
            for at in [None, Some(acme.first), Some(acme.second)] {
                for base in RoleBase::ALL {
                    in_pages(&world, &whole::holders(id, at, [role(base)?])).await?;
                }
                let all = RoleBase::ALL.into_iter().map(role);
                let all: BTreeSet<_> = all.collect::<Result<_, _>>()?;
                in_pages(&world, &whole::holders(id, at, all)).await?;
                in_pages(&world, &whole::holders(id, at, [])).await?;
            }
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
        in_pages(&world, &whole::workspaces(id)).await?;
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
            in_pages(&world, &whole::workspaces_of(id, user)).await?;
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
            let everybody = whole::workspace_members(id, workspace, RoleSet::all());
            in_pages(&world, &everybody).await?;
            for roles in role_sets() {
                let list = whole::workspace_members(id, workspace, roles);
                world.model.list_agrees(&*world.other, &list, 2).await?;
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
            in_pages(&world, &whole::domains(id, workspace)).await?;
        }
    }
    Ok(())
}

/// "The names of deleted domains that an organization keeps (D2), by name": those of two organizations, with a name in
/// the place of every other character, one used again and one released.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_kept_names<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    // Hyphens come before digits, and digits before letters: where people sort, hyphens are passed over.
    for name in ["ab", "a-b", "a0", "a", "a-0", "b-a", "ba", "b"] {
        let domain = world.domain();
        let events = kept(domain, acme.first, DomainName::new(name)?);
        world.happen(acme.id, events.into()).await?;
    }
    for event in [
        Event::DomainCreated {
            domain: world.domain(),
            workspace: acme.second,
            name: DomainName::new("a0")?,
            kind: DomainKind::Production,
        },
        Event::DomainNameReleased {
            name: DomainName::new("b-a")?,
        },
    ] {
        for id in [acme.id, neighbour.id, world.organization()] {
            in_pages(&world, &whole::kept_names(id)).await?;
        }
        world.happen(acme.id, vec![event]).await?;
    }
    in_pages(&world, &whole::kept_names(acme.id)).await
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
        in_pages(&world, &whole::invitations(id, None)).await?;
        for workspace in world.model.workspaces(id) {
            in_pages(&world, &whole::invitations(id, Some(workspace))).await?;
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
        in_pages(&world, &whole::organizations_of(user)).await?;
    }
    Ok(())
}

/// "The open invitations to an address, each with its organization, by organization and invitation", and "of one to a
/// workspace \[with\] that workspace of the same organization, as it is called now": of two organizations whose
/// workspaces have the same ids, after one has renamed its own.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_invitations_to<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for (of, to) in [(&acme, "Money"), (&neighbour, "The neighbour's")] {
        let renamed = Event::WorkspaceRenamed {
            workspace: of.first,
            from: Name::new("Payments")?,
            to: Name::new(to)?,
        };
        world.happen(of.id, vec![renamed]).await?;
    }
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
        in_pages(&world, &whole::invitations_to(&address)).await?;
    }
    Ok(())
}

/// "Every organization, deleted ones too, by id."
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_all_organizations<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    world.crowd().await?;
    let ann = world.user();
    for number in 0..5 {
        let (id, workspace) = world.found("Brief", ann).await?;
        if number % 2 == 0 {
            let deleted = deletion("Brief", workspace, ann)?;
            world.happen(id, deleted).await?;
        }
    }
    in_pages(&world, &whole::all_organizations()).await
}

/// "The organizations whose name begins so, deleted ones too, by the key of their name and by id": names that differ in
/// case, in what patterns take for anything, and in what people sort otherwise; before and after one is renamed, one is
/// deleted, and others have changed without being renamed.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_organizations_named<H: Harness>(harness: &H) -> Verdict {
    const NAMES: [&str; 20] = [
        "Acne",
        "Acme",
        "ACME",
        "acme",
        "Acme-2",
        "Acme 2",
        "Acme2",
        "The Acme",
        "Ac_e",
        "Acm%",
        "100%",
        "100 francs",
        "Straßenbau",
        "STRASSENBAU SÜD",
        "Élan",
        "elan",
        "Żółw",
        "Zorn",
        "x\u{10400}",
        "x\u{FF21}",
    ];
    const BEGINNINGS: [&str; 18] = [
        "a",
        "ac",
        "acm",
        "acme",
        "ACME 2",
        "ac_",
        "acm%",
        "a%",
        "100%",
        "stras",
        "STRASSE",
        "é",
        "e",
        "z",
        "ż",
        "x",
        "X\u{10428}",
        "acmes",
    ];
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, workspace) = world.found("Acne", ann).await?;
    for name in NAMES {
        world.found(name, ann).await?;
    }
    let lists = BEGINNINGS.into_iter().map(Name::new);
    let lists = lists.map(|name| Ok(whole::organizations_named(&name?.key())));
    let lists: Vec<List> = lists.collect::<Result<_, Failure>>()?;
    let renamed = |from: &str, to: &str| {
        let (from, to) = (Name::new(from)?, Name::new(to)?);
        Ok::<_, Failure>(vec![Event::OrganizationRenamed { from, to }])
    };
    let bob = world.user();
    let hired = joined(bob, "bob@acme.example", OrganizationRole::Accounting)?;
    let fired = Event::MemberRemoved {
        user: bob,
        role: OrganizationRole::Accounting,
    };
    for events in [
        vec![hired],
        renamed("Acne", "ACME three")?,
        renamed("ACME three", "Acme Three")?,
        vec![fired],
        deletion("Acne", workspace, ann)?,
    ] {
        for list in &lists {
            world.model.list_agrees(&*world.other, list, 3).await?;
        }
        world.happen(id, events).await?;
    }
    for list in &lists {
        in_pages(&world, list).await?;
        // Behind places that somebody made up: before all of it, in it, and after.
        for place in ["a", "acme", "zz"] {
            let place = Place::Named(Name::new(place)?.key(), id);
            behind(&world, list, &place).await?;
        }
    }
    Ok(())
}

/// "The organizations a member of which has this address, each once, by id": of members who share one, who are invited
/// and no members, and after one is removed and one's address has changed.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_organizations_with_member<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for _ in 0..3 {
        let bob = world.user();
        let (id, _) = world.found("Bob's", bob).await?;
        let changed = Event::MemberEmailChanged {
            user: bob,
            from: EmailAddress::new("Ann@acme.example")?,
            to: EmailAddress::new("bob@ACME.example")?,
        };
        world.happen(id, vec![changed]).await?;
    }
    let addresses = world.model.addresses();
    let gone = vec![
        taken(acme.first, acme.bob, WorkspaceRole::Developer),
        taken(acme.second, acme.bob, WorkspaceRole::Developer),
        Event::MemberRemoved {
            user: acme.bob,
            role: OrganizationRole::Member,
        },
    ];
    let changed = vec![Event::MemberEmailChanged {
        user: neighbour.bob,
        from: EmailAddress::new("bob@acme.example")?,
        to: EmailAddress::new("cy@elsewhere.example")?,
    }];
    for (id, events) in [(acme.id, gone), (neighbour.id, changed)] {
        for address in &addresses {
            in_pages(&world, &whole::organizations_with_member(address)).await?;
        }
        world.happen(id, events).await?;
    }
    for address in &addresses {
        in_pages(&world, &whole::organizations_with_member(address)).await?;
    }
    Ok(())
}

/// "The organization that holds a claim": nobody, the one, and when it was released, nobody again.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_claimed_by<H: Harness>(harness: &H) -> Verdict {
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
        whole::members(id, RoleSet::all()),
        whole::workspace_members(id, workspace, RoleSet::all()),
        whole::domains(id, workspace),
    ] {
        in_pages(&world, &list).await?;
    }
    Ok(())
}

/// Two organizations with the same ids: no list of one shows what the other has.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_tenants_are_apart<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let twin = world.twin(&acme).await?;
    let events = vec![
        Event::MemberEmailChanged {
            user: acme.cy,
            from: EmailAddress::new("cy@elsewhere.example")?,
            to: EmailAddress::new("cy@acme.example")?,
        },
        taken(acme.second, acme.cy, WorkspaceRole::Reader),
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

/// What is behind a place is what should be.
async fn behind<R: Directory>(world: &World<R>, list: &List, place: &Place) -> Verdict {
    let expected = world.model.list(list).into_iter();
    let expected = expected.filter(|(there, _)| there > place);
    let expected: Vec<_> = expected.map(|(_, item)| item).collect();
    let found = walk(&*world.other, &list.behind(Some(place.clone())), 2).await?;
    same(format!("{list:?} behind {place:?}"), &found, &expected)
}

async fn in_pages<R: Directory>(world: &World<R>, list: &List) -> Verdict {
    for limit in PAGES {
        let store = world.either(limit as usize);
        world.model.list_agrees(&*store, list, limit).await?;
    }
    Ok(())
}

/// Every set of roles: of one layer, of both, and of none.
fn role_sets() -> impl Iterator<Item = RoleSet> {
    (0..=RoleSet::all().bits()).map(RoleSet::from_bits_truncate)
}
