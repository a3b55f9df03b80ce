//! Checks: may they?

use std::collections::HashMap;

use super::Tenancy;
use crate::actor::Actor;
use crate::command::NOBODY;
use crate::error::Error;
use crate::policy::Action;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::standing::{Decision, Glance, Held, Permit, Seen, Standing, Subject};
use crate::store::{Directory, Repository, WithIndex, WithReplica};
use crate::version::{ConsistencyToken, Version};

impl<R: Repository> Tenancy<R> {
    /// What an actor holds at a resource, in one round trip; `None` if the organization doesn't exist, or
    /// if a user is no member of it whose membership counts: which of them is not told (A2). Ask it as many questions as you
    /// like: they cost nanoseconds.
    ///
    /// Show users the decision, not the [`Standing`]: what it holds reveals whether a hidden workspace or
    /// domain exists.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// let standing = tenancy.standing(&ann, acme.organization).await?;
    /// let buttons: Vec<_> = OrganizationAction::ALL
    ///     .into_iter()
    ///     .filter(|action| standing.is_some_and(|standing| standing.decide(*action).is_allowed()))
    ///     .collect();
    /// # assert!(buttons.contains(&OrganizationAction::Rename));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn standing(
        &self,
        actor: &Actor,
        resource: impl Into<Resource>,
    ) -> Result<Option<Standing>, Error<R::Error>> {
        let resource = resource.into();
        let user = actor.user_id().unwrap_or(NOBODY);
        let held = self.repository().standing(user, resource).await;
        Ok(self.standing_of(actor, resource, held.map_err(Error::Store)?))
    }

    /// May they? One round trip, or none of a store that has the answer at hand
    /// ([`WithIndex`](crate::store::WithIndex)).
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed. A "no" is not an error; see [`require`](Self::require).
    pub async fn check<A: Action>(
        &self,
        actor: &Actor,
        on: A::On,
        action: A,
    ) -> Result<Decision, Error<R::Error>> {
        let at_a_glance = self.decide_at_a_glance(actor, on.into(), action);
        #[cfg(feature = "tracing")]
        return super::trace::check(action.phrase(), on.into(), async {
            match at_a_glance {
                Some(decision) => Ok(decision),
                None => self.decide_by_asking(actor, on.into(), action).await,
            }
        })
        .await;
        #[cfg(not(feature = "tracing"))]
        match at_a_glance {
            Some(decision) => Ok(decision),
            None => self.decide_by_asking(actor, on.into(), action).await,
        }
    }

    /// The decision, of what the store finds.
    async fn decide_by_asking<A: Action>(
        &self,
        actor: &Actor,
        resource: Resource,
        action: A,
    ) -> Result<Decision, Error<R::Error>> {
        let user = actor.user_id().unwrap_or(NOBODY);
        let held = self.repository().standing(user, resource).await;
        let mut held = held.map_err(Error::Store)?;
        let seen = self.who_holds(actor, &mut held);
        Ok(seen.map_or(Decision::Hidden, |(subject, held)| {
            Seen::of(held, subject).decide(action)
        }))
    }

    /// Checks several actions: one answer for each question, in order, and one round trip for each distinct
    /// resource that the store hasn't at hand.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn check_many<A: Action>(
        &self,
        actor: &Actor,
        asks: impl IntoIterator<Item = (A::On, A)>,
    ) -> Result<Vec<Decision>, Error<R::Error>> {
        let asks: Vec<_> = asks
            .into_iter()
            .map(|(on, action)| (on.into(), action))
            .collect();
        let mut standings: HashMap<Resource, Option<Standing>> = HashMap::new();
        let mut decisions = Vec::with_capacity(asks.len());
        for (resource, action) in asks {
            if let Some(decision) = self.decide_at_a_glance(actor, resource, action) {
                decisions.push(decision);
                continue;
            }
            let standing = if let Some(standing) = standings.get(&resource) {
                *standing
            } else {
                let standing = self.standing(actor, resource).await?;
                standings.insert(resource, standing);
                standing
            };
            decisions.push(standing.map_or(Decision::Hidden, |standing| standing.decide(action)));
        }
        Ok(decisions)
    }

    /// The decision, of a store that has at hand what it takes.
    fn decide_at_a_glance<A: Action>(
        &self,
        actor: &Actor,
        resource: Resource,
        action: A,
    ) -> Option<Decision> {
        let user = actor.user_id().unwrap_or(NOBODY);
        let glance = self.repository().glance(user, resource)?;
        let seen = at_a_glance(actor, glance);
        Some(seen.map_or(Decision::Hidden, |seen| seen.decide(action)))
    }

    /// A [`Permit`] if they may, for host functions that want proof of a check in their signature.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the resource doesn't exist, or they may not see it.
    /// - [`Refusal::Forbidden`]: they may see it, but not do that.
    /// - [`Refusal::OrganizationSuspended`]: the organization is suspended, and that would change something (T4). It
    ///   takes another round trip to tell the reason.
    /// - [`Error::Store`]: the store failed.
    pub async fn require<A: Action>(
        &self,
        actor: &Actor,
        on: A::On,
        action: A,
    ) -> Result<Permit<A>, Error<R::Error>> {
        let resource = on.into();
        let required = match self.standing(actor, resource).await? {
            Some(standing) => standing.require(action),
            None => Err(Refusal::NotFound { resource }),
        };
        match required {
            Err(Refusal::OrganizationSuspended { .. }) => {
                let facts = self.load(resource.organization(), &[]).await?;
                let reason = facts.and_then(|facts| facts.organization.suspension);
                Err(Refusal::OrganizationSuspended { reason }.into())
            }
            required => Ok(required?),
        }
    }
}

