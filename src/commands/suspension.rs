//! Suspension: of a member, by Admins (T1); of a whole organization, by operators (T4).

use serde::Serialize;

use super::member::{Revoked, another_admin_remains_without, member};
use crate::actor::Actor;
use crate::command::{Command, Scene, path};
use crate::event::{Event, RevocationReason};
use crate::id::{CommitId, OrganizationId, UserId};
use crate::policy::OrganizationAction;
use crate::refusal::Refusal;
use crate::store::Key;
use crate::text::TextLine;

/// Suspends a member: all that they hold in the organization is kept, and none of it counts (T1).
///
/// The open invitations that they sent are revoked in the same commit (I6); the answer lists them. A suspended
/// member is hidden from the organization and all that is in it, for every check, list and command. They stay
/// listed among its [members](crate::Tenancy::members), and it among their
/// [organizations](crate::Tenancy::organizations), as suspended; they may leave. An invitation doesn't let them
/// back in: only [`ReinstateMember`] does. Suspending who is suspended changes nothing.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::MemberNotFound`]: the user is not a member.
/// - [`Refusal::LastAdmin`]: it would leave the organization without an Admin who lasts (T2).
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{commands::*, store::*, *};
/// # let tenancy = Tenancy::new(MemoryRepository::new());
/// # let person = |name: &str| {
/// #     let email = format!("{name}@acme.example").parse()?;
/// #     Ok::<_, text::EmailError>(Actor::user(UserId::from_external(name), VerifiedEmail::attest(email)))
/// # };
/// # let (ann, bob) = (person("ann")?, person("bob")?);
/// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
/// # let organization = acme.organization;
/// # let invite = InviteToOrganization { organization, email: "bob@acme.example".parse()?, role: OrganizationRole::Admin };
/// # let token = tenancy.execute(&ann, invite).await?.output.token.expect("the link");
/// # tenancy.execute(&bob, AcceptInvitation { token }).await?;
/// let user = UserId::from_external("bob"); // an Admin, until now
/// let revoked = tenancy.execute(&ann, SuspendMember { organization, user }).await?.output;
/// println!("{} invitations of his are revoked", revoked.invitations.len());
/// let may = tenancy.check(&bob, organization, OrganizationAction::View).await?;
/// assert_eq!(may, Decision::Hidden);
///
/// tenancy.execute(&ann, ReinstateMember { organization, user }).await?;
/// let may = tenancy.check(&bob, organization, OrganizationAction::Rename).await?;
/// assert_eq!(may.to_string(), "allowed as organization Admin");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SuspendMember {
    /// The organization in which they are suspended.
    pub organization: OrganizationId,
    /// The member to suspend.
    pub user: UserId,
}

impl Command for SuspendMember {
    type Output = Revoked;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, self.organization),
            Key::Path(self.user, self.organization.into()),
            Key::SentBy(self.user),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(self.organization, OrganizationAction::SuspendMember)?;
        let member = member(scene, self.user)?;
        if member.suspended {
            return Ok(Vec::new());
        }
        another_admin_remains_without(scene, member)?;
        let mut events = vec![Event::MemberSuspended { user: member.user }];
        events.extend(all_sent_by(scene, member.user));
        Ok(events)
    }
}

/// I6: all that somebody sent, once nothing that they hold counts.
pub(super) fn all_sent_by(scene: &Scene<'_>, user: UserId) -> impl Iterator<Item = Event> {
    let sent = scene.state.open_invitations_by(user);
    sent.map(|invitation| Event::InvitationRevoked {
        invitation: invitation.id,
        reason: RevocationReason::InviterLostAuthority,
    })
}

