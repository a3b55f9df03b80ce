//! **Each key brings all that is needed to judge one thing.**
//!
//! What a key brings besides does no harm, as long as it is of this organization and as it is now.

use tenancy::store::{Directory, Key, Repository};
use tenancy::{
    EmailAddress, Event, InvitationTarget, OrganizationId, OrganizationRole, RoleSet, WorkspaceRole,
};

use crate::commands::Known;
use crate::harness::Harness;
use crate::lockstep::LockStep;
use crate::model::{KeyKind, whole};
use crate::random::Random;
use crate::report::{Failure, Verdict};
use crate::world::{Acme, World, at, renamed, taken};

macro_rules! one_kind {
    ($($(#[$doc:meta])* $name:ident: $kind:ident,)+) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// The store breaks the clause.
        pub async fn $name<H: Harness>(harness: &H) -> Verdict {
            of_kind(harness, KeyKind::$kind).await
        }
    )+};
}

one_kind! {
    /// "What a user holds on the path to a resource of this organization, and what of the path exists": for
    /// everybody, to everything that is or was.
    keys_path: Path,
    /// "All that goes when a member goes": the workspaces with their memberships, and the open invitations
    /// to the member's address.
    keys_person: Person,
    /// "The member, and every open invitation to the member's address."
    keys_sent_to: SentTo,
    /// "The open invitations whose inviter is this user; the members who have one of the invited addresses, and
    /// every other open invitation to one of them."
    keys_sent_by: SentBy,
    /// "The members with this address; if a workspace is named, their memberships in it; the open
    /// invitations to the address."
    keys_address: Address,
    /// "An invitation in whatever state, and every open one to its address; the workspace that it is to; and of its
    /// inviter, of this user and of whoever has its address: the member, and their membership in that workspace."
    keys_invitation: Invitation,
    /// "The open invitations to this workspace; the members who have one of the invited addresses, and every other
    /// open invitation to one of them. `None`: all open ones of the organization, and no more."
    keys_open_invitations: OpenInvitations,
    /// "The workspace with this name", by its key.
    keys_workspace_named: WorkspaceNamed,
    /// "The domain with this name, or the retired name."
    keys_domain_named: DomainNamed,
}

async fn of_kind<H: Harness>(harness: &H, kind: KeyKind) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id] {
        world.model.each_key_agrees(&*world.one, id, kind).await?;
    }
    // What was asked of one organization means nothing in another, and nothing where there is none.
    for key in world.model.keys(acme.id, kind) {
        world
            .model
            .facts_agree(&*world.other, neighbour.id, &[key])
            .await?;
    }
    let (nowhere, keys) = (world.organization(), world.model.keys(acme.id, kind));
    let few: Vec<_> = keys.into_iter().take(8).collect();
    world.model.facts_agree(&*world.other, nowhere, &few).await
}

/// "Every [`FormerMember`] of theirs" for a person; of whoever holds an invitation's link "also the
/// [`FormerMember`] of the organization and of that workspace", and of nobody else.
///
/// [`FormerMember`]: tenancy::store::FormerMember
///
/// # Errors
///
/// The store breaks the clause.
pub async fn keys_former_members<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    let Acme {
        bob, first, second, ..
    } = acme;
    let gone_from = |workspace| taken(workspace, bob, WorkspaceRole::Developer);
    let left = Event::MemberLeft {
        user: bob,
        role: OrganizationRole::Member,
    };
    // From all of the one, and from one workspace of the other, whose ids are the same.
    let events = vec![gone_from(first), gone_from(second), left];
    world.happen(acme.id, events).await?;
    let events = vec![gone_from(second)];
    world.happen(neighbour.id, events).await?;
    for id in [acme.id, neighbour.id] {
        for kind in [KeyKind::Person, KeyKind::Invitation] {
            world.model.each_key_agrees(&*world.one, id, kind).await?;
        }
    }
    Ok(())
}

/// "Insert the record, or replace the one with its id as a whole": nothing is found any more by the address, the
/// name, the role or the workspace that it had before.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn keys_forget_what_was_replaced<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, _) = world.crowd().await?;
    let Acme {
        id,
        bob,
        first,
        second,
        domain,
        ..
    } = acme;
    let (developer, reader) = (WorkspaceRole::Developer, WorkspaceRole::Reader);
    let email = |to: &str| {
        Ok::<_, Failure>(Event::MemberEmailChanged {
            user: bob,
            from: EmailAddress::new("bob@acme.example")?,
            to: EmailAddress::new(to)?,
        })
    };
    let steps = [
        email("bob@new.example")?,
        email("Bob@acme.example")?,
        email("eve@elsewhere.example")?,
        renamed(first, "Payments", "Paiements")?,
        renamed(second, "Straßenbau Süd", "Payments")?,
        renamed(first, "Paiements", "Straßenbau Süd")?,
        Event::OrganizationRoleChanged {
            user: bob,
            from: OrganizationRole::Member,
            to: OrganizationRole::Accounting,
        },
        Event::WorkspaceRoleGiven {
            workspace: first,
            user: bob,
            role: reader,
            replaces: Some(developer),
        },
        Event::DomainMoved {
            domain,
            from: first,
            to: second,
        },
        // Another inviter, another target: and then it is closed.
        Event::InvitationRenewed {
            invitation: acme.to_first,
            email: EmailAddress::new("bob@acme.example")?,
            target: InvitationTarget::Organization {
                role: OrganizationRole::Accounting,
            },
            inviter: acme.ann,
            token_hash: Some(world.token_hash()),
            expires_at: at(1_800_000_000_000),
        },
        Event::InvitationDeclined {
            invitation: acme.to_first,
            user: bob,
        },
    ];
    for step in steps {
        let what = format!("after {step:?}");
        world.happen(id, vec![step]).await?;
        let found = found_by_columns(&world, id).await;
        found.map_err(|failure| failure.at(what))?;
    }
    world.model.lists_agree(&*world.other, 100).await
}

