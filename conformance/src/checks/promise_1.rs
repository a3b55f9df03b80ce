//! **A commit is all or nothing.**

mod departures;
mod interruptions;
mod races;

pub use departures::promise_1_former_members_come_and_go;
pub use interruptions::{
    promise_1_a_dropped_commit_happened_or_did_not, promise_1_a_reopened_store_has_every_commit,
    promise_1_dropped_calls_use_nothing_up, promise_1_dropped_reads_leave_the_handle_whole,
};
pub use races::{
    promise_1_a_storm_leaves_what_its_log_says, promise_1_every_order_of_three_writers,
    promise_1_every_order_of_two_writers, promise_1_fifty_writers_all_finish,
    promise_1_racers_have_one_winner, promise_1_racers_to_create_have_one_winner,
};

use tenancy::store::{Claim, Directory, Outcome, Repository};
use tenancy::{
    DomainKind, DomainName, EmailAddress, Event, OrganizationRole, Version, WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::{Model, same};
use crate::report::{Failure, Verdict};
use crate::world::{Acme, World, given, joined, renamed, taken};

/// "`None` if the organization doesn't exist": no facts, no standing, empty lists, no log.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_what_does_not_exist_is_absent<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let nowhere = world.organization();
    for store in [&world.one, &world.other] {
        same("load", &store.load(nowhere, &[]).await?, &None)?;
        let standing = store.standing(acme.ann, nowhere.into()).await?;
        same("standing", &standing, &None)?;
        let free = Claim::DomainName(DomainName::new("nobodys")?);
        same("holder", &store.claimed_by(&free).await?, &None)?;
    }
    let nobody = World::<H::Repository>::new(harness).await;
    let standing = nobody.one.standing(acme.ann, acme.id.into()).await?;
    same("standing in an empty store", &standing, &None)?;
    same(
        "load in an empty store",
        &nobody.one.load(acme.id, &[]).await?,
        &None,
    )
}

/// "0 while it doesn't exist, one more after every commit", whether it changes much or little.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_versions_rise_by_one<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, workspace) = world.found("Acme", ann).await?;
    for number in 2_u64..12 {
        let version = world.model.state(id).version();
        for store in [&world.one, &world.other] {
            let facts = store.load(id, &[]).await?;
            let found = facts.map_or(Version::ABSENT, |facts| facts.organization.version);
            same("the version", &found, &version)?;
            world
                .model
                .standing_agrees(&**store, ann, id.into())
                .await?;
        }
        // An event that leaves every record but the organization's as it was counts like any other.
        let event = if number % 2 == 0 {
            Event::ContractEdited { contract: None }
        } else {
            renamed(workspace, "Acme", &format!("Acme {number}"))?
        };
        world.happen(id, vec![event]).await?;
        same(
            "the model's version",
            &world.model.state(id).version().get(),
            &number,
        )?;
    }
    Ok(())
}

/// "the store applies the new organization, every change, the log entry and its events together":
/// after a commit that puts, deletes, claims and releases, all of it is there.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_a_commit_applies_everything<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let commit = everything_at_once(&mut world, &acme)?;
    world.commit(&commit).await?;
    for store in [&world.one, &world.other] {
        world.model.everything_agrees(&**store).await?;
    }
    Ok(())
}

/// "Otherwise it changes nothing at all": a commit that comes too late leaves the organization, the
/// records, the claims and the log as they are.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_a_conflict_changes_nothing<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let late = everything_at_once(&mut world, &acme)?;
    world
        .happen(acme.id, vec![renamed(acme.first, "Payments", "Paiements")?])
        .await?;
    for store in [&world.one, &world.other] {
        same(
            "the outcome",
            &store.commit(&late).await?,
            &Outcome::Conflict,
        )?;
    }
    world.model.everything_agrees(&*world.one).await?;
    // What it would have claimed is still free, for others too.
    for change in &late.changes {
        if let tenancy::store::Change::Claim(claim) = change {
            let holder = world.other.claimed_by(claim).await?;
            same(format!("the holder of {claim}"), &holder, &None)?;
        }
    }
    same(
        "the conflicting commit's entry",
        &world
            .other
            .load(acme.id, &[tenancy::store::Key::Commit(late.id())])
            .await?
            .and_then(|f| f.committed),
        &None,
    )
}

/// "0: the organization must not exist yet": two commits create it, one does.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_an_organization_is_created_once<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme_ids();
    world.acme_as(&acme).await?;
    let ann = world.user();
    let workspace = world.workspace();
    let nothing = Model::new(world.model.lag());
    let made = core::mem::replace(&mut world.model, nothing);
    let again = world.propose(
        acme.id,
        vec![
            Event::OrganizationCreated {
                name: tenancy::Name::new("Not Acme")?,
                workspace_quota: 1,
                limits: tenancy::Limits::UNLIMITED,
            },
            joined(ann, "ann@other.example", OrganizationRole::Admin)?,
            Event::WorkspaceCreated {
                workspace,
                name: tenancy::Name::new("Not Acme")?,
            },
            given(workspace, ann, WorkspaceRole::Admin),
        ],
    )?;
    world.model = made;
    for store in [&world.one, &world.other] {
        same(
            "the outcome",
            &store.commit(&again).await?,
            &Outcome::Conflict,
        )?;
    }
    world.model.everything_agrees(&*world.one).await
}

