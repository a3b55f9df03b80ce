//! **What is stored comes back as it was, to the letter.**

mod later;
mod optional;
mod text;

pub use later::{
    values_later_fields_are_kept, values_members_with_addresses_of_other_rules,
    values_text_of_other_rules_is_kept,
};
pub use optional::{
    values_optional_fields_come_and_go, values_optional_parts_in_every_combination,
};
pub use text::{
    values_addresses_are_kept_as_typed, values_domain_names_compare_byte_for_byte,
    values_names_compare_byte_for_byte, values_names_keep_their_writing,
};

use tenancy::store::Key;
use tenancy::token::TokenHash;
use tenancy::{
    DomainKind, DomainName, EmailAddress, Event, InvitationTarget, Name, OrganizationRole,
    WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::{KeyKind, whole};
use crate::report::Verdict;
use crate::world::{World, at, deletion, given, joined, renamed};

/// Times to the millisecond, from 1970 to the year 9999: a member's, a workspace's, a domain's, a retired
/// name's, an invitation's two, the organization's own, the log's.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_times_keep_their_milliseconds<H: Harness>(harness: &H) -> Verdict {
    let edges = [
        0,
        1,
        999,
        1_000,
        951_782_399_999,     // the end of 28 February 2000
        1_709_251_199_999,   // the end of a leap day
        2_147_483_647_999,   // the last second of 32 bits
        2_147_483_648_001,   // and the next
        4_294_967_295_999,   // the same, unsigned
        253_402_300_799_999, // the last millisecond of the year 9999
    ];
    let mut world = World::new(harness).await;
    for (number, edge) in edges.into_iter().enumerate() {
        let id = world.organization();
        let (ann, bob, workspace) = (world.user(), world.user(), world.workspace());
        let (domain, old, invitation) = (world.domain(), world.domain(), world.invitation());
        let (name, gone) = (
            format!("t{number}"),
            DomainName::new(&format!("gone{number}"))?,
        );
        let sent = Event::InvitationSent {
            invitation,
            email: EmailAddress::new("eve@elsewhere.example")?,
            target: InvitationTarget::Organization {
                role: OrganizationRole::Admin,
            },
            inviter: ann,
            token_hash: Some(world.token_hash()),
            expires_at: at(edge),
        };
        let kind = DomainKind::Production;
        let events = vec![
            Event::OrganizationCreated {
                name: Name::new("Acme")?,
                workspace_quota: 1,
                limits: tenancy::Limits::UNLIMITED,
            },
            joined(ann, "ann@acme.example", OrganizationRole::Admin)?,
            joined(bob, "bob@acme.example", OrganizationRole::Member)?,
            Event::WorkspaceCreated {
                workspace,
                name: Name::new("First")?,
            },
            given(workspace, bob, WorkspaceRole::Reader),
            Event::DomainCreated {
                domain,
                workspace,
                name: DomainName::new(&name)?,
                kind,
            },
            Event::DomainCreated {
                domain: old,
                workspace,
                name: gone.clone(),
                kind,
            },
            sent,
        ];
        let commit = world.propose_at(id, at(edge), events)?;
        world.commit(&commit).await?;
        let deleted = vec![Event::DomainDeleted {
            domain: old,
            workspace,
            name: gone,
        }];
        let commit = world.propose_at(id, at(edge), deleted)?;
        world.commit(&commit).await?;
        world.model.records_agree(&*world.one, id).await?;
        world
            .model
            .list_agrees(&*world.other, &whole::log(id), 10)
            .await?;
        world
            .model
            .list_agrees(
                &*world.other,
                &whole::members(id, tenancy::RoleSet::all()),
                10,
            )
            .await?;
        world
            .model
            .list_agrees(&*world.other, &whole::invitations(id, None), 10)
            .await?;
    }
    Ok(())
}

/// "Since when they hold a role in it": another role, another address and another hash leave the times
/// as they were, and whatever else the event doesn't speak of.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_times_outlive_changes<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let token_hash = Some(world.token_hash());
    let changes = vec![
        Event::OrganizationRoleChanged {
            user: acme.bob,
            from: OrganizationRole::Member,
            to: OrganizationRole::Accounting,
        },
        Event::WorkspaceRoleGiven {
            workspace: acme.first,
            user: acme.bob,
            role: WorkspaceRole::Admin,
            replaces: Some(WorkspaceRole::Developer),
        },
        renamed(acme.first, "Payments", "Paiements")?,
        Event::DomainDeactivated {
            domain: acme.domain,
        },
        Event::InvitationRenewed {
            invitation: acme.invitation,
            email: EmailAddress::new("eve@elsewhere.example")?,
            target: InvitationTarget::Workspace {
                workspace: acme.second,
                role: WorkspaceRole::Developer,
            },
            inviter: acme.bob,
            token_hash,
            expires_at: at(1_900_000_000_000),
        },
    ];
    for change in changes {
        world.happen(acme.id, vec![change]).await?;
        world.model.records_agree(&*world.one, acme.id).await?;
    }
    let reactivated = Event::DomainReactivated {
        domain: acme.domain,
    };
    world.happen(acme.id, vec![reactivated]).await?;
    world.model.everything_agrees(&*world.other).await
}