/// All that a store finds by something else than a record's id, in one organization.
async fn found_by_columns<R: Directory>(world: &World<R>, id: OrganizationId) -> Verdict {
    for kind in [
        KeyKind::SentBy,
        KeyKind::Address,
        KeyKind::OpenInvitations,
        KeyKind::WorkspaceNamed,
        KeyKind::DomainNamed,
    ] {
        for keys in world.model.keys(id, kind).chunks(8) {
            world.model.facts_agree(&*world.one, id, keys).await?;
        }
    }
    for role in OrganizationRole::ALL {
        let list = whole::members(id, RoleSet::of_organization(role));
        world.model.list_agrees(&*world.other, &list, 100).await?;
    }
    for workspace in world.model.workspaces(id) {
        for role in WorkspaceRole::ALL {
            let list = whole::workspace_members(id, workspace, RoleSet::of_workspace(role));
            world.model.list_agrees(&*world.other, &list, 100).await?;
        }
        let list = whole::domains(id, workspace);
        world.model.list_agrees(&*world.other, &list, 100).await?;
    }
    Ok(())
}

/// "One that several keys bring may come several times": any keys may be asked for together, and each
/// brings what it brings alone.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn keys_any_together<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id] {
        let mut pool: Vec<Key> = Vec::new();
        for kind in KeyKind::ALL {
            // As many of each kind, though there are more paths than anything else.
            let keys = world.model.keys(id, kind);
            pool.extend((0..12).filter_map(|_| world.random.pick(&keys).cloned()));
        }
        for _ in 0..60 {
            let mut keys = Vec::new();
            for _ in 0..=world.random.below(6) {
                keys.extend(world.random.pick(&pool).cloned());
            }
            if world.random.one_in(3) {
                let log = world.model.log_of(id).to_vec();
                keys.extend(world.random.pick(&log).map(|entry| Key::Commit(entry.id)));
            }
            let store = world.either(keys.len());
            world.model.facts_agree(&*store, id, &keys).await?;
        }
    }
    Ok(())
}

/// The same ids, addresses and names in two organizations are two things: what one has is nothing to the
/// other, and what one deletes the other keeps.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn keys_tenants_are_apart<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let twin = world.twin(&acme).await?;
    both(&world, &acme, &twin).await?;
    let deletion = vec![
        tenancy::Event::InvitationRevoked {
            invitation: acme.to_first,
            reason: tenancy::RevocationReason::Requested,
        },
        tenancy::Event::DomainDeleted {
            domain: acme.domain,
            workspace: acme.first,
            name: acme.domain_name.clone(),
        },
        taken(acme.first, acme.bob, tenancy::WorkspaceRole::Developer),
        taken(acme.second, acme.bob, tenancy::WorkspaceRole::Developer),
        tenancy::Event::MemberRemoved {
            user: acme.bob,
            role: tenancy::OrganizationRole::Member,
        },
        taken(acme.first, acme.ann, tenancy::WorkspaceRole::Admin),
        tenancy::Event::WorkspaceDeleted {
            workspace: acme.first,
            name: tenancy::Name::new("Payments")?,
        },
    ];
    world.happen(acme.id, deletion).await?;
    both(&world, &acme, &twin).await
}

async fn both<R: Repository>(world: &World<R>, acme: &Acme, twin: &Acme) -> Verdict {
    for id in [acme.id, twin.id] {
        world.model.records_agree(&*world.one, id).await?;
        for kind in KeyKind::ALL {
            let keys = world.model.keys(id, kind);
            for keys in keys.chunks(6) {
                world.model.facts_agree(&*world.other, id, keys).await?;
            }
        }
    }
    Ok(())
}

/// Random commands, allowed and refused, step by step beside the reference: the same facts, the same
/// decisions, the same outcomes, and in the end the same in every way that a store can be asked.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn keys_serve_random_histories<H: Harness>(harness: &H) -> Verdict {
    for seed in 0..3_u64.saturating_mul(harness.thoroughness().into()) {
        let mut world = World::with_seed(harness, seed).await;
        let mut random = Random::from_seed(seed);
        let mut known = Known::people(&mut random)?;
        let mut step = LockStep {
            world: &mut world,
            commits: 0,
        };
        known.found(&mut step).await?;
        for number in 0..300 {
            let acted = known.act(&mut random, &mut step).await;
            acted.map_err(|failure| failure.at(format!("command {number} of history {seed}")))?;
        }
        if step.commits < 50 {
            return Err(Failure::new("the suite's random commands do too little"));
        }
        world.model.everything_agrees(&*world.one).await?;
        for id in world.model.organizations() {
            for kind in KeyKind::ALL {
                for keys in world.model.keys(id, kind).chunks(8) {
                    world.model.facts_agree(&*world.other, id, keys).await?;
                }
            }
        }
    }
    Ok(())
}
