//! **A standing: all that a permission check needs, in one round trip and of one snapshot.**

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::DateTime;
use tenancy::store::{Held, Outcome, Repository};
use tenancy::{
    DomainKind, DomainName, Event, Grants, Name, OrganizationAction, OrganizationRole, Resource,
    RoleBase, UserId, WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::same;
use crate::report::{Failure, Verdict};
use crate::tasks::{Pace, all, start};
use crate::world::{Acme, World, deletion, given, holds, joined, role, roles, taken};

/// "`OrganizationState::held` is the reference": for everybody, at everything that is or was.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn standing_is_the_reference_everywhere<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    world.crowd().await?;
    for store in [&world.one, &world.other] {
        world.model.standings_agree(&**store).await?;
    }
    Ok(())
}

/// "a workspace or domain that isn't there leaves its field `None`": one that never was, one of another
/// organization.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn standing_leaves_out_what_is_not_there<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, _) = world.crowd().await?;
    let ann = world.user();
    let (rival, workspace) = world.found("Rival", ann).await?;
    let domain = world.domain();
    let created = Event::DomainCreated {
        domain,
        workspace,
        name: tenancy::DomainName::new("rival")?,
        kind: tenancy::DomainKind::Sandbox,
    };
    world.happen(rival, vec![created]).await?;
    let resources = [
        Resource::Workspace(acme.id, workspace),
        Resource::Domain(acme.id, domain),
        Resource::Workspace(rival, acme.first),
        Resource::Domain(rival, acme.domain),
        Resource::Workspace(acme.id, world.workspace()),
        Resource::Domain(acme.id, world.domain()),
        Resource::Organization(world.organization()),
        Resource::Workspace(world.organization(), acme.first),
        Resource::Domain(world.organization(), acme.domain),
    ];
    for user in [
        ann,
        acme.ann,
        acme.bob,
        UserId::from_uuid(uuid::Uuid::nil()),
    ] {
        for resource in resources {
            world
                .model
                .standing_agrees(&*world.one, user, resource)
                .await?;
        }
    }
    Ok(())
}

/// A standing follows every commit: a role that was taken is gone, by every handle.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn standing_follows_every_commit<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let Acme {
        id,
        bob,
        first,
        second,
        domain,
        ..
    } = acme;
    let (member, developer) = (OrganizationRole::Member, WorkspaceRole::Developer);
    let steps = vec![
        vec![Event::OrganizationRoleChanged {
            user: bob,
            from: member,
            to: OrganizationRole::Admin,
        }],
        vec![Event::OrganizationRoleChanged {
            user: bob,
            from: OrganizationRole::Admin,
            to: member,
        }],
        vec![Event::WorkspaceRoleGiven {
            workspace: first,
            user: bob,
            role: WorkspaceRole::Reader,
            replaces: Some(developer),
        }],
        vec![Event::DomainMoved {
            domain,
            from: first,
            to: second,
        }],
        vec![taken(second, bob, developer)],
        vec![given(second, bob, WorkspaceRole::Admin)],
        vec![Event::DomainDeleted {
            domain,
            workspace: second,
            name: acme.domain_name.clone(),
        }],
        vec![
            taken(first, bob, WorkspaceRole::Reader),
            taken(second, bob, WorkspaceRole::Admin),
            Event::MemberLeft {
                user: bob,
                role: member,
            },
        ],
    ];
    for events in steps {
        world.happen(id, events).await?;
        for store in [&world.one, &world.other] {
            for resource in world.model.resources(id) {
                world.model.standing_agrees(&**store, bob, resource).await?;
            }
        }
    }
    Ok(())
}

