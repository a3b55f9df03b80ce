//! **Each key brings all that is needed to judge one thing.**
//!
//! What a key brings besides does no harm, as long as it is of this organization and as it is now.

use tenancy::store::{Key, Repository};

use crate::commands::Known;
use crate::harness::Harness;
use crate::lockstep::LockStep;
use crate::model::KeyKind;
use crate::random::Random;
use crate::report::{Failure, Verdict};
use crate::world::{Acme, World};

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
    /// "The open invitations whose inviter is this user, and the members who have one of the invited
    /// addresses."
    keys_sent_by: SentBy,
    /// "The members with this address; if a workspace is named, their memberships in it; the open
    /// invitations to the address."
    keys_address: Address,
    /// "An invitation in whatever state; the workspace that it is to; and of its inviter, of this user and
    /// of whoever has its address: the member, and their membership in that workspace."
    keys_invitation: Invitation,
    /// "The open invitations to this workspace; `None`: all open ones of the organization."
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
    let twin = Acme {
        id: world.organization(),
        domain_name: tenancy::DomainName::new("twin")?,
        ..acme.clone()
    };
    world.acme_as(&twin).await?;
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
        tenancy::Event::WorkspaceRoleTaken {
            workspace: acme.first,
            user: acme.bob,
            role: tenancy::WorkspaceRole::Developer,
        },
        tenancy::Event::WorkspaceRoleTaken {
            workspace: acme.second,
            user: acme.bob,
            role: tenancy::WorkspaceRole::Developer,
        },
        tenancy::Event::MemberRemoved {
            user: acme.bob,
            role: tenancy::OrganizationRole::Member,
        },
        tenancy::Event::WorkspaceRoleTaken {
            workspace: acme.first,
            user: acme.ann,
            role: tenancy::WorkspaceRole::Admin,
        },
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
        for number in 0..120 {
            let acted = known.act(&mut random, &mut step).await;
            acted.map_err(|failure| failure.at(format!("command {number} of history {seed}")))?;
        }
        if step.commits < 20 {
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