impl<P: Repository, R: Repository<Error = P::Error>> Tenancy<WithReplica<P, R>> {
    /// What an actor holds at a resource, no older than a point in its organization's history.
    ///
    /// - Without a token, the replica's answer will do.
    /// - With one, the replica's answer will do if its version is the token's or a later one. If not, or if
    ///   the replica doesn't know the organization, the primary is asked.
    /// - A token of another organization says nothing of this one: the primary is asked.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// let store = WithReplica { primary: MemoryRepository::new(), replica: MemoryRepository::new() };
    /// let tenancy = Tenancy::new(store);
    /// let create = CreateOrganization { name: Name::new("Acme")? };
    /// let acme = tenancy.execute(&ann, create).await?;
    ///
    /// // The replica lags: it doesn't know Acme yet. The token says that the answer must.
    /// let on = acme.output.organization;
    /// assert_eq!(tenancy.standing_at_least(&ann, on, None).await?, None);
    /// assert!(tenancy.standing_at_least(&ann, on, Some(acme.token)).await?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::Store`]: the store that was asked failed. A replica that fails is not passed over in
    ///   silence: the primary may not be up to its load.
    /// - [`Error::Behind`]: the primary itself hasn't seen the token's point.
    pub async fn standing_at_least(
        &self,
        actor: &Actor,
        resource: impl Into<Resource>,
        seen: Option<ConsistencyToken>,
    ) -> Result<Option<Standing>, Error<P::Error>> {
        let resource = resource.into();
        let user = actor.user_id().unwrap_or(NOBODY);
        let WithReplica { primary, replica } = self.repository();
        let organization = resource.organization();
        if seen.is_none_or(|seen| seen.organization == organization) {
            let held = replica.standing(user, resource).await;
            let held = held.map_err(Error::Store)?;
            if is_late_enough(held, seen) {
                return Ok(self.standing_of(actor, resource, held));
            }
        }
        let held = primary.standing(user, resource).await;
        self.not_behind(actor, resource, seen, held.map_err(Error::Store)?)
    }
}

