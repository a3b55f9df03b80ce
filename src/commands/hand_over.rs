//! Handing an organization over (O7).

use serde::Serialize;

use super::member::{
    Departure, another_admin_remains_without, counts, departure, member, own, role_changed,
};
use super::revoked;
use super::role::organization_role;
use crate::actor::Actor;
use crate::command::{Answer, Command, Scene, path};
use crate::event::Event;
use crate::id::{CommitId, InvitationId, OrganizationId, UserId};
use crate::member::Term;
use crate::own_role::{Holding, Role};
use crate::policy::OrganizationAction;
use crate::refusal::Refusal;
use crate::role::OrganizationRole;
use crate::store::Key;

/// Hands an organization over: makes a member Admin, and takes another role oneself or leaves, in one commit (O7).
///
/// Taking a lower role revokes what a demotion revokes
/// ([`ChangeOrganizationRole`](crate::commands::ChangeOrganizationRole)); leaving takes all that a departure takes
/// ([`LeaveOrganization`](crate::commands::LeaveOrganization)).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::HandedToOneself`]: the actor names themself.
/// - [`Refusal::MemberNotFound`]: the other user is not a member; invite them first.
/// - [`Refusal::MembershipSuspended`], [`Refusal::MembershipEnded`]: the other user's roles don't count.
/// - [`Refusal::LimitReached`]: the other user's role needs no seat, that of an Admin does, and none is left (Q4).
/// - [`Refusal::RoleNotFound`], [`Refusal::RoleIsRetired`]: the role of the organization's own isn't one to keep.
/// - [`Refusal::LastAdmin`]: the other user's membership is bound to end, and no other Admin lasts (T2).
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
/// # let invite = InviteToOrganization { organization, email: "bob@acme.example".parse()?, role: OrganizationRole::Member };
/// # let token = tenancy.execute(&ann, invite).await?.output.token.expect("the link");
/// # tenancy.execute(&bob, AcceptInvitation { token }).await?;
/// // Ann is the only Admin. She makes Bob one, and keeps the books.
/// let to = UserId::from_external("bob");
/// let keep = Some(OrganizationRole::Accounting.into());
/// tenancy.execute(&ann, HandOver { organization, to, keep }).await?;
/// assert!(tenancy.check(&bob, organization, OrganizationAction::Invite).await?.is_allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HandOver {
    /// The organization to hand over.
    pub organization: OrganizationId,
    /// The member who becomes Admin.
    pub to: UserId,
    /// The role that the actor keeps, an [`OrganizationRole`] as `.into()` or one of the organization's own (R6);
    /// `None`: they leave.
    pub keep: Option<Role<OrganizationRole>>,
}

/// What went with handing over ([`HandOver`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HandedOver {
    /// All that went with who handed over, if they left.
    pub departure: Option<Departure>,
    /// The open invitations that were revoked, those of the departure included.
    pub revoked: Vec<InvitationId>,
}

impl<F> Answer<F> for HandedOver {
    fn read(organization: OrganizationId, events: &[Event], fresh: Option<&F>) -> Option<Self> {
        Some(Self {
            departure: Departure::read(organization, events, fresh),
            revoked: revoked(events),
        })
    }
}

impl Command for HandOver {
    type Output = HandedOver;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        let others = own(actor).flat_map(|user| [Key::Person(user), Key::SentBy(user)]);
        [
            path(actor, self.organization),
            Key::Path(self.to, self.organization.into()),
        ]
        .into_iter()
        .chain(others)
        .collect()
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(self.organization, OrganizationAction::ManageRoles)?;
        let before = member(scene, scene.user()?)?;
        if self.to == before.user {
            return Err(Refusal::HandedToOneself);
        }
        let heir = member(scene, self.to)?;
        counts(scene, heir)?;
        let keep = self.keep.map(|role| organization_role(scene, role));
        let keep = keep.transpose()?;
        let stays_admin = keep == Some(built_in(OrganizationRole::Admin));
        if heir.term() != Term::Open && !stays_admin {
            another_admin_remains_without(scene, before)?;
        }
        let mut events = Vec::new();
        if heir.role != OrganizationRole::Admin {
            events.extend(role_changed(scene, heir, built_in(OrganizationRole::Admin)));
        }
        match keep {
            Some(_) if stays_admin => {}
            Some(kept) => events.extend(role_changed(scene, before, kept)),
            None => {
                let last = Event::MemberLeft {
                    user: before.user,
                    role: before.role,
                };
                events.extend(departure(scene, before, last));
            }
        }
        Ok(events)
    }
}

const fn built_in(base: OrganizationRole) -> Holding<OrganizationRole> {
    Holding { base, own: None }
}
