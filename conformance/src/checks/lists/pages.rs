//! What is on a page, and how much fits.

use std::collections::HashSet;

use tenancy::{
    DomainId, DomainKind, DomainName, EmailAddress, Event, InvitationId, Name, OrganizationRole,
    Paging, RoleBase, UserId, WorkspaceId, WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::{KINDS, every_list, kind, whole};
use crate::report::{Failure, Verdict};
use crate::world::{World, given, holds, joined, kept, role, roles};

/// "[`List`](tenancy::store::List) says what each is of": where a user, a workspace, a domain and an invitation
/// have one id, each list holds its own.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_items_are_of_one_kind<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, first) = world.found("Acme", ann).await?;
    let mut events = Vec::new();
    for number in 0..3 {
        let shared = world.random.uuid();
        let (user, workspace) = (UserId::from_uuid(shared), WorkspaceId::from_uuid(shared));
        let name = format!("k{number}");
        events.extend([
            Event::WorkspaceCreated {
                workspace,
                name: Name::new(&name)?,
            },
            joined(user, &format!("{name}@x.example"), OrganizationRole::Member)?,
            given(workspace, user, WorkspaceRole::Developer),
            given(first, user, WorkspaceRole::Reader),
            Event::DomainCreated {
                domain: DomainId::from_uuid(shared),
                workspace: first,
                name: DomainName::new(&name)?,
                kind: DomainKind::Production,
            },
            world.sent(
                InvitationId::from_uuid(shared),
                "guest@x.example",
                Some(workspace),
                user,
            )?,
        ]);
    }
    world.happen(id, events).await?;
    for limit in [2, 100] {
        let store = world.either(limit as usize);
        world.model.lists_agree(&*store, limit).await?;
    }
    Ok(())
}

/// "a store that caps its pages must ask itself again until it has `limit`": of one item more than the largest
/// page that [`Tenancy`](tenancy::Tenancy) asks for ([`Paging::MAX_LIMIT`]), the first page holds all but one, in every
/// list of the contract.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_largest_pages_come_whole<H: Harness>(harness: &H) -> Verdict {
    const LARGEST: u32 = Paging::<()>::MAX_LIMIT;
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, first) = world.found("Acme", ann).await?;
    let guest = EmailAddress::new("guest@x.example")?;
    let mut events = roles()?;
    for number in 0..=LARGEST {
        let (user, workspace) = (world.user(), world.workspace());
        let invitation = world.invitation();
        events.extend([
            joined(
                user,
                &format!("m{number}@x.example"),
                OrganizationRole::Member,
            )?,
            given(first, user, WorkspaceRole::Reader),
            holds(user, None, RoleBase::Member)?,
            holds(user, Some(first), RoleBase::Reader)?,
            Event::WorkspaceCreated {
                workspace,
                name: Name::new(&format!("Workspace {number}"))?,
            },
            given(workspace, ann, WorkspaceRole::Admin),
            Event::DomainCreated {
                domain: world.domain(),
                workspace: first,
                name: DomainName::new(&format!("d{number}"))?,
                kind: DomainKind::Sandbox,
            },
            world.sent(invitation, guest.as_str(), Some(workspace), ann)?,
        ]);
        events.extend(kept(
            world.domain(),
            first,
            DomainName::new(&format!("k{number}"))?,
        ));
    }
    world.happen(id, events).await?;
    // A log as long, and as many organizations.
    let (long, _) = world.found("Many years", ann).await?;
    for _ in 0..LARGEST {
        let name = Name::new("Many years")?;
        let renamed = Event::OrganizationRenamed {
            from: name.clone(),
            to: name,
        };
        world.happen(long, vec![renamed]).await?;
        world.found("Many", ann).await?;
    }
    let many = Name::new("Many")?.key();
    let anns = EmailAddress::new("ann@acme.example")?;
    let of = |email: &EmailAddress, role| every_list(id, first, ann, email.key(), role, &many);
    let mut lists = of(&guest, role(RoleBase::Member)?);
    lists.extend(of(&anns, role(RoleBase::Reader)?));
    lists.push(whole::log(long));
    let mut long = HashSet::new();
    for list in lists {
        let expected = world.model.list(&list);
        if expected.len() <= LARGEST as usize {
            continue; // few on purpose: `every_list` has such, too
        }
        if long.insert(list.clone()) {
            world
                .model
                .list_agrees(&*world.other, &list, LARGEST)
                .await?;
        }
    }
    let asked: HashSet<_> = long.iter().map(kind).collect();
    match KINDS.iter().find(|kind| !asked.contains(*kind)) {
        None => Ok(()),
        Some(kind) => Err(Failure::new(format!(
            "the check has no `List::{kind}` of more than {LARGEST} items"
        ))),
    }
}
