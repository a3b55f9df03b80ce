use serde::Serialize;

use crate::actor::Actor;
use crate::command::{Answer, Command, Scene, path};
use crate::event::Event;
use crate::id::{CommitId, OrganizationId};
use crate::limits::{LimitUsage, Limits, Usage};
use crate::policy::OrganizationAction;
use crate::refusal::Refusal;
use crate::store::Key;

impl<F> Answer<F> for Usage {
    fn read(_: OrganizationId, events: &[Event], _: Option<&F>) -> Option<Self> {
        events.iter().find_map(|event| match event {
            Event::LimitsSet {
                from: _,
                to,
                seats,
                reserved,
                domains,
                workspaces,
                workspace_quota,
            } => Some(Self {
                seats: LimitUsage {
                    used: *seats,
                    reserved: *reserved,
                    limit: to.seats,
                },
                workspaces: LimitUsage {
                    used: *workspaces,
                    reserved: 0,
                    limit: Some(*workspace_quota),
                },
                domains: LimitUsage {
                    used: *domains,
                    reserved: 0,
                    limit: to.domains,
                },
            }),
            _ => None,
        })
    }
}

/// Sets how much an organization may hold: seats, domains in all and per workspace, and on request workspaces
/// (Q2). Operators only.
///
/// It sets all limits at once, as a plan does: [`Limits`] that you take from the plan, not from what was before.
/// Lowering one below what there is always succeeds and removes nothing: only creation is refused until there is
/// less (Q1). The answer says by how much the organization is over; of the limit per workspace,
/// [`Tenancy::workspace_usage`](crate::Tenancy::workspace_usage) says it for each.
///
/// A payment provider repeats its web hooks. Carried out under the id of the provider's event
/// ([`Tenancy::execute_as`](crate::Tenancy::execute_as), [`CommitId::from_event`]), each sets the limits once; a late
/// repetition of an older one changes nothing, and its answer is that of the first time: for today's numbers ask
/// [`Tenancy::usage`](crate::Tenancy::usage).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or a user who may not view it asks.
/// - [`Refusal::Forbidden`]: a user asks.
/// - [`Refusal::OrganizationDeleted`]: it is deleted.
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{*, commands::*, store::*};
/// # let tenancy = Tenancy::new(MemoryRepository::new());
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
/// # let staff = Actor::Operator(Operator::attest(tenancy::text::TextLine::new("billing")?));
/// let team = Limits { seats: Some(10), domains: Some(20), ..Limits::UNLIMITED };
/// let set = SetLimits { organization: acme.organization, limits: team, workspace_quota: Some(3) };
/// let event = CommitId::from_event("payments", "evt_7/limits");
/// let usage = tenancy.execute_as(event, &staff, set.clone()).await?.output;
/// assert_eq!((usage.seats.used, usage.seats.remaining(), usage.seats.over_by()), (1, Some(9), 0));
///
/// // The provider sends it again: nothing happens twice.
/// let again = tenancy.execute_as(event, &staff, set).await?;
/// assert_eq!((again.output, again.token.version.get()), (usage, 2));
///
/// // The page before the click.
/// let seats = tenancy.usage(&ann, acme.organization).await?.seats;
/// let page = format!("{} of {} seats, {} reserved", seats.used, seats.limit.unwrap_or(u32::MAX), seats.reserved);
/// assert_eq!(page, "1 of 10 seats, 0 reserved");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetLimits {
    /// The organization whose limits are set.
    pub organization: OrganizationId,
    /// All of its limits but the workspace quota. `None` in one of them is unlimited, 0 is none.
    pub limits: Limits,
    /// The workspace quota, too, in the same commit (W2); `None` leaves it as it is. By itself it has a command of
    /// its own, [`SetWorkspaceQuota`](crate::commands::SetWorkspaceQuota).
    pub workspace_quota: Option<u32>,
}

impl Command for SetLimits {
    type Output = Usage;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let organization = scene.require(self.organization, OrganizationAction::SetLimits)?;
        let usage = organization.usage(scene.settings.seat_roles);
        // On the record even if they stay as they are: the vendor confirmed them.
        let quota = self.workspace_quota.map(|to| Event::WorkspaceQuotaSet {
            from: organization.workspace_quota,
            to,
            workspaces: usage.workspaces.used,
        });
        let limits = Event::LimitsSet {
            from: organization.limits,
            to: self.limits,
            seats: usage.seats.used,
            reserved: usage.seats.reserved,
            domains: usage.domains.used,
            workspaces: usage.workspaces.used,
            workspace_quota: self.workspace_quota.unwrap_or(organization.workspace_quota),
        };
        Ok(quota.into_iter().chain([limits]).collect())
    }
}
