//! What another version of the library wrote: fields that this one doesn't know, text that its rules refuse.

use serde_json::{Value, json};
use tenancy::store::Record;
use tenancy::{
    EmailAddress, Event, Name, OrganizationId, OrganizationRole, RoleSet, WorkspaceRole,
};

use crate::harness::{Harness, Tampering};
use crate::model::whole;
use crate::report::{Failure, Verdict};
use crate::world::{World, given, joined, renamed, taken};

/// "What a later version of this crate keeps with it": a field that nobody here knows comes back whole, with
/// every kind of record, and is written again with whatever changes.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_later_fields_are_kept<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let field = json!({"a": [0, -1, 1.5, null, true, "\u{1F4A3} \"'\\"], "b": {}});
    for record in world.model.state(acme.id).records() {
        let record = rewritten(&record, |fields| {
            fields.insert("of_the_future".to_owned(), field.clone());
        })?;
        write(harness, &mut world, acme.id, record).await?;
    }
    world.model.everything_agrees(&*world.other).await?;
    let changes = vec![
        renamed(acme.first, "Payments", "Paiements")?,
        Event::OrganizationRoleChanged {
            user: acme.bob,
            from: OrganizationRole::Member,
            to: OrganizationRole::Accounting,
        },
        Event::WorkspaceRoleGiven {
            workspace: acme.second,
            user: acme.bob,
            role: WorkspaceRole::Reader,
            replaces: Some(WorkspaceRole::Developer),
        },
        Event::DomainDeactivated {
            domain: acme.domain,
        },
        Event::InvitationDeclined {
            invitation: acme.to_first,
            user: acme.bob,
        },
    ];
    world.happen(acme.id, changes).await?;
    for store in [&world.one, &world.other] {
        world.model.everything_agrees(&**store).await?;
    }
    Ok(())
}

/// Text that an older version took and today's rules refuse is still read, shown and replaced.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_text_of_other_rules_is_kept<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let before = world.model.state(acme.id);
    let missing = || Failure::new("the suite's organization has no such record");
    let first = before.workspace(acme.first).ok_or_else(missing)?.clone();
    let sent = before.invitation(acme.invitation).ok_or_else(missing)?;
    let other = format!("\u{202E}{}", "e\u{301}\u{302}".repeat(300));
    if Name::new(&other).is_ok() {
        return Err(Failure::new("the suite's odd name is an ordinary one"));
    }
    for (record, name, value) in [
        (Record::Workspace(first.clone()), "name", json!(other)),
        (
            Record::Invitation(sent.clone()),
            "email",
            json!({"typed": "A%B!c@x.example", "key": "a%b!c@x.example"}),
        ),
    ] {
        let record = rewritten(&record, |fields| {
            fields.insert(name.to_owned(), value);
        })?;
        write(harness, &mut world, acme.id, record).await?;
    }
    world.model.everything_agrees(&*world.other).await?;
    let workspaces = whole::workspaces(acme.id);
    world.model.list_agrees(&*world.one, &workspaces, 1).await?;
    let replaced = Event::WorkspaceRenamed {
        workspace: acme.first,
        from: first.name,
        to: Name::new("Payments")?,
    };
    world.happen(acme.id, vec![replaced]).await?;
    world.model.everything_agrees(&*world.other).await
}

/// Members whose addresses an older version took and today's rules refuse are still listed and found by them; one of
/// them changes to an address of today, the others are removed.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_members_with_addresses_of_other_rules<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let odd = [
        "A%B!c@x.example",
        "two words@x.example",
        "\u{202E}@x.example",
    ];
    let mut members = Vec::new();
    for typed in odd {
        if EmailAddress::new(typed).is_ok() {
            return Err(Failure::new(format!("`{typed}` is an ordinary address")));
        }
        let user = world.user();
        let of_today = joined(user, "today@x.example", OrganizationRole::Member)?;
        world
            .happen(
                acme.id,
                vec![of_today, given(acme.second, user, WorkspaceRole::Reader)],
            )
            .await?;
        let state = world.model.state(acme.id);
        let member = state.member(user).cloned();
        let member = member.ok_or_else(|| Failure::new("who joined is a member"))?;
        let record = rewritten(&Record::Member(member), |fields| {
            let key = typed.to_lowercase();
            fields.insert("email".to_owned(), json!({"typed": typed, "key": key}));
        })?;
        write(harness, &mut world, acme.id, record.clone()).await?;
        let Record::Member(member) = record else {
            return Err(Failure::new("a member is written as a member"));
        };
        members.push(member);
    }
    let everybody = whole::members(acme.id, RoleSet::all());
    for limit in [1, 100] {
        let store = world.either(limit as usize);
        world.model.list_agrees(&*store, &everybody, limit).await?;
    }
    world.model.everything_agrees(&*world.other).await?;
    let mut members = members.into_iter();
    if let Some(member) = members.next() {
        let changed = Event::MemberEmailChanged {
            user: member.user,
            from: member.email,
            to: EmailAddress::new("new@x.example")?,
        };
        world.happen(acme.id, vec![changed]).await?;
    }
    for member in members {
        let removed = vec![
            taken(acme.second, member.user, WorkspaceRole::Reader),
            Event::MemberRemoved {
                user: member.user,
                role: OrganizationRole::Member,
            },
        ];
        world.happen(acme.id, removed).await?;
        world
            .model
            .list_agrees(&*world.one, &everybody, 100)
            .await?;
    }
    world.model.everything_agrees(&*world.other).await
}

/// A record as another version writes it: the same, but for some of its fields.
fn rewritten(
    record: &Record,
    change: impl FnOnce(&mut serde_json::Map<String, Value>),
) -> Result<Record, Failure> {
    let json = |error: serde_json::Error| Failure::new(format!("no record of that kind: {error}"));
    let mut value = serde_json::to_value(record).map_err(json)?;
    let fields = value.as_object_mut().and_then(|record| {
        let content = record.values_mut().next()?;
        content.as_object_mut()
    });
    change(fields.ok_or_else(|| Failure::new("a record is no object"))?);
    serde_json::from_value(value).map_err(json)
}

/// Writes a record into the store and the model, behind every commit's back.
async fn write<H: Harness>(
    harness: &H,
    world: &mut World<H::Repository>,
    organization: OrganizationId,
    record: Record,
) -> Verdict {
    world.model.put(organization, &record);
    let put = Tampering::Put {
        organization,
        record,
    };
    if harness.tamper(&world.one, &put).await {
        Ok(())
    } else {
        Err(Failure::not_run("tamper"))
    }
}