/// Reinstates a suspended member: what was kept counts again, as far as it hasn't ended (T1, T3). What they had
/// sent stays revoked. Reinstating who isn't suspended changes nothing.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::MemberNotFound`]: the user is not a member.
///
/// ```
/// # use tenancy::{*, commands::*, store::*};
/// # async fn back(tenancy: Tenancy<MemoryRepository>, ann: Actor, organization: OrganizationId, user: UserId)
/// # -> Result<(), Error<BrokenContract>> {
/// let done = tenancy.execute(&ann, ReinstateMember { organization, user }).await?;
/// println!("{}", if done.changed() { "welcome back" } else { "they were not suspended" });
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReinstateMember {
    /// The organization in which they are suspended.
    pub organization: OrganizationId,
    /// The member to reinstate.
    pub user: UserId,
}

impl Command for ReinstateMember {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, self.organization),
            Key::Path(self.user, self.organization.into()),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(self.organization, OrganizationAction::SuspendMember)?;
        let member = member(scene, self.user)?;
        let reinstated = member
            .suspended
            .then_some(Event::MemberReinstated { user: member.user });
        Ok(reinstated.into_iter().collect())
    }
}

/// Suspends an organization, with a reason that its people are shown (T4). Operators only.
///
/// Everybody sees what they saw, and whoever may edit invoicing (its Admins and Accounting) may settle it; nobody
/// else changes anything until [`ReinstateOrganization`], not by leaving and not by answering an invitation either.
/// Operators go on. Suspending it again gives another reason. It is on the record even if nothing changes, so that
/// under the id of a web hook's event ([`CommitId::from_event`]) a late repetition doesn't suspend what was reinstated
/// since.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or a user who may not view it asks.
/// - [`Refusal::Forbidden`]: a user asks.
/// - [`Refusal::OrganizationDeleted`]: it is deleted.
///
/// ```
/// # tenancy::block_on(async {
/// use tenancy::text::TextLine;
/// # use tenancy::{commands::*, store::*, *};
/// # let tenancy = Tenancy::new(MemoryRepository::new());
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
/// # let organization = acme.organization;
/// let jo = Actor::Operator(Operator::attest(TextLine::new("support: Jo")?));
/// let reason = TextLine::new("invoice 4711 is overdue")?;
/// tenancy.execute(&jo, SuspendOrganization { organization, reason }).await?;
///
/// let rename = RenameOrganization { organization, name: Name::new("Acme 2")? };
/// let refusal = tenancy.execute(&ann, rename).await.unwrap_err();
/// assert_eq!(
///     refusal.to_string(),
///     "the organization is suspended (invoice 4711 is overdue): its Admins and Accounting may settle its invoicing, or ask the vendor to reinstate it"
/// );
/// assert!(tenancy.check(&ann, organization, OrganizationAction::EditInvoicing).await?.is_allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SuspendOrganization {
    /// The organization to suspend.
    pub organization: OrganizationId,
    /// Why, for its people to read.
    pub reason: TextLine,
}

impl Command for SuspendOrganization {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        // On the record even if it is suspended for that reason already, so that its repetition is recognised (A6).
        scene.require(self.organization, OrganizationAction::Suspend)?;
        Ok(vec![Event::OrganizationSuspended {
            reason: self.reason.clone(),
        }])
    }
}

/// Reinstates a suspended organization: everybody may do again what they might (T4). Operators only. It is on
/// the record even if the organization isn't suspended, so that under the id of a web hook's event
/// ([`CommitId::from_event`]) a late repetition doesn't reinstate what was suspended since.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or a user who may not view it asks.
/// - [`Refusal::Forbidden`]: a user asks.
/// - [`Refusal::OrganizationDeleted`]: it is deleted.
///
/// ```
/// # use tenancy::{*, commands::*, store::*};
/// # async fn paid(tenancy: Tenancy<MemoryRepository>, jo: Actor, organization: OrganizationId)
/// # -> Result<(), Error<BrokenContract>> {
/// tenancy.execute(&jo, ReinstateOrganization { organization }).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReinstateOrganization {
    /// The organization to reinstate.
    pub organization: OrganizationId,
}

impl Command for ReinstateOrganization {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        // On the record even if it isn't suspended, so that its repetition is recognised (A6).
        scene.require(self.organization, OrganizationAction::Suspend)?;
        Ok(vec![Event::OrganizationReinstated {}])
    }
}