/// "If, and only if, the organization's version is `Commit::expected`": one that is ahead is not it.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_a_version_of_the_future_conflicts<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let mut ahead = everything_at_once(&mut world, &acme)?;
    for _ in 0..2 {
        ahead.expected = ahead.expected.next();
        ahead.next.version = ahead.expected.next();
        ahead.entry.version = ahead.expected.next();
        let outcome = world.one.commit(&ahead).await?;
        same("the outcome", &outcome, &Outcome::Conflict)?;
    }
    // The same of an organization that there is not.
    let mut nowhere = ahead.clone();
    nowhere.next.id = world.organization();
    nowhere.entry.organization = nowhere.next.id;
    let outcome = world.one.commit(&nowhere).await?;
    same("the outcome where nothing is", &outcome, &Outcome::Conflict)?;
    same("load", &world.one.load(nowhere.next.id, &[]).await?, &None)?;
    world.model.everything_agrees(&*world.other).await
}

/// "Insert the record, or replace the one with its id as a whole", and delete the one with this id, for
/// each kind of record.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_puts_replace_and_deletes_remove<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let Acme {
        id,
        ann,
        bob,
        cy,
        first,
        second,
        domain,
        ..
    } = acme;
    let target = tenancy::InvitationTarget::Workspace {
        workspace: second,
        role: WorkspaceRole::Admin,
    };
    let token_hash = Some(world.token_hash());
    let steps = vec![
        vec![Event::OrganizationRoleChanged {
            user: cy,
            from: OrganizationRole::Accounting,
            to: OrganizationRole::Admin,
        }],
        vec![Event::MemberEmailChanged {
            user: bob,
            from: EmailAddress::new("bob@acme.example")?,
            to: EmailAddress::new("Bob@New.example")?,
        }],
        vec![Event::MemberEmailChanged {
            user: bob,
            from: EmailAddress::new("Bob@New.example")?,
            to: EmailAddress::new("BOB@new.example")?,
        }],
        vec![Event::WorkspaceRoleGiven {
            workspace: first,
            user: bob,
            role: WorkspaceRole::Admin,
            replaces: Some(WorkspaceRole::Developer),
        }],
        vec![Event::WorkspaceInvoicingEdited {
            workspace: first,
            invoicing: Some(crate::world::invoicing("first@acme.example")?),
        }],
        vec![Event::WorkspaceInvoicingEdited {
            workspace: first,
            invoicing: None,
        }],
        vec![Event::DomainDeactivated { domain }],
        vec![Event::DomainMoved {
            domain,
            from: first,
            to: second,
        }],
        vec![Event::InvitationRenewed {
            invitation: acme.invitation,
            email: EmailAddress::new("eve@elsewhere.example")?,
            target,
            inviter: bob,
            token_hash,
            expires_at: crate::world::at(1_800_000_000_001),
        }],
        vec![Event::InvitationAccepted {
            invitation: acme.to_first,
            user: bob,
        }],
        vec![Event::DomainDeleted {
            domain,
            workspace: second,
            name: acme.domain_name.clone(),
        }],
        vec![taken(second, bob, WorkspaceRole::Developer)],
        vec![taken(first, ann, WorkspaceRole::Admin)],
        vec![taken(first, bob, WorkspaceRole::Admin)],
        vec![Event::MemberRemoved {
            user: bob,
            role: OrganizationRole::Member,
        }],
        vec![Event::WorkspaceDeleted {
            workspace: first,
            name: tenancy::Name::new("Payments")?,
        }],
        vec![Event::DomainNameReleased {
            name: acme.domain_name.clone(),
        }],
        // And what is gone may come again.
        vec![
            joined(bob, "bob@acme.example", OrganizationRole::Accounting)?,
            given(second, bob, WorkspaceRole::Reader),
        ],
    ];
    for events in steps {
        let what = format!("after {events:?}");
        world.happen(id, events).await?;
        let agreement = world.model.records_agree(&*world.one, id).await;
        agreement.map_err(|failure| failure.at(what))?;
    }
    Ok(())
}

/// "applied, durable, and visible to every later `load`", by whichever handle.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_commits_are_visible_to_every_handle<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, workspace) = world.found("Acme", ann).await?;
    let mut name = "Acme".to_owned();
    for number in 0..8 {
        let next = format!("Acme {number}");
        let commit = world.propose(id, vec![renamed(workspace, &name, &next)?])?;
        name = next;
        let (writer, reader) = if number % 2 == 0 {
            (&world.one, &world.other)
        } else {
            (&world.other, &world.one)
        };
        // The reader has seen what was before.
        world.model.records_agree(&**reader, id).await?;
        same(
            "the outcome",
            &writer.commit(&commit).await?,
            &Outcome::Committed,
        )?;
        let _ = world.model.apply(&commit);
        world.model.records_agree(&**reader, id).await?;
        world.model.records_agree(&**writer, id).await?;
    }
    Ok(())
}

