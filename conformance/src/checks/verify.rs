//! **Verification: what something else than a commit has done is found.** For stores that offer it
//! ([`Harness::verify`]), with data that was changed behind their back ([`Harness::tamper`]).

use std::collections::BTreeSet;

use tenancy::store::{
    Claim, Directory, FormerMember, Kind, Later, Organization, OrganizationState,
    OrganizationStatus, OrganizationSummary, Record, RecordId, Value,
};
use tenancy::text::TextLine;
use tenancy::{
    DomainKind, DomainName, EmailAddress, Event, Member, Name, OrganizationId, OrganizationRole,
    RoleBase,
};

use crate::harness::{Garbled, Harness, Tampering};
use crate::model::Model;
use crate::report::{Failure, Verdict};
use crate::world::{Acme, World, at, deletion, holds, joined, roles};

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

/// "A record is kept under columns that are not its own": every column of every kind of record says something else,
/// or nothing ([`Kind::columns`]: a column that is added there is changed here).
///
/// # Errors
///
/// The store breaks the clause.
pub async fn verify_finds_misfiled_records<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let Acme { id, bob, first, .. } = acme;
    // Nothing is null that need not be.
    let mut events = roles()?;
    events.extend([
        holds(bob, None, RoleBase::Member)?,
        holds(bob, Some(first), RoleBase::Developer)?,
        Event::MembershipEndSet {
            user: bob,
            from: None,
            to: Some(at(4_000_000_000_000)),
        },
        Event::WorkspaceRoleEndSet {
            workspace: first,
            user: bob,
            from: None,
            to: Some(at(4_000_000_000_000)),
        },
    ]);
    world.happen(id, events).await?;
    let stranger = EmailAddress::new("stranger@x.example")?;
    let ids = [acme.second.as_uuid(), acme.cy.as_uuid()];
    let texts = ["elsewhere", stranger.key().as_str()];
    let others = |own: &Value| -> Vec<Value> {
        let mut others: Vec<Value> = match own {
            Value::Id(_) => ids.map(|id| Value::Id(Some(id))).into(),
            Value::Text(_) => texts.map(|text| Value::Text(Some(text.to_owned()))).into(),
            Value::Code(_) => [1, 2, 3, 4, 5, 200].map(Value::Code).into(),
            Value::Number(_) => [0, 1, 1_000]
                .map(|number| Value::Number(Some(number)))
                .into(),
        };
        others.extend(match own {
            Value::Id(_) => Some(Value::Id(None)),
            Value::Text(_) => Some(Value::Text(None)),
            Value::Number(_) => Some(Value::Number(None)),
            Value::Code(_) => None,
        });
        others.retain(|other| other != own);
        others
    };
    let state = world.model.state(id);
    let mut changes = Vec::new();
    for kind in Kind::ALL {
        let of_kind = state.records().filter(|record| record.id().kind() == kind);
        let of_kind: Vec<_> = of_kind
            .map(|record| (record.id(), record.columns()))
            .collect();
        for (number, column) in kind.columns().iter().enumerate() {
            // Of one that has the column, and of one that hasn't.
            let mut seen = BTreeSet::new();
            for (record, columns) in &of_kind {
                let own = columns.get(number).filter(|own| seen.insert(is_null(own)));
                for value in own.map(others).unwrap_or_default() {
                    changes.push(Tampering::Misfile {
                        organization: id,
                        record: record.clone(),
                        column: *column,
                        value,
                    });
                }
            }
            if !seen.contains(&false) {
                return Err(Failure::new(format!(
                    "the check has no record with a `{}` in `{}`",
                    column.name,
                    kind.table()
                )));
            }
        }
    }
    each_is_found(harness, &world, id, changes).await
}

const fn is_null(value: &Value) -> bool {
    match value {
        Value::Id(id) => id.is_none(),
        Value::Text(text) => text.is_none(),
        Value::Number(number) => number.is_none(),
        Value::Code(_) => false,
    }
}

/// "The organization's own row is not the one that the log makes": its version, its status, or anything that lists
/// across organizations tell of it ([`OrganizationSummary`]: a field that is added there is changed here).
///
/// # Errors
///
/// The store breaks the clause.
pub async fn verify_finds_a_misfiled_organization<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    world.happen(acme.id, roles()?).await?;
    let other = world.acme().await?;
    let mut fewer = roles()?;
    fewer.pop();
    world.happen(other.id, fewer).await?;
    let events = vec![
        Event::OrganizationRenamed {
            from: Name::new("Acme")?,
            to: Name::new("Globex")?,
        },
        joined(world.user(), "dan@x.example", OrganizationRole::Admin)?,
        Event::OrganizationSuspended {
            reason: TextLine::new("unpaid")?,
        },
    ];
    world.happen(other.id, events).await?;
    let own = summary(&world, acme.id)?;
    let other = fields(&summary(&world, other.id)?)?;
    let row = |version, status, summary: &OrganizationSummary| Tampering::Row {
        organization: acme.id,
        version,
        status,
        summary: summary.clone(),
    };
    let mut changes = vec![row(own.version.next(), own.status, &own)];
    let statuses = (0..=u8::MAX).filter_map(OrganizationStatus::from_code);
    for status in statuses.filter(|status| *status != own.status) {
        changes.push(row(own.version, status, &own));
    }
    let of_own = fields(&own)?;
    let names: BTreeSet<&String> = of_own.keys().chain(other.keys()).collect();
    for name in names {
        let mut changed = of_own.clone();
        match other.get(name) {
            Some(value) => changed.insert(name.clone(), value.clone()),
            None => changed.remove(name),
        };
        let changed: OrganizationSummary = serde_json::from_value(changed.into())?;
        if changed == own {
            return Err(Failure::new(format!(
                "the check has no other `{name}` of an organization's summary"
            )));
        }
        changes.push(row(own.version, own.status, &changed));
    }
    each_is_found(harness, &world, acme.id, changes).await
}

fn summary<R: Directory>(
    world: &World<R>,
    id: OrganizationId,
) -> Result<OrganizationSummary, Failure> {
    let state = world.model.state(id);
    let row = state.organization();
    let row = row.ok_or_else(|| Failure::new("the organization is there"))?;
    Ok(row.summary())
}

/// A summary as it is written, field by field: all of them.
fn fields(
    summary: &OrganizationSummary,
) -> Result<serde_json::Map<String, serde_json::Value>, Failure> {
    // No `..`: whoever adds a field sees to it that the two organizations above differ in it.
    let OrganizationSummary {
        id: _,
        version: _,
        status: _,
        name: _,
        suspension: _,
        admins: _,
        created_at: _,
        roles: _,
    } = summary;
    let written = serde_json::to_value(summary)?;
    let fields = written.as_object().cloned();
    fields.ok_or_else(|| Failure::new("a summary is written as an object"))
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
        Tampering::Row {
            organization,
            version,
            status,
            summary,
        } => {
            let own = state.organization();
            Tampering::Row {
                organization: *organization,
                version: own.map_or(*version, |own| own.version),
                status: own.map_or(*status, |own| own.status),
                summary: own.map_or_else(|| summary.clone(), Organization::summary),
            }
        }
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
