//! **Verification: what something else than a commit has done is found.** For stores that offer it
//! ([`Harness::verify`]), with data that was changed behind their back ([`Harness::tamper`]).

use tenancy::store::{Claim, FormerMember, Later, OrganizationState, Record, RecordId, Value};
use tenancy::{
    DomainKind, DomainName, EmailAddress, Member, OrganizationId, OrganizationRole, WorkspaceRole,
};

use crate::harness::{Garbled, Harness, Tampering};
use crate::model::Model;
use crate::report::{Failure, Verdict};
use crate::world::{Acme, World, at, deletion};

/// "Checks that an organization, as a store keeps it, is what its log makes of it": it is, whatever has
/// happened, as long as commits made it.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn verify_finds_nothing_wrong<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    world.crowd().await?;
    let ann = world.user();
    let (id, workspace) = world.found("Short-lived", ann).await?;
    in_order(harness, &world, id).await?;
    let deletion = deletion("Short-lived", workspace, ann)?;
    world.happen(id, deletion).await?;
    for id in world.model.organizations() {
        in_order(harness, &world, id).await?;
    }
    Ok(())
}

/// "The records are not those that the log makes": one too many, one too few, one that is another.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn verify_finds_what_the_log_does_not_make<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, _) = world.crowd().await?;
    let state = world.model.state(acme.id);
    let stranger = world.user();
    let bob = state.member(acme.bob);
    let bob = bob.ok_or_else(|| Failure::new("Bob is no member"))?;
    let member = |role| {
        Record::Member(Member {
            user: acme.bob,
            role,
            own_role: None,
            email: bob.email.clone(),
            since: at(1_700_000_000_000),
            lowered_in: None,
            suspended: false,
            until: None,
            later: Later::default(),
        })
    };
    let former = Record::FormerMember(FormerMember {
        user: stranger,
        workspace: None,
        departed_at: at(1_700_000_000_000),
        departed_in: state.version(),
        later: Later::default(),
    });
    let mut changes = vec![
        put(acme.id, former),
        put(acme.id, member(OrganizationRole::Accounting)),
    ];
    if let Some(domain) = state.domain(acme.domain) {
        let mut sandbox = domain.clone();
        sandbox.kind = DomainKind::Sandbox;
        changes.push(put(acme.id, Record::Domain(sandbox)));
    }
    for kept in state.retired_names() {
        changes.push(delete(
            acme.id,
            RecordId::RetiredDomainName(kept.name.clone()),
        ));
    }
    changes.push(delete(acme.id, RecordId::Invitation(acme.invitation)));
    changes.push(delete(
        acme.id,
        RecordId::WorkspaceMember(acme.second, acme.cy),
    ));
    each_is_found(harness, &world, acme.id, changes).await
}

/// "A record is kept under columns that are not its own": an address, a name, a role, a state, a place.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn verify_finds_misfiled_records<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let Acme { id, bob, first, .. } = acme;
    let text = |text: &str| Value::Text(Some(text.to_owned()));
    let stranger = EmailAddress::new("stranger@x.example")?;
    let stranger = || text(stranger.key().as_str());
    let reader = Value::Code(WorkspaceRole::Reader.code());
    let admin = Value::Code(OrganizationRole::Admin.code());
    let second = Value::Id(Some(acme.second.as_uuid()));
    let cy = Value::Id(Some(acme.cy.as_uuid()));
    let (member, invitation) = (RecordId::Member(bob), RecordId::Invitation(acme.to_first));
    let wrong = [
        (member.clone(), "email_key", stranger()),
        (member.clone(), "email_key", Value::Text(None)),
        (member.clone(), "counts_until", Value::Number(Some(0))),
        (member.clone(), "own_role", Value::Number(Some(1))),
        (member, "role", admin),
        (RecordId::Workspace(first), "name_key", text("elsewhere")),
        (RecordId::WorkspaceMember(first, bob), "role", reader),
        (
            RecordId::WorkspaceMember(first, bob),
            "counts_until",
            Value::Number(Some(1)),
        ),
        (
            RecordId::WorkspaceMember(first, bob),
            "own_role",
            Value::Number(Some(1)),
        ),
        (
            RecordId::Domain(acme.domain),
            "workspace_id",
            second.clone(),
        ),
        (RecordId::Domain(acme.domain), "name", text("elsewhere")),
        (invitation.clone(), "email_key", stranger()),
        (invitation.clone(), "workspace_id", second),
        (invitation.clone(), "inviter", cy),
        (
            invitation,
            "state",
            Value::Code(tenancy::store::InvitationState::Revoked.code()),
        ),
    ];
    let mut changes = Vec::new();
    for (record, name, value) in wrong {
        let mut columns = record.kind().columns().iter();
        let column = columns.find(|column| column.name == name);
        let column = *column.ok_or_else(|| Failure::new(format!("there is no column {name}")))?;
        changes.push(Tampering::Misfile {
            organization: id,
            record,
            column,
            value,
        });
    }
    each_is_found(harness, &world, id, changes).await
}

