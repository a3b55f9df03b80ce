//! Commands: one struct a use case, and the pure function that decides on them.
//!
//! A command is a recipe in four lines:
//!
//! 1. **What does it need to know?** [`Command::keys`] names it, so that one round trip fetches it.
//! 2. **May the actor?** Every command authorizes itself, before it says anything that it could leak.
//! 3. **Do the rules allow it?** The nouns say: the quota, the last Admin, emptiness.
//! 4. **What happens?** It answers with [`Event`]s; [`decide`] turns them into a [`Commit`].
//!
//! Nothing here does I/O, reads a clock or draws randomness. What a command needs of those comes in as
//! values: the facts, the time, [`Fresh`] ids. The same values give the same decision, always.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::actor::Actor;
use crate::event::Event;
use crate::id::{CommitId, DomainId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::limits::Limit;
use crate::organization::{Counts, Organization};
use crate::policy::{Action, OrganizationAction};
use crate::random::EntropyError;
use crate::refusal::Refusal;
use crate::request::RequestDigest;
use crate::resource::Resource;
use crate::settings::Settings;
use crate::standing::{Decision, Seen, Standing, Subject};
use crate::state::OrganizationState;
use crate::store::Key;
use crate::text::VerifiedEmail;
use crate::token::{InvitationSecret, LinkKey};

/// A use case: `CreateWorkspace`, `AcceptInvitation`, `RemoveMember`. Hand it to
/// [`Tenancy::execute`](crate::Tenancy::execute).
///
/// Sealed: the invariants hold because these are all the ways to change an organization.
pub trait Command: sealed::Sealed + Serialize + Send + Sync + 'static {
    /// What it answers when it succeeds.
    type Output: Answer<Self::Fresh>;
    /// What it needs of the world's randomness.
    type Fresh: Fresh;
    /// Its name in the log and in traces, stable for ever.
    const NAME: &'static str = <Self as sealed::Sealed>::LOGGED_AS;
    /// Whether what it does depends on the actor's verified address, which is part of the request then.
    const READS_EMAIL: bool = false;

    /// The organization that it changes.
    fn organization(&self, commit: CommitId) -> OrganizationId;

    /// What it needs to know.
    fn keys(&self, actor: &Actor) -> Vec<Key>;

    /// What happens, in order. No events: everything already is as it was asked to be.
    ///
    /// # Errors
    ///
    /// The rule that says no. Each command's documentation lists its own.
    fn decide(&self, scene: &Scene<'_>, fresh: &Self::Fresh) -> Result<Vec<Event>, Refusal>;

    /// The digest of this request of this actor: what makes a repetition a repetition (A6).
    fn request(&self, commit: CommitId, actor: &Actor) -> Option<RequestDigest> {
        let email = actor.verified_email().filter(|_| Self::READS_EMAIL);
        RequestDigest::of(
            Self::NAME,
            self,
            self.organization(commit),
            &actor.author(),
            email.map(VerifiedEmail::address),
        )
    }
}

/// What a command answers: read off what happened, now or when the same request was made before.
pub trait Answer<F>: Sized + Send {
    /// The answer; `None` if what happened is not what such a command does. `fresh` is there unless the
    /// commit was made before and this is a repetition.
    fn read(organization: OrganizationId, events: &[Event], fresh: Option<&F>) -> Option<Self>;
}

/// Nothing to tell but that it is done.
impl<F> Answer<F> for () {
    fn read(_: OrganizationId, _: &[Event], _: Option<&F>) -> Option<Self> {
        Some(())
    }
}

pub(crate) mod sealed {
    pub trait Sealed {
        const LOGGED_AS: &'static str;
    }
}

/// What a command may look at.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Who asks.
    pub(crate) actor: &'a Actor,
    /// The records that the command's keys brought.
    pub(crate) state: &'a OrganizationState,
    /// When, in whole milliseconds.
    pub(crate) now: DateTime<Utc>,
    /// The host's choices.
    pub(crate) settings: &'a Settings,
}

/// What a command draws from the world before it decides: ids of new things, an invitation's secret.
/// Drawn once; a decision that has to be made again, because somebody else was first, uses the same.
pub trait Fresh: Sized + Send + Sync {
    /// Draws it.
    ///
    /// # Errors
    ///
    /// [`EntropyError`]: the operating system gave no randomness.
    fn draw(from: Drawing<'_>) -> Result<Self, EntropyError>;
}

/// What is drawn from, beside the operating system's random numbers.
#[derive(Clone, Copy, Debug)]
pub struct Drawing<'a> {
    /// The id that the commit will have.
    pub commit: CommitId,
    /// The key that links are made with; `None` if their secrets are random ([`LinkKey`]).
    pub link_key: Option<&'a LinkKey>,
}

impl Drawing<'_> {
    fn secret(self) -> Result<InvitationSecret, EntropyError> {
        match self.link_key {
            Some(key) => Ok(key.secret(self.commit)),
            None => InvitationSecret::generate(),
        }
    }
}

impl Fresh for () {
    fn draw(_: Drawing<'_>) -> Result<Self, EntropyError> {
        Ok(())
    }
}

impl Fresh for WorkspaceId {
    fn draw(_: Drawing<'_>) -> Result<Self, EntropyError> {
        Self::try_new()
    }
}

impl Fresh for DomainId {
    fn draw(_: Drawing<'_>) -> Result<Self, EntropyError> {
        Self::try_new()
    }
}

impl Fresh for InvitationSecret {
    fn draw(from: Drawing<'_>) -> Result<Self, EntropyError> {
        from.secret()
    }
}