/// "For how long it counts": a membership that is suspended, one that ends, a role that ends; all of it together,
/// and gone again.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn standing_tells_for_how_long_it_counts<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let (bob, workspace) = (acme.bob, acme.first);
    let soon = world.tick();
    let late = DateTime::from_timestamp_millis(253_402_300_799_999);
    let membership = |from, to| Event::MembershipEndSet {
        user: bob,
        from,
        to,
    };
    let role = |from, to| Event::WorkspaceRoleEndSet {
        workspace,
        user: bob,
        from,
        to,
    };
    let steps = vec![
        vec![Event::MemberSuspended { user: bob }],
        vec![Event::MemberReinstated { user: bob }],
        vec![membership(None, Some(soon))],
        vec![role(None, late)],
        vec![Event::MemberSuspended { user: bob }, role(late, Some(soon))],
        vec![membership(Some(soon), late)],
        vec![Event::MemberReinstated { user: bob }],
        vec![membership(late, None)],
        vec![role(Some(soon), None)],
    ];
    for events in steps {
        world.happen(acme.id, events).await?;
        for store in [&world.one, &world.other] {
            world.model.records_agree(&**store, acme.id).await?;
            world.model.standings_agree(&**store).await?;
        }
    }
    Ok(())
}

/// "What a role of the organization's own adds that they hold in the organization": in a
/// workspace too, on a domain of either kind; revised, retired, restored, taken, and deleted.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn standing_tells_what_roles_add<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let (bob, cy, first, second) = (acme.bob, acme.cy, acme.first, acme.second);
    let production = Event::DomainCreated {
        domain: world.domain(),
        workspace: first,
        name: DomainName::new("standing-live")?,
        kind: DomainKind::Production,
    };
    let (tester, auditor) = (role(RoleBase::Reader)?, role(RoleBase::Accounting)?);
    let name = |name| Name::new(name).map_err(Failure::from);
    let revised = Event::RoleRevised {
        role: auditor,
        from: name("Auditor")?,
        to: name("Auditor")?,
        added: Grants::of(OrganizationAction::ViewAuditTrail)?,
        adds: Grants::of(OrganizationAction::ViewMembers)?,
    };
    let taken = Event::OwnRoleChanged {
        user: cy,
        workspace: Some(second),
        from: Some(tester),
        to: None,
    };
    let steps = vec![
        roles()?,
        vec![production, holds(bob, None, RoleBase::Member)?],
        vec![
            holds(bob, Some(first), RoleBase::Developer)?,
            holds(cy, Some(second), RoleBase::Reader)?,
            holds(cy, None, RoleBase::Accounting)?,
        ],
        vec![revised],
        vec![Event::RoleRetired {
            role: tester,
            holders: 1,
        }],
        vec![Event::RoleRetired {
            role: auditor,
            holders: 1,
        }],
        vec![Event::RoleRestored {
            role: tester,
            holders: 1,
        }],
        vec![taken],
        vec![Event::RoleDeleted {
            role: tester,
            name: name("Tester")?,
        }],
        vec![Event::RoleRestored {
            role: auditor,
            holders: 1,
        }],
    ];
    for events in steps {
        world.happen(acme.id, events).await?;
        for store in [&world.one, &world.other] {
            world.model.records_agree(&**store, acme.id).await?;
            world.model.standings_agree(&**store).await?;
        }
    }
    Ok(())
}

/// Two organizations with the same ids: whoever was removed from one still stands in the other, and only
/// there.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn standing_tenants_are_apart<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let twin = world.twin(&acme).await?;
    let changes = vec![
        Event::DomainMoved {
            domain: acme.domain,
            from: acme.first,
            to: acme.second,
        },
        taken(acme.second, acme.cy, WorkspaceRole::Reader),
        Event::MemberRemoved {
            user: acme.cy,
            role: OrganizationRole::Accounting,
        },
        taken(acme.first, acme.bob, WorkspaceRole::Developer),
    ];
    world.happen(twin.id, changes).await?;
    world.model.standings_agree(&*world.one).await?;
    world.model.standings_agree(&*world.other).await
}

/// "Whether the organization is in use": of one that was deleted, everything is gone but its version and that it
/// was.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn standing_tells_the_status<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, workspace) = world.found("Short-lived", ann).await?;
    let domain = world.domain();
    let name = tenancy::DomainName::new("short-lived")?;
    let created = Event::DomainCreated {
        domain,
        workspace,
        name: name.clone(),
        kind: tenancy::DomainKind::Production,
    };
    let deleted = Event::DomainDeleted {
        domain,
        workspace,
        name,
    };
    let deletion = deletion("Short-lived", workspace, ann)?;
    for events in [vec![created], vec![deleted], deletion] {
        world.happen(id, events).await?;
        for store in [&world.one, &world.other] {
            world.model.standings_agree(&**store).await?;
        }
    }
    Ok(())
}

