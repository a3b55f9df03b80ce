//! Who departed stays known.

use tenancy::{Event, Name, OrganizationRole, WorkspaceRole};

use crate::harness::Harness;
use crate::report::Verdict;
use crate::world::{Acme, World, given, joined, taken};

/// "Somebody who departed" is a record like any other: put, replaced by a later departure, kept when they come
/// back, deleted.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_former_members_come_and_go<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let Acme {
        id,
        ann,
        bob,
        cy,
        first,
        second,
        ..
    } = acme;
    let (developer, reader) = (WorkspaceRole::Developer, WorkspaceRole::Reader);
    let departures = [
        vec![taken(second, bob, developer)],
        vec![given(second, bob, reader)],
        // Again: the later departure takes the place of the earlier.
        vec![taken(second, bob, reader)],
        vec![
            taken(first, bob, developer),
            Event::MemberLeft {
                user: bob,
                role: OrganizationRole::Member,
            },
        ],
        // Who comes back has departed before all the same.
        vec![
            joined(bob, "bob@acme.example", OrganizationRole::Accounting)?,
            given(first, bob, developer),
        ],
        vec![
            taken(first, bob, developer),
            Event::MemberRemoved {
                user: bob,
                role: OrganizationRole::Accounting,
            },
        ],
        vec![taken(second, cy, reader)],
        vec![
            Event::DomainMoved {
                domain: acme.domain,
                from: first,
                to: second,
            },
            taken(first, ann, WorkspaceRole::Admin),
            Event::InvitationRevoked {
                invitation: acme.to_first,
                reason: tenancy::RevocationReason::WorkspaceDeleted,
            },
            Event::WorkspaceDeleted {
                workspace: first,
                name: Name::new("Payments")?,
            },
        ],
    ];
    for events in departures {
        let what = format!("after {events:?}");
        world.happen(id, events).await?;
        for store in [&world.one, &world.other] {
            let agreement = world.model.records_agree(&**store, id).await;
            agreement.map_err(|failure| failure.at(&what))?;
        }
    }
    world.model.everything_agrees(&*world.other).await
}