/// "Compare and write in one statement or behind one lock that all handles share": of two who decided on
/// the same version, by two handles, the second has lost.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_two_handles_lose_no_update<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    for round in 0..6 {
        let (bob, cy) = (world.user(), world.user());
        let one = world.propose(
            acme.id,
            vec![joined(bob, "bob@x.example", OrganizationRole::Member)?],
        )?;
        let two = world.propose(
            acme.id,
            vec![joined(cy, "cy@x.example", OrganizationRole::Member)?],
        )?;
        let (first, second) = if round % 2 == 0 {
            (&world.one, &world.other)
        } else {
            (&world.other, &world.one)
        };
        drop(first.load(acme.id, &[]).await?);
        drop(second.load(acme.id, &[]).await?);
        same(
            "the first outcome",
            &first.commit(&one).await?,
            &Outcome::Committed,
        )?;
        same(
            "the second outcome",
            &second.commit(&two).await?,
            &Outcome::Conflict,
        )?;
        let _ = world.model.apply(&one);
        world.model.records_agree(&**second, acme.id).await?;
    }
    Ok(())
}

/// "every change": hundreds of records of each kind in one commit, and in one load; and hundreds that go
/// again. Neither parameters nor pages nor a column for the log may run out.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_large_commits_are_whole<H: Harness>(harness: &H) -> Verdict {
    const MANY: usize = 250;
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, workspace) = world.found("Acme", ann).await?;
    let (mut coming, mut going) = (Vec::new(), Vec::new());
    for number in 0..MANY {
        let (user, domain, invitation) = (world.user(), world.domain(), world.invitation());
        let (name, role) = (
            DomainName::new(&format!("d{number}"))?,
            WorkspaceRole::Reader,
        );
        coming.push(joined(user, "many@x.example", OrganizationRole::Member)?);
        coming.push(given(workspace, user, role));
        coming.push(Event::DomainCreated {
            domain,
            workspace,
            name: name.clone(),
            kind: DomainKind::Sandbox,
        });
        let address = format!("i{number}@x.example");
        coming.push(world.sent(invitation, &address, Some(workspace), ann)?);
        if number % 2 == 0 {
            going.push(taken(workspace, user, role));
            going.push(Event::MemberRemoved {
                user,
                role: OrganizationRole::Member,
            });
            going.push(Event::DomainDeleted {
                domain,
                workspace,
                name,
            });
            going.push(Event::InvitationRevoked {
                invitation,
                reason: tenancy::RevocationReason::Requested,
            });
        }
    }
    let everybody = tenancy::EmailAddress::new("many@x.example")?;
    for events in [coming, going] {
        world.happen(id, events).await?;
        world.model.records_agree(&*world.one, id).await?;
        let keys = [
            tenancy::store::Key::OpenInvitations(Some(workspace)),
            tenancy::store::Key::Address(everybody.key().clone(), Some(workspace)),
            tenancy::store::Key::SentBy(ann),
        ];
        world.model.facts_agree(&*world.other, id, &keys).await?;
        world.model.logs_agree(&*world.other, 100).await?;
        world.model.claims_agree(&*world.one).await?;
    }
    Ok(())
}

/// A commit with changes of each kind to records of each kind.
fn everything_at_once<R: Repository>(
    world: &mut World<R>,
    acme: &Acme,
) -> Result<tenancy::store::Commit, Failure> {
    let Acme {
        id,
        ann,
        bob,
        cy,
        first,
        second,
        domain,
        ..
    } = *acme;
    let (eve, third, new, invitation) = (
        world.user(),
        world.workspace(),
        world.domain(),
        world.invitation(),
    );
    let retired = format!("{}-old", acme.domain_name);
    let name = format!("{}-new", acme.domain_name);
    let sent = world.sent(invitation, "fay@acme.example", Some(second), ann)?;
    world.propose(
        id,
        vec![
            Event::OrganizationRenamed {
                from: tenancy::Name::new("Acme")?,
                to: tenancy::Name::new("Acme & Sons")?,
            },
            Event::WorkspaceQuotaSet {
                from: 5,
                to: 9,
                workspaces: 2,
            },
            Event::WorkspaceCreated {
                workspace: third,
                name: tenancy::Name::new("Third")?,
            },
            renamed(first, "Payments", "Paiements")?,
            Event::DomainCreated {
                domain: new,
                workspace: third,
                name: DomainName::new(&name)?,
                kind: DomainKind::Sandbox,
            },
            Event::DomainDeleted {
                domain,
                workspace: first,
                name: acme.domain_name.clone(),
            },
            Event::DomainNameReleased {
                name: DomainName::new(&retired)?,
            },
            joined(eve, "eve@acme.example", OrganizationRole::Member)?,
            given(third, eve, WorkspaceRole::Developer),
            taken(second, bob, WorkspaceRole::Developer),
            taken(second, cy, WorkspaceRole::Reader),
            Event::MemberLeft {
                user: cy,
                role: OrganizationRole::Accounting,
            },
            Event::InvitationDeclined {
                invitation: acme.invitation,
                user: eve,
            },
            sent,
        ],
    )
}