impl<R: Directory> Tenancy<WithIndex<R>> {
    /// What an actor holds at a resource, no older than a point in its organization's history.
    ///
    /// - Without a token, the index's answer will do.
    /// - With one, the index's answer will do if its version is the token's or a later one. If not, or if
    ///   the index doesn't know, the store is asked.
    /// - A token of another organization says nothing of this one: the store is asked.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let shared = MemoryRepository::new();
    /// let here = Tenancy::new(WithIndex::new(shared.clone()));
    /// let acme = here.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output.organization;
    ///
    /// // Another process commits. This one hasn't heard of it, and the token says that it must.
    /// let elsewhere = Tenancy::new(shared);
    /// let rename = RenameOrganization { organization: acme, name: Name::new("Acme & Co")? };
    /// let renamed = elsewhere.execute(&ann, rename).await?;
    /// let standing = here.standing_at_least(&ann, acme, Some(renamed.token)).await?.unwrap();
    /// assert_eq!(standing.version(), renamed.token.version);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::Store`]: the store failed.
    /// - [`Error::Behind`]: the store itself hasn't seen the token's point.
    pub async fn standing_at_least(
        &self,
        actor: &Actor,
        resource: impl Into<Resource>,
        seen: Option<ConsistencyToken>,
    ) -> Result<Option<Standing>, Error<R::Error>> {
        let resource = resource.into();
        let user = actor.user_id().unwrap_or(NOBODY);
        let organization = resource.organization();
        if seen.is_none_or(|seen| seen.organization == organization) {
            let held = self.repository().index().held(user, resource);
            if held.is_some() && is_late_enough(held, seen) {
                return Ok(self.standing_of(actor, resource, held));
            }
        }
        let held = self.repository().store().standing(user, resource).await;
        self.not_behind(actor, resource, seen, held.map_err(Error::Store)?)
    }
}

/// What an actor sees at a glance, as [`Tenancy::who_holds`] says it; `None` where nothing is open to them.
fn at_a_glance(actor: &Actor, glance: Glance) -> Option<Seen<'static>> {
    match actor {
        Actor::User { id, .. } if id.is_nobody() => None,
        Actor::User { .. } => {
            glance.organization_role?;
            Some(Seen::at_a_glance(glance, false))
        }
        Actor::Operator(_) => Some(Seen::at_a_glance(glance, true)),
    }
}

/// Whether what was found is of the token's version or a later one. The token is of that organization.
fn is_late_enough(held: Option<Held>, seen: Option<ConsistencyToken>) -> bool {
    let version = held.map(|held| held.version);
    seen.is_none_or(|seen| version >= Some(seen.version))
}

impl<R> Tenancy<R> {
    /// The standing that the primary found, unless it hasn't seen the token's point.
    fn not_behind<E>(
        &self,
        actor: &Actor,
        resource: Resource,
        seen: Option<ConsistencyToken>,
        held: Option<Held>,
    ) -> Result<Option<Standing>, Error<E>> {
        let found = held.map_or(Version::ABSENT, |held| held.version);
        match seen.filter(|seen| seen.organization == resource.organization()) {
            Some(seen) if found < seen.version => Err(Error::Behind {
                seen: seen.version,
                found,
            }),
            _ => Ok(self.standing_of(actor, resource, held)),
        }
    }

    /// What a store found, as the actor's standing now.
    fn standing_of(
        &self,
        actor: &Actor,
        resource: Resource,
        mut held: Option<Held>,
    ) -> Option<Standing> {
        let (subject, held) = self.who_holds(actor, &mut held)?;
        Some(match subject {
            Subject::User(id) => Standing::of_user(id, resource, *held),
            Subject::Operator => Standing::of_operator(resource, *held),
        })
    }