/// Numbers as large as they get, and as small: quotas of 0 and of 4,294,967,295.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_numbers_reach_their_ends<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let half = u32::MAX >> 1;
    for to in [0, 1, half, half.saturating_add(1), u32::MAX] {
        let set = Event::WorkspaceQuotaSet {
            from: u32::MAX,
            to,
            workspaces: u32::MAX,
        };
        world.happen(acme.id, vec![set]).await?;
        world.model.facts_agree(&*world.one, acme.id, &[]).await?;
        world
            .model
            .list_agrees(&*world.other, &whole::organizations_of(acme.ann), 10)
            .await?;
    }
    world
        .model
        .list_agrees(&*world.one, &whole::log(acme.id), 100)
        .await
}

/// The counts of the organization and of its workspaces, which the core keeps and "a store only writes".
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_counts_are_kept<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id] {
        world.model.records_agree(&*world.one, id).await?;
        world
            .model
            .list_agrees(&*world.other, &whole::workspaces(id), 100)
            .await?;
        world.model.state(id).validate()?;
    }
    Ok(())
}

/// Token hashes, byte for byte: zeros, ones, and bytes that are no text.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_token_hashes_are_bytes<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let mut counting = [0; 32];
    for (byte, number) in counting.iter_mut().zip(0xD0_u8..) {
        *byte = number;
    }
    for bytes in [[0; 32], [0xFF; 32], [b'\''; 32], [0x80; 32], counting] {
        let renewed = Event::InvitationRenewed {
            invitation: acme.invitation,
            email: EmailAddress::new("eve@elsewhere.example")?,
            target: InvitationTarget::Organization {
                role: OrganizationRole::Accounting,
            },
            inviter: acme.ann,
            token_hash: Some(TokenHash::from_bytes(bytes)),
            expires_at: at(1_800_000_000_000),
        };
        world.happen(acme.id, vec![renewed]).await?;
        let found = world.model.state(acme.id);
        let facts = tenancy::store::Repository::load(
            &*world.one,
            acme.id,
            &[Key::Invitation(acme.invitation, None)],
        )
        .await?;
        let stored = facts
            .into_iter()
            .flat_map(|facts| facts.records)
            .find_map(|record| match record {
                tenancy::store::Record::Invitation(invitation)
                    if invitation.id == acme.invitation =>
                {
                    Some(*invitation.token_hash.as_bytes())
                }
                _ => None,
            });
        let expected = found
            .invitation(acme.invitation)
            .map(|i| *i.token_hash.as_bytes());
        crate::model::same("the token's hash", &stored, &expected)?;
        world.model.records_agree(&*world.other, acme.id).await?;
    }
    Ok(())
}

/// Every role, kind, status and state comes back as itself.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_every_variant_comes_back<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let mut events = Vec::new();
    let mut closing = Vec::new();
    for (number, role) in OrganizationRole::ALL.into_iter().enumerate() {
        let (user, invitation) = (world.user(), world.invitation());
        events.push(joined(user, &format!("o{number}@x.example"), role)?);
        events.push(Event::InvitationSent {
            invitation,
            email: EmailAddress::new(&format!("i{number}@x.example"))?,
            target: InvitationTarget::Organization { role },
            inviter: user,
            token_hash: Some(world.token_hash()),
            expires_at: at(1_800_000_000_000),
        });
        closing.push(match number {
            0 => Event::InvitationAccepted { invitation, user },
            1 => Event::InvitationDeclined { invitation, user },
            _ => Event::InvitationRevoked {
                invitation,
                reason: tenancy::RevocationReason::AddressChanged,
            },
        });
    }
    for (number, role) in WorkspaceRole::ALL.into_iter().enumerate() {
        let (user, invitation) = (world.user(), world.invitation());
        events.push(joined(
            user,
            &format!("w{number}@x.example"),
            OrganizationRole::Member,
        )?);
        events.push(given(acme.first, user, role));
        events.push(Event::InvitationSent {
            invitation,
            email: EmailAddress::new(&format!("j{number}@x.example"))?,
            target: InvitationTarget::Workspace {
                workspace: acme.second,
                role,
            },
            inviter: user,
            token_hash: Some(world.token_hash()),
            expires_at: at(1_800_000_000_000),
        });
    }
    for (number, kind) in [DomainKind::Sandbox, DomainKind::Production]
        .into_iter()
        .enumerate()
    {
        for (other, off) in [false, true].into_iter().enumerate() {
            let domain = world.domain();
            events.push(Event::DomainCreated {
                domain,
                workspace: acme.first,
                name: DomainName::new(&format!("k{number}{other}"))?,
                kind,
            });
            if off {
                closing.push(Event::DomainDeactivated { domain });
            }
        }
    }
    world.happen(acme.id, events).await?;
    world.happen(acme.id, closing).await?;
    world.model.records_agree(&*world.one, acme.id).await?;
    world
        .model
        .each_key_agrees(&*world.other, acme.id, KeyKind::Invitation)
        .await?;
    world.model.lists_agree(&*world.one, 100).await?;
    // And the organization's own: deleted, it stays as a row.
    let ann = world.user();
    let (id, workspace) = world.found("Short-lived", ann).await?;
    let deletion = deletion("Short-lived", workspace, ann)?;
    world.happen(id, deletion).await?;
    world.model.records_agree(&*world.one, id).await?;
    world.model.standings_agree(&*world.other).await?;
    world
        .model
        .list_agrees(&*world.one, &whole::organizations_of(ann), 10)
        .await
}
