//! Checks: may they?

use std::collections::HashMap;

use super::Tenancy;
use crate::actor::Actor;
use crate::command::NOBODY;
use crate::error::Error;
use crate::policy::Action;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::standing::{Decision, Held, Permit, Standing};
use crate::store::{Repository, WithReplica};
use crate::version::{ConsistencyToken, Version};

impl<R: Repository> Tenancy<R> {
    /// What an actor holds at a resource, in one round trip; `None` if the organization doesn't exist, or
    /// if a user is no member of it: which of the two is not told (A2). Ask it as many questions as you
    /// like: they cost nanoseconds.
    ///
    /// Show users the decision, not the [`Standing`]: what it holds reveals whether a hidden workspace or
    /// domain exists.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::unverified(UserId::from_external("ann"));
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
        Ok(standing_of(actor, resource, held.map_err(Error::Store)?))
    }

    /// May they? One round trip.
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
        let work = async {
            let standing = self.standing(actor, on).await?;
            Ok(standing.map_or(Decision::Hidden, |standing| standing.decide(action)))
        };
        #[cfg(feature = "tracing")]
        return super::trace::check(action.phrase(), on.into(), work).await;
        #[cfg(not(feature = "tracing"))]
        work.await
    }

    /// Checks several actions: one answer for each question, in order, and one round trip for each distinct
    /// resource.
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

    /// A [`Permit`] if they may, for host functions that want proof of a check in their signature.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the resource doesn't exist, or they may not see it.
    /// - [`Refusal::Forbidden`]: they may see it, but not do that.
    /// - [`Error::Store`]: the store failed.
    pub async fn require<A: Action>(
        &self,
        actor: &Actor,
        on: A::On,
        action: A,
    ) -> Result<Permit<A>, Error<R::Error>> {
        match self.standing(actor, on).await? {
            Some(standing) => Ok(standing.require(action)?),
            None => Err(Refusal::NotFound {
                resource: on.into(),
            }
            .into()),
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
        let its = seen.filter(|seen| seen.organization == resource.organization());
        if seen.is_none() || its.is_some() {
            let held = replica.standing(user, resource).await;
            let held = held.map_err(Error::Store)?;
            let version = held.map(|held| held.version);
            if its.is_none_or(|seen| version >= Some(seen.version)) {
                return Ok(standing_of(actor, resource, held));
            }
        }
        let held = primary.standing(user, resource).await;
        let held = held.map_err(Error::Store)?;
        let found = held.map_or(Version::ABSENT, |held| held.version);
        match its {
            Some(seen) if found < seen.version => Err(Error::Behind {
                seen: seen.version,
                found,
            }),
            _ => Ok(standing_of(actor, resource, held)),
        }
    }
}

/// What a store found, as the actor's standing.
fn standing_of(actor: &Actor, resource: Resource, held: Option<Held>) -> Option<Standing> {
    let held = held?;
    match actor {
        // Nothing is open to an outsider (M1), and the lists that begin here must not ask further. An
        // identity that is missing is nobody's (M6).
        Actor::User { id, .. } => held
            .organization_role
            .filter(|_| !id.is_nobody())
            .map(|_| Standing::of_user(*id, resource, held)),
        Actor::Operator(_) => Some(Standing::of_operator(resource, held)),
    }
}