    /// Of what a store found, what counts now; `None` where nothing is open to them.
    fn who_holds<'a>(
        &self,
        actor: &Actor,
        held: &'a mut Option<Held>,
    ) -> Option<(Subject, &'a Held)> {
        let held = held.as_mut()?;
        match actor {
            // An identity that is missing is nobody's (M6).
            Actor::User { id, .. } if id.is_nobody() => None,
            // Nothing is open to an outsider (M1), and the lists that begin here must not ask further.
            Actor::User { id, .. } => {
                held.keep_what_counts(|| self.now());
                held.organization_role?;
                Some((Subject::User(*id), held))
            }
            Actor::Operator(_) => Some((Subject::Operator, held)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_on;
    use crate::event::Event;
    use crate::id::{OrganizationId, UserId};
    use crate::role::OrganizationRole;
    use crate::store::memory::tests::{Acme, joined};
    use crate::store::{MemoryRepository, Outcome};

    type Stores = WithReplica<MemoryRepository, MemoryRepository>;

    /// Acme in a primary, which Bob joins as an Admin (version 2) and stays in as a Member (version 3), and
    /// a replica that has seen it up to a version.
    fn lagging(version: usize) -> (Tenancy<Stores>, Acme, Actor) {
        let (acme, bob) = (Acme::new(), UserId::new());
        acme.happens([joined(bob, OrganizationRole::Admin)]);
        acme.happens([Event::OrganizationRoleChanged {
            user: bob,
            from: OrganizationRole::Admin,
            to: OrganizationRole::Member,
        }]);
        let store = WithReplica {
            primary: acme.store.clone(),
            replica: MemoryRepository::new(),
        };
        for commit in acme.history.borrow().iter().take(version) {
            let outcome = block_on(store.replica.commit(commit));
            assert_eq!(outcome, Ok(Outcome::Committed));
        }
        (Tenancy::new(store), acme, Actor::unverified(bob))
    }

    fn token(organization: OrganizationId, version: u64) -> ConsistencyToken {
        ConsistencyToken {
            organization,
            version: Version::new(version),
        }
    }

    /// The version that answers.
    fn answers(
        (tenancy, acme, bob): &(Tenancy<Stores>, Acme, Actor),
        seen: Option<ConsistencyToken>,
    ) -> Option<u64> {
        let standing = block_on(tenancy.standing_at_least(bob, acme.id, seen)).unwrap();
        standing.map(|standing| standing.version().get())
    }

    #[test]
    fn without_a_token_the_replica_answers() {
        let at_two = lagging(2);
        assert_eq!(answers(&at_two, None), Some(2));
        let (tenancy, acme, bob) = &at_two;
        let standing = block_on(tenancy.standing(bob, acme.id)).unwrap().unwrap();
        let role = standing.held().organization_role;
        assert_eq!(role, Some(OrganizationRole::Admin));
    }

    #[test]
    fn a_replica_that_has_seen_the_token_answers() {
        let at_two = lagging(2);
        let acme = at_two.1.id;
        assert_eq!(answers(&at_two, Some(token(acme, 1))), Some(2));
        assert_eq!(answers(&at_two, Some(token(acme, 2))), Some(2));
    }

    #[test]
    fn a_replica_that_lags_is_not_believed() {
        let at_two = lagging(2);
        let seen = token(at_two.1.id, 3);
        assert_eq!(answers(&at_two, Some(seen)), Some(3));
    }

    #[test]
    fn a_replica_that_does_not_know_the_organization_is_not_believed() {
        let empty = lagging(0);
        assert_eq!(answers(&empty, Some(token(empty.1.id, 1))), Some(3));
        assert_eq!(answers(&empty, None), None);
    }

    #[test]
    fn a_token_of_another_organization_says_nothing() {
        let at_two = lagging(2);
        let elsewhere = token(OrganizationId::new(), 1);
        assert_eq!(answers(&at_two, Some(elsewhere)), Some(3));
    }

    #[test]
    fn a_primary_that_has_not_seen_the_token_says_so() {
        let (tenancy, acme, bob) = lagging(3);
        let seen = Some(token(acme.id, 99));
        let error = block_on(tenancy.standing_at_least(&bob, acme.id, seen)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the store is at version 3, but version 99 was seen before"
        );
        assert_eq!((error.http_status(), error.is_retryable()), (503, true));
    }
}