/// The claims are the organization's domains' and its retired names', "and no others".
///
/// # Errors
///
/// The store breaks the clause.
pub async fn verify_finds_stray_claims<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    let name = |name: &DomainName| Claim::DomainName(name.clone());
    let state = world.model.state(acme.id);
    let mut changes = vec![Tampering::Claim {
        claim: name(&DomainName::new("for-nothing")?),
        holder: Some(acme.id),
    }];
    let retired = state.retired_names().map(|retired| &retired.name);
    for of_acme in retired.chain([&acme.domain_name]) {
        for holder in [None, Some(neighbour.id)] {
            changes.push(Tampering::Claim {
                claim: name(of_acme),
                holder,
            });
        }
    }
    each_is_found(harness, &world, acme.id, changes).await
}

const fn put(organization: OrganizationId, record: Record) -> Tampering {
    Tampering::Put {
        organization,
        record,
    }
}

const fn delete(organization: OrganizationId, record: RecordId) -> Tampering {
    Tampering::Delete {
        organization,
        record,
    }
}

/// Makes each change and takes it back: in between the store must find something. What the database doesn't
/// let anybody do need not be found.
async fn each_is_found<H: Harness>(
    harness: &H,
    world: &World<H::Repository>,
    id: OrganizationId,
    changes: Vec<Tampering>,
) -> Verdict {
    in_order(harness, world, id).await?;
    let mut made = 0_u32;
    for change in changes {
        if !harness.tamper(&world.one, &change).await {
            continue;
        }
        made = made.saturating_add(1);
        if verified(harness, world, id).await?.is_ok() {
            return Err(Failure::new(format!("nothing was found after {change:?}")));
        }
        let undone = undoing(&world.model, id, &change);
        if !harness.tamper(&world.one, &undone).await {
            return Err(Failure::new(format!(
                "the harness can't take back {change:?}"
            )));
        }
        let again = in_order(harness, world, id).await;
        again.map_err(|failure| failure.at(format!("{change:?} was taken back")))?;
    }
    if made == 0 {
        return Err(Failure::not_run("tamper"));
    }
    Ok(())
}

/// What takes a change back.
fn undoing(model: &Model, id: OrganizationId, change: &Tampering) -> Tampering {
    let state = &model.state(id);
    match change {
        Tampering::Misfile {
            organization,
            record,
            column,
            value,
        } => {
            let columns = record.kind().columns().iter();
            let values = state.record(record).map(|record| record.columns());
            let mut own = columns.zip(values.into_iter().flatten());
            let own = own.find(|(other, _)| *other == column);
            Tampering::Misfile {
                organization: *organization,
                record: record.clone(),
                column: *column,
                value: own.map_or_else(|| value.clone(), |(_, value)| value),
            }
        }
        Tampering::Put {
            organization,
            record,
        } => restored(state, *organization, record.id()),
        Tampering::Delete {
            organization,
            record,
        }
        | Tampering::Garble {
            organization,
            garbled: Garbled::Record(record),
        } => restored(state, *organization, record.clone()),
        Tampering::Claim { claim, .. } => Tampering::Claim {
            claim: claim.clone(),
            holder: model.holder(claim),
        },
        Tampering::Garble { .. } => change.clone(), // no check of this part asks for it
    }
}

fn restored(state: &OrganizationState, organization: OrganizationId, id: RecordId) -> Tampering {
    match state.record(&id) {
        Some(record) => put(organization, record),
        None => delete(organization, id),
    }
}

async fn in_order<H: Harness>(
    harness: &H,
    world: &World<H::Repository>,
    id: OrganizationId,
) -> Verdict {
    let found = verified(harness, world, id).await?;
    found.map_err(|found| Failure::new(format!("{id} is in order, but verification says: {found}")))
}

async fn verified<H: Harness>(
    harness: &H,
    world: &World<H::Repository>,
    id: OrganizationId,
) -> Result<Result<(), String>, Failure> {
    let found = harness.verify(&world.other, id).await;
    found.ok_or_else(|| Failure::not_run("verify"))
}