impl Fresh for (InvitationId, InvitationSecret) {
    fn draw(from: Drawing<'_>) -> Result<Self, EntropyError> {
        Ok((InvitationId::try_new()?, from.secret()?))
    }
}

/// Who asks, when, under which id: the circumstances of a decision.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Who asks.
    pub actor: &'a Actor,
    /// The id that the commit will have.
    pub commit: CommitId,
    /// When. Cut to whole milliseconds.
    pub now: DateTime<Utc>,
    /// The host's choices.
    pub settings: &'a Settings,
}

/// Q1, Q3: asked here, of every commit, so that nobody takes a seat by a way that forgets to ask. `before` are the
/// counts that the events began with; `None` of an organization that they create, which is born with its founder.
///
/// Who comes in, is invited or rises asks, if more is taken and reserved than before: who accepts takes what was
/// reserved for them. A demotion asks nothing, even to a role that needs a seat where the one before needed none:
/// no limit stands in the way of taking power away.
pub(crate) fn seats_are_left(
    before: Option<Counts>,
    after: &Organization,
    events: &[Event],
    settings: &Settings,
) -> Result<(), Refusal> {
    let (Some(before), Some(limit)) = (before, after.limits.seats) else {
        return Ok(());
    };
    let asks = |event: &Event| match event {
        Event::MemberJoined { .. }
        | Event::InvitationSent { .. }
        | Event::InvitationRenewed { .. } => true,
        Event::OrganizationRoleChanged { from, to, .. } => from < to,
        _ => false,
    };
    let seats = |counts: Counts| counts.seats(settings.seat_roles, after.limits);
    let (before, after) = (seats(before), seats(after.counts));
    if after.taken() > limit && after.taken() > before.taken() && events.iter().any(asks) {
        return Err(Refusal::LimitReached {
            of: Limit::Seats,
            limit,
            used: before.used,
            reserved: before.reserved,
        });
    }
    Ok(())
}

/// A time as every store keeps it: in whole milliseconds since 1970, in which a leap second is the next one.
pub(crate) fn whole_milliseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time.timestamp_millis()).unwrap_or(time)
}

impl<'a> Scene<'a> {
    /// The organization, if it exists and the actor is allowed `action` on the resource.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: there is no such resource, or the actor may not view it.
    /// - [`Refusal::Forbidden`]: the actor may view it, but not do that.
    /// - [`Refusal::OrganizationDeleted`]: an operator wants to change a deleted organization.
    /// - [`Refusal::OrganizationSuspended`]: a user wants to change a suspended organization.
    pub(crate) fn require<A: Action>(
        &self,
        on: A::On,
        action: A,
    ) -> Result<&'a Organization, Refusal> {
        let resource = on.into();
        let organization = self.state.organization();
        let organization = organization.ok_or(Refusal::NotFound { resource })?;
        let decision = self.decide(resource, action);
        let granted = decision.granted(action, resource);
        granted.map_err(|no| self.told(no))?;
        Ok(organization)
    }

    /// May they?
    fn decide<A: Action>(&self, resource: Resource, action: A) -> Decision {
        let user = self.actor.user_id();
        let Some(mut held) = self.state.held(user.unwrap_or(NOBODY), resource) else {
            return Decision::Hidden;
        };
        held.keep_what_counts(|| self.now);
        let subject = user.map_or(Subject::Operator, Subject::User);
        Seen::of(&held, subject).decide(action)
    }

    /// The same refusal, with the reason of a suspension for whoever may view the organization (T4).
    pub(crate) fn told(&self, refusal: Refusal) -> Refusal {
        match refusal {
            Refusal::OrganizationSuspended { .. } => {
                let on = Resource::Organization(self.state.id());
                let belongs = self.decide(on, OrganizationAction::View).is_allowed();
                let organization = self.state.organization().filter(|_| belongs);
                Refusal::OrganizationSuspended {
                    reason: organization.and_then(|organization| organization.suspension.clone()),
                }
            }
            refusal => refusal,
        }
    }

    /// T4: whether anything that needs no role goes on.
    ///
    /// # Errors
    ///
    /// [`Refusal::OrganizationSuspended`]: a user wants to change a suspended organization.
    pub(crate) fn changes_go_on(&self) -> Result<(), Refusal> {
        let organization = self.state.organization();
        if self.actor.user_id().is_some() && organization.is_some_and(Organization::is_suspended) {
            return Err(self.told(Refusal::OrganizationSuspended { reason: None }));
        }
        Ok(())
    }

    /// The actor's verified address.
    ///
    /// # Errors
    ///
    /// [`Refusal::EmailUnverified`]: they have none.
    pub(crate) fn verified_email(&self) -> Result<&'a VerifiedEmail, Refusal> {
        self.actor.verified_email().ok_or(Refusal::EmailUnverified)
    }

    /// What the actor holds at a resource.
    pub(crate) fn standing(&self, resource: Resource) -> Option<Standing> {
        if let Some(user) = self.actor.user_id() {
            return self.state.standing(user, resource, self.now);
        }
        let held = self.state.held(NOBODY, resource)?;
        Some(Standing::of_operator(resource, held))
    }

    /// The user who asks.
    ///
    /// # Errors
    ///
    /// [`Refusal::UserRequired`]: an operator asks.
    pub(crate) fn user(&self) -> Result<UserId, Refusal> {
        self.actor.user_id().ok_or(Refusal::UserRequired)
    }
}

/// Whose roles are looked up for an operator, who has none.
pub(crate) const NOBODY: UserId = UserId::from_uuid(uuid::Uuid::nil());

/// The key for what the actor holds at a resource.
pub(crate) fn path(actor: &Actor, resource: impl Into<Resource>) -> Key {
    Key::Path(actor.user_id().unwrap_or(NOBODY), resource.into())
}
