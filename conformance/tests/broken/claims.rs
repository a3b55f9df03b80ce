//! Claims with two owners, or none.

use tenancy::OrganizationId;
use tenancy::store::{Change, Claim, Commit, Outcome, RecordId};

use super::store::{Data, Flaw, Lost, Store, WhenDropped, claims, window};

#[derive(Default)]
pub(crate) struct GivesAClaimToEverybody;

impl Flaw for GivesAClaimToEverybody {
    const DOES: &'static str = "has no unique index on claims: the last one has it";
    const SURELY: &'static [&'static str] = &["promise_3_racers_for_a_claim_have_one_winner"];

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        if data.version(commit.organization()) != commit.expected {
            return Ok(Outcome::Conflict);
        }
        data.apply(commit);
        Ok(Outcome::Committed)
    }
}

#[derive(Default)]
pub(crate) struct LetsOwnersClaimAgain;

impl Flaw for LetsOwnersClaimAgain {
    const DOES: &'static str = "takes a claim that is the organization's already for a new one";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        match &outcome {
            Outcome::Taken(claim) if data.claims.get(claim) == Some(&commit.organization()) => {
                data.apply(commit);
                Ok(Outcome::Committed)
            }
            _ => Ok(outcome),
        }
    }
}

#[derive(Default)]
pub(crate) struct LooksThenClaims;

impl Flaw for LooksThenClaims {
    const DOES: &'static str = "looks whether a claim is free in one step and claims in another";
    const SURELY: &'static [&'static str] = &["promise_3_racers_for_a_claim_have_one_winner"];

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let outcome = store.data().judged(commit);
        if outcome != Outcome::Committed {
            return Ok(outcome);
        }
        window().await;
        let mut data = store.data();
        if data.version(commit.organization()) != commit.expected {
            return Ok(Outcome::Conflict);
        }
        data.apply(commit);
        Ok(Outcome::Committed)
    }
}

#[derive(Default)]
pub(crate) struct AppliesBeforeItClaims;

impl Flaw for AppliesBeforeItClaims {
    const DOES: &'static str = "applies the records before it finds that a claim is taken";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if matches!(outcome, Outcome::Taken(_)) {
            data.change_records(commit);
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct KeepsTheClaimsBeforeTheTaken;

impl Flaw for KeepsTheClaimsBeforeTheTaken {
    const DOES: &'static str =
        "keeps the claims of a commit that came before the one that was taken";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if let Outcome::Taken(taken) = &outcome {
            for claim in claims(commit).take_while(|claim| *claim != taken) {
                data.claims.insert(claim.clone(), commit.organization());
            }
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct SaysTheWrongClaim;

impl Flaw for SaysTheWrongClaim {
    const DOES: &'static str = "names the first claim of a commit, whichever was taken";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        Ok(match store.data().commit(commit) {
            Outcome::Taken(taken) => {
                let first = claims(commit).next().cloned();
                Outcome::Taken(first.unwrap_or(taken))
            }
            outcome => outcome,
        })
    }
}

#[derive(Default)]
pub(crate) struct ClaimsForConflicts;

impl Flaw for ClaimsForConflicts {
    const DOES: &'static str = "claims before it compares the version, and keeps the claim";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if outcome == Outcome::Conflict && data.taken(commit).is_none() {
            for claim in claims(commit) {
                data.claims.insert(claim.clone(), commit.organization());
            }
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct ReleasesForConflicts;

impl Flaw for ReleasesForConflicts {
    const DOES: &'static str = "releases before it compares the version";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if outcome == Outcome::Conflict {
            for change in &commit.changes {
                if let Change::Release(claim) = change {
                    data.claims.remove(claim);
                }
            }
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct ReleasesWithTheDomain;

impl Flaw for ReleasesWithTheDomain {
    const DOES: &'static str = "frees a name when its domain is deleted: `ON DELETE CASCADE`";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let before = data.organizations.get(&commit.organization()).cloned();
        let outcome = data.commit(commit);
        if outcome != Outcome::Committed {
            return Ok(outcome);
        }
        for change in &commit.changes {
            if let Change::Delete(RecordId::Domain(id)) = change {
                let domain = before.as_ref().and_then(|before| before.domain(*id));
                let claim = domain.map(|domain| Claim::DomainName(domain.name.clone()));
                claim.and_then(|claim| data.claims.remove(&claim));
            }
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct ReleasesAnothers;

impl Flaw for ReleasesAnothers {
    const DOES: &'static str = "releases with `LIKE 'name%'`: others lose theirs";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if outcome == Outcome::Committed {
            for change in &commit.changes {
                if let Change::Release(Claim::DomainName(released)) = change {
                    data.claims.retain(|Claim::DomainName(name), _| {
                        !name.as_str().starts_with(released.as_str())
                    });
                }
            }
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct CutsClaims;

impl Flaw for CutsClaims {
    const DOES: &'static str = "compares the first 62 bytes of a name";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        Ok(alike(store, commit, |one, other| {
            one.bytes().take(62).eq(other.bytes().take(62))
        }))
    }
}

#[derive(Default)]
pub(crate) struct CountsClaims;

impl Flaw for CountsClaims {
    const DOES: &'static str = "compares names of digits as numbers";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        Ok(alike(store, commit, |one, other| {
            one.parse::<u64>().ok() == other.parse::<u64>().ok() && one.parse::<u64>().is_ok()
        }))
    }
}

fn alike<F: Flaw>(
    store: &Store<F>,
    commit: &Commit,
    alike: impl Fn(&str, &str) -> bool,
) -> Outcome {
    let mut data = store.data();
    let taken = claims(commit).find(|Claim::DomainName(name)| {
        let mut held = data.claims.keys();
        held.any(|Claim::DomainName(held)| alike(name.as_str(), held.as_str()))
    });
    if let Some(taken) = taken {
        return Outcome::Taken(taken.clone());
    }
    data.commit(commit)
}

#[derive(Default)]
pub(crate) struct HoldsOnlyLivingNames;

impl Flaw for HoldsOnlyLivingNames {
    const DOES: &'static str = "doesn't know the holder of a name whose domain was deleted";

    fn claimed_by(data: &Data, claim: &Claim) -> Option<OrganizationId> {
        let Claim::DomainName(name) = claim;
        let holder = data.claims.get(claim)?;
        let state = data.organizations.get(holder)?;
        state.domain_named(name).map(|_| *holder)
    }
}

#[derive(Default)]
pub(crate) struct TakesDeadlocksForErrors;

impl Flaw for TakesDeadlocksForErrors {
    const DOES: &'static str = "claims name by name, and fails when two wait for each other";
    const SURELY: &'static [&'static str] = &["promise_3_crossed_claims_do_not_deadlock"];

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let id = commit.organization();
        let _rollback = WhenDropped(|| store.data().locks.retain(|_, owner| *owner != id));
        for claim in claims(commit) {
            let mut patience = 20_u32;
            loop {
                let owner = *store.data().locks.entry(claim.clone()).or_insert(id);
                if owner == id {
                    break;
                }
                patience = patience.saturating_sub(1);
                if patience == 0 {
                    return Err(Lost("deadlock detected"));
                }
                window().await;
            }
            window().await;
        }
        Ok(store.data().commit(commit))
    }
}
