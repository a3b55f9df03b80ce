//! **A claim has one owner.**

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use tenancy::store::{Change, Claim, Commit, Directory, Outcome, Repository};
use tenancy::{DomainId, DomainKind, DomainName, Event, WorkspaceId};

use crate::harness::Harness;
use crate::model::same;
use crate::report::{Failure, Verdict};
use crate::tasks::{Meeting, all, pause, start};
use crate::world::{World, renamed};

/// "Somebody holds this claim already. Nothing was applied": neither the records, nor the log entry,
/// nor the version, nor the other claims of the commit.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_3_taken_changes_nothing<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let ann = world.user();
    let (rival, workspace) = world.found("Rival", ann).await?;
    let mut events = vec![renamed(workspace, "Rival", "Rival & Sons")?];
    // Its own names come before and after the one that is taken.
    for name in ["a-free-name", acme.domain_name.as_str(), "z-free-name"] {
        events.push(created(world.domain(), workspace, name)?);
    }
    let commit = world.propose(rival, events)?;
    for store in [&world.one, &world.other] {
        let taken = Outcome::Taken(Claim::DomainName(acme.domain_name.clone()));
        same("the outcome", &store.commit(&commit).await?, &taken)?;
    }
    for store in [&world.one, &world.other] {
        world.model.everything_agrees(&**store).await?;
        for name in ["a-free-name", "z-free-name"] {
            let claim = Claim::DomainName(DomainName::new(name)?);
            same(
                format!("the holder of {claim}"),
                &store.claimed_by(&claim).await?,
                &None,
            )?;
        }
        let keys = [tenancy::store::Key::Commit(commit.id())];
        world.model.facts_agree(&**store, rival, &keys).await?;
    }
    // The organization goes on as if nothing had been.
    let event = created(world.domain(), workspace, "a-free-name")?;
    world.happen(rival, vec![event]).await?;
    world.model.everything_agrees(&*world.one).await
}

/// "No two organizations ever hold the same `Claim`": not while the domain lives, not when it was
/// deleted, not by either handle.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_3_a_claim_keeps_others_out<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let ann = world.user();
    let (rival, workspace) = world.found("Rival", ann).await?;
    for deleted in [false, true] {
        if deleted {
            let gone = Event::DomainDeleted {
                domain: acme.domain,
                workspace: acme.first,
                name: acme.domain_name.clone(),
            };
            world.happen(acme.id, vec![gone]).await?;
        }
        for _ in 0..4 {
            let domain = world.domain();
            let event = created(domain, workspace, acme.domain_name.as_str())?;
            let commit = world.propose(rival, vec![event])?;
            world.commit(&commit).await?; // the model says: taken
        }
        world.model.claims_agree(&*world.one).await?;
    }
    // Who holds it may use it again, and then it is still theirs.
    let again = created(world.domain(), acme.first, acme.domain_name.as_str())?;
    world.happen(acme.id, vec![again]).await?;
    let late = created(world.domain(), workspace, acme.domain_name.as_str())?;
    world.happen(rival, vec![late]).await?; // the model says: taken
    world.model.everything_agrees(&*world.other).await
}

/// "or this one": nobody holds a claim twice, so whoever claims what is theirs is told that it is taken, and
/// nothing of their commit is made.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_3_ones_own_claim_is_taken_too<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    for name in ["a-free-name", acme.domain_name.as_str()] {
        let events = vec![
            renamed(acme.first, "Payments", "Paiements")?,
            created(world.domain(), acme.second, name)?,
            created(world.domain(), acme.second, acme.domain_name.as_str())?,
        ];
        let mut commit = world.propose(acme.id, events)?;
        let mut claims = BTreeSet::new();
        commit.changes.retain(|change| match change {
            Change::Claim(claim) => claims.insert(claim.clone()),
            _ => true,
        });
        world.commit(&commit).await?; // the model says: taken
        world.model.everything_agrees(&*world.other).await?;
    }
    world
        .happen(acme.id, vec![renamed(acme.first, "Payments", "Paiements")?])
        .await?;
    world.model.everything_agrees(&*world.one).await
}