/// "of one snapshot": while a domain moves to and fro, and the roles of a user with it, a standing is what
/// it was at the version that it says, whole.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn standing_is_one_snapshot<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let Acme {
        id,
        first,
        second,
        domain,
        ..
    } = acme;
    let user = world.user();
    let events = vec![
        joined(user, "fay@acme.example", OrganizationRole::Member)?,
        given(first, user, WorkspaceRole::Developer),
    ];
    world.happen(id, events).await?;
    let resource = Resource::Domain(id, domain);
    let mut expected: BTreeMap<u64, Option<Held>> = BTreeMap::new();
    let version = world.model.state(id).version().get();
    expected.insert(version, world.model.held(user, resource));
    // A standing that lags may be of before that.
    let judged_from = if harness.lag().is_zero() { 0 } else { version };
    let mut commits = Vec::new();
    let mut seats = [
        (first, OrganizationRole::Member, WorkspaceRole::Developer),
        (second, OrganizationRole::Accounting, WorkspaceRole::Reader),
    ];
    for _ in 0..40_u32.saturating_mul(harness.thoroughness()) {
        let [(from, was, had), (to, role, workspace_role)] = seats;
        let events = vec![
            Event::DomainMoved { domain, from, to },
            Event::OrganizationRoleChanged {
                user,
                from: was,
                to: role,
            },
            taken(from, user, had),
            given(to, user, workspace_role),
        ];
        let commit = world.propose(id, events)?;
        let _ = world.model.apply(&commit);
        expected.insert(commit.next.version.get(), world.model.held(user, resource));
        commits.push(commit);
        seats.reverse();
    }
    let expected = Arc::new(expected);
    let pace = Arc::new(Pace::default());
    let mut tasks = Vec::new();
    for reader in 0..2 {
        let (reading, expected, store) =
            (pace.reader(), Arc::clone(&expected), world.either(reader));
        tasks.push(start(harness, async move {
            loop {
                let last = reading.is_last();
                let found = store.standing(user, resource).await?;
                let version = found.map_or(0, |held| held.version.get());
                let expected = expected.get(&version).copied().flatten();
                if version >= judged_from {
                    let what = format!("the standing at version {version}");
                    same(what, &found, &expected)?;
                }
                if last {
                    return Ok(());
                }
                reading.done().await;
            }
        }));
    }
    let stores = [world.either(0), world.either(1)];
    let writing = pace.writer();
    let writer = start(harness, async move {
        let mut reads = 0;
        for (commit, store) in commits.into_iter().zip(stores.iter().cycle()) {
            reads = writing.until_read(reads).await;
            same(
                "the outcome",
                &store.commit(&commit).await?,
                &Outcome::Committed,
            )?;
        }
        drop(writing);
        Ok::<_, Failure>(())
    });
    tasks.push(writer);
    for task in all(tasks).await? {
        task?;
    }
    Ok(())
}

/// "in one round trip", where the harness counts ([`Harness::round_trips`]).
///
/// # Errors
///
/// The store breaks the clause.
pub async fn standing_is_one_round_trip<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let resources = [
        Resource::Organization(acme.id),
        Resource::Workspace(acme.id, acme.first),
        Resource::Domain(acme.id, acme.domain),
    ];
    let store = Arc::clone(&world.one);
    // The first call may connect and prepare.
    ask_all(&*store, acme.bob, &resources).await?;
    for resource in resources {
        let before = harness.round_trips(&store);
        ask_all(&*store, acme.bob, &[resource]).await?;
        let (Some(before), Some(after)) = (before, harness.round_trips(&store)) else {
            return Err(Failure::not_run("round_trips"));
        };
        same(
            format!("round trips for {resource:?}"),
            &after.saturating_sub(before),
            &1,
        )?;
    }
    Ok(())
}

async fn ask_all<R: Repository>(store: &R, user: UserId, resources: &[Resource]) -> Verdict {
    for resource in resources {
        if store.standing(user, *resource).await?.is_none() {
            return Err(Failure::new("no standing in an organization that exists"));
        }
    }
    Ok(())
}
