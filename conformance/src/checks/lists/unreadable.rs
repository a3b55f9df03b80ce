//! Lists some item of which can't be read.

use tenancy::store::{Directory, Item, List, RecordId};
use tenancy::{Name, OrganizationId, RoleSet, Version};

use crate::harness::{Garbled, Harness, Tampering};
use crate::model::{same, walk, whole};
use crate::report::{Failure, Verdict};
use crate::world::World;

/// "What can't be read holds up nothing but itself": each kind of record, a log entry and an organization's summary are
/// garbled, one after the other, and every list goes on past what is, whatever the pages' size.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn lists_go_on_past_what_cannot_be_read<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, _) = world.crowd().await?;
    let id = acme.id;
    let state = world.model.state(id);
    let sent = state.invitation(acme.invitation);
    let sent = sent.ok_or_else(|| Failure::new("the suite's organization has no invitation"))?;
    let kept = state.retired_names().next().map(|kept| kept.name.clone());
    let kept = kept.ok_or_else(|| Failure::new("the suite's organization keeps no name"))?;
    let bobs = state.member(acme.bob);
    let bobs = bobs.ok_or_else(|| Failure::new("Bob is no member"))?;
    let lists = [
        whole::members(id, RoleSet::all()),
        whole::members(id, RoleSet::MEMBER),
        whole::workspaces(id),
        whole::workspaces_of(id, acme.bob),
        whole::workspace_members(id, acme.first, RoleSet::all()),
        whole::domains(id, acme.first),
        whole::kept_names(id),
        whole::invitations(id, None),
        whole::invitations(id, Some(acme.first)),
        whole::organizations_of(acme.bob),
        whole::invitations_to(sent.email.key()),
        whole::all_organizations(),
        whole::organizations_named(&Name::new("Acme")?.key()),
        whole::organizations_with_member(bobs.email.key()),
        whole::log(id),
    ];
    let records = [
        RecordId::Member(acme.bob),
        RecordId::Workspace(acme.first),
        RecordId::WorkspaceMember(acme.first, acme.bob),
        RecordId::Domain(acme.domain),
        RecordId::RetiredDomainName(kept),
        RecordId::Invitation(acme.invitation),
        RecordId::Invitation(acme.to_first),
    ];
    for record in records {
        let whole = state.record(&record);
        let garbled = Garbled::Record(record);
        garble(harness, &world, id, &garbled).await?;
        for list in &lists {
            goes_on(&world, list, id, &[&garbled]).await?;
        }
        let put = Tampering::Put {
            organization: id,
            record: whole
                .ok_or_else(|| Failure::new("the suite's organization has no such record"))?,
        };
        if !harness.tamper(&world.one, &put).await {
            return Err(Failure::not_run("tamper"));
        }
    }
    let entry = Garbled::LogEntry(Version::new(1));
    garble(harness, &world, id, &entry).await?;
    garble(harness, &world, id, &Garbled::Summary).await?;
    for list in &lists {
        goes_on(&world, list, id, &[&entry, &Garbled::Summary]).await?;
    }
    Ok(())
}

async fn garble<H: Harness>(
    harness: &H,
    world: &World<H::Repository>,
    organization: OrganizationId,
    garbled: &Garbled,
) -> Verdict {
    let tampering = Tampering::Garble {
        organization,
        garbled: garbled.clone(),
    };
    if harness.tamper(&world.one, &tampering).await {
        Ok(())
    } else {
        Err(Failure::not_run("tamper"))
    }
}

/// A list of an organization in which something is garbled: all that should be there, and that by its place.
async fn goes_on<R: Directory>(
    world: &World<R>,
    list: &List,
    id: OrganizationId,
    garbled: &[&Garbled],
) -> Verdict {
    let expected = world.model.list(list).into_iter();
    let expected: Vec<Item> = expected
        .map(|(place, item)| {
            if garbled.iter().any(|garbled| is_of(&item, id, garbled)) {
                Item::Unreadable(place)
            } else {
                item
            }
        })
        .collect();
    for limit in [1, 2, 1_000] {
        let found = walk(&*world.other, list, limit).await;
        let place = || format!("{list:?} in pages of {limit}, with {garbled:?} garbled");
        let found = found.map_err(|failure| failure.at(place()))?;
        same(place(), &found, &expected)?;
    }
    Ok(())
}

fn is_of(item: &Item, id: OrganizationId, garbled: &Garbled) -> bool {
    match (item, garbled) {
        (Item::Record(record), Garbled::Record(garbled)) => record.id() == *garbled,
        (Item::Pair(one, other), Garbled::Record(garbled)) => {
            one.id() == *garbled || other.id() == *garbled
        }
        (Item::Across(organization, record), Garbled::Record(garbled)) => {
            organization.id == id && record.id() == *garbled
        }
        (Item::PairAcross(organization, one, other), Garbled::Record(garbled)) => {
            organization.id == id && (one.id() == *garbled || other.id() == *garbled)
        }
        (
            Item::Across(organization, _)
            | Item::PairAcross(organization, ..)
            | Item::Organization(organization)
            | Item::Named(_, organization),
            Garbled::Summary,
        ) => organization.id == id,
        (Item::LogEntry(entry), Garbled::LogEntry(version)) => entry.version == *version,
        _ => false,
    }
}