/// "Free the claim, which the organization holds": then others may have it, and later the first again.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_3_a_released_claim_is_free<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (ann, bob) = (world.user(), world.user());
    let mut owners = [
        world.found("Acme", ann).await?,
        world.found("Rival", bob).await?,
    ];
    let name = DomainName::new("to-and-fro")?;
    let other = DomainName::new("to-and-fro-2")?;
    for _ in 0..3 {
        let [(owner, workspace), _] = owners;
        let (domain, second) = (world.domain(), world.domain());
        let both = vec![
            created(domain, workspace, name.as_str())?,
            created(second, workspace, other.as_str())?,
        ];
        world.happen(owner, both).await?;
        world.model.claims_agree(&*world.one).await?;
        for (domain, name) in [(domain, &name), (second, &other)] {
            let name = name.clone();
            let deleted = Event::DomainDeleted {
                domain,
                workspace,
                name,
            };
            world.happen(owner, vec![deleted]).await?;
        }
        let released = Event::DomainNameReleased { name: name.clone() };
        world.happen(owner, vec![released]).await?;
        for store in [&world.one, &world.other] {
            world.model.claims_agree(&**store).await?;
        }
        // The other name was not released.
        let [_, (rival, theirs)] = owners;
        let event = created(world.domain(), theirs, other.as_str())?;
        let commit = world.propose(rival, vec![event])?;
        world.commit(&commit).await?;
        world
            .happen(
                owner,
                vec![Event::DomainNameReleased {
                    name: other.clone(),
                }],
            )
            .await?;
        owners.reverse();
    }
    world.model.everything_agrees(&*world.other).await
}

/// "Nothing was applied", claims not either: what a conflicting commit wanted is free for others.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_3_a_conflict_claims_nothing<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (ann, bob) = (world.user(), world.user());
    let (acme, first) = world.found("Acme", ann).await?;
    let (rival, second) = world.found("Rival", bob).await?;
    let event = created(world.domain(), first, "wanted")?;
    let late = world.propose(acme, vec![event])?;
    world
        .happen(acme, vec![renamed(first, "Acme", "Acme 2")?])
        .await?;
    same(
        "the outcome",
        &world.one.commit(&late).await?,
        &Outcome::Conflict,
    )?;
    let claim = Claim::DomainName(DomainName::new("wanted")?);
    same("its holder", &world.other.claimed_by(&claim).await?, &None)?;
    let event = created(world.domain(), second, "wanted")?;
    world.happen(rival, vec![event]).await?;
    // A late release frees nothing either.
    let name = DomainName::new("wanted")?;
    let domain = world
        .model
        .state(rival)
        .domain_named(&name)
        .map(|domain| domain.id);
    let domain = domain.ok_or_else(|| Failure::new("the suite lost a domain"))?;
    let deleted = Event::DomainDeleted {
        domain,
        workspace: second,
        name: name.clone(),
    };
    world.happen(rival, vec![deleted]).await?;
    let late = world.propose(rival, vec![Event::DomainNameReleased { name }])?;
    world
        .happen(rival, vec![renamed(second, "Rival", "Rival 2")?])
        .await?;
    same(
        "the outcome",
        &world.other.commit(&late).await?,
        &Outcome::Conflict,
    )?;
    same(
        "its holder",
        &world.one.claimed_by(&claim).await?,
        &Some(rival),
    )
}

/// "Something that must be unique across all organizations, whose versions never meet": of many
/// organizations that want one name at the same moment, one gets it.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_3_racers_for_a_claim_have_one_winner<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let mut owners = Vec::new();
    for racer in 0..6 {
        let ann = world.user();
        owners.push(world.found(&format!("Racer {racer}"), ann).await?);
    }
    for round in 0..6_u32.saturating_mul(harness.thoroughness()) {
        let name = format!("round-{round}");
        let meeting = Meeting::of(owners.len());
        let mut racers = Vec::new();
        for (id, workspace) in &owners {
            let event = created(world.domain(), *workspace, &name)?;
            let commit = world.propose(*id, vec![event])?;
            let (store, meeting) = (world.either(racers.len()), Arc::clone(&meeting));
            racers.push(start(harness, async move {
                meeting.everybody().await;
                until_certain(&*store, commit).await
            }));
        }
        let mut winners = Vec::new();
        for outcome in all(racers).await? {
            let (commit, outcome) = outcome?;
            match outcome {
                Outcome::Committed => winners.push(commit),
                Outcome::Taken(claim) => {
                    same(
                        "what is taken",
                        &claim,
                        &Claim::DomainName(DomainName::new(&name)?),
                    )?;
                }
                Outcome::Conflict | Outcome::IdUsed => {
                    let what = format!("{outcome:?} where nobody else has written");
                    return Err(Failure::new(what));
                }
            }
        }
        let [winner] = winners.as_slice() else {
            let winners = winners.len();
            return Err(Failure::new(format!(
                "`{name}` was given to {winners} organizations"
            )));
        };
        same(
            "the model's outcome",
            &world.model.apply(winner),
            &Outcome::Committed,
        )?;
        world.model.claims_agree(&*world.one).await?;
    }
    world.model.everything_agrees(&*world.other).await
}

/// "or the database aborted the transaction for concurrency": two organizations want the same names in
/// opposite orders at the same moment. One gets them all, or each is told what is taken; none gets an error,
/// and none waits for the other for ever.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_3_crossed_claims_do_not_deadlock<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let mut owners = Vec::new();
    for racer in 0..4 {
        let ann = world.user();
        owners.push(world.found(&format!("Racer {racer}"), ann).await?);
    }
    for round in 0..6_u32.saturating_mul(harness.thoroughness()) {
        let meeting = Meeting::of(owners.len());
        let mut racers = Vec::new();
        for (id, workspace) in &owners {
            let mut events = Vec::new();
            for number in 0..8 {
                let name = format!("crossed-{round}-{number}");
                events.push(created(world.domain(), *workspace, &name)?);
            }
            if racers.len() % 2 == 1 {
                events.reverse();
            }
            let commit = world.propose(*id, events)?;
            let (store, meeting) = (world.either(racers.len()), Arc::clone(&meeting));
            racers.push(start(harness, async move {
                meeting.everybody().await;
                until_certain(&*store, commit).await
            }));
        }
        let mut winners = 0_u32;
        for outcome in all(racers).await? {
            let (commit, outcome) = outcome?;
            if outcome == Outcome::Committed {
                winners = winners.saturating_add(1);
                let _ = world.model.apply(&commit);
            }
        }
        same("how many got all the names", &winners, &1)?;
        world.model.claims_agree(&*world.other).await?;
    }
    world.model.everything_agrees(&*world.one).await
}

/// A database may abort for concurrency: then the same commit is tried again.
async fn until_certain<R: Repository>(
    store: &R,
    commit: Commit,
) -> Result<(Commit, Outcome), Failure> {
    let mut outcome = Outcome::Conflict;
    for _ in 0..100 {
        outcome = store.commit(&commit).await?;
        if outcome != Outcome::Conflict {
            break;
        }
        pause(Duration::from_millis(1)).await;
    }
    Ok((commit, outcome))
}

/// Claims compare byte for byte, and as a whole: none of these names is another.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_3_similar_claims_are_apart<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let longest = "a".repeat(63);
    let almost = "a".repeat(62);
    let names = [
        "a",
        "aa",
        "a-a",
        "a1",
        "1a",
        "1",
        "01",
        "a-1",
        "a--1",
        "1e1",
        "0x1",
        longest.as_str(),
        almost.as_str(),
        "null",
        "true",
    ];
    for name in names {
        let ann = world.user();
        let (id, workspace) = world.found(name, ann).await?;
        let event = created(world.domain(), workspace, name)?;
        let commit: Commit = world.propose(id, vec![event])?;
        let claims = commit
            .changes
            .iter()
            .filter(|change| matches!(change, Change::Claim(_)));
        same("the number of claims", &claims.count(), &1)?;
        world.commit(&commit).await?;
    }
    world.model.claims_agree(&*world.one).await?;
    for id in world.model.organizations() {
        world.model.records_agree(&*world.other, id).await?;
    }
    Ok(())
}

fn created(domain: DomainId, workspace: WorkspaceId, name: &str) -> Result<Event, Failure> {
    Ok(Event::DomainCreated {
        domain,
        workspace,
        name: DomainName::new(name)?,
        kind: DomainKind::Production,
    })
}
