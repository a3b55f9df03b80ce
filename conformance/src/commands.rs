//! Random commands: what people and the vendor's staff might ask, allowed or not.

use core::future::Future;

use chrono::{DateTime, Utc};
use tenancy::commands::{
    AcceptInvitation, AcceptReceivedInvitation, AppointAdmin, ChangeOrganizationRole, Command,
    CreateDomain, CreateOrganization, CreateWorkspace, CreatedOrganization, DeactivateDomain,
    DeclineInvitation, DeclineReceivedInvitation, DefineRole, DeleteDomain, DeleteOrganization,
    DeleteRole, DeleteWorkspace, EditCompany, EditContract, EditInvoicing, EditWorkspaceInvoicing,
    FollowEmailChange, GiveWorkspaceRole, HandOver, InviteMany, InviteToOrganization,
    InviteToWorkspace, Invited, LeaveOrganization, LeaveWorkspace, MoveDomain, ReactivateDomain,
    ReinstateMember, ReinstateOrganization, ReleaseDomainName, RemoveMember, RenameOrganization,
    RenameWorkspace, ResendInvitation, RestoreRole, RetireRole, ReviseRole, RevokeInvitation,
    SetLimits, SetMembershipEnd, SetWorkspaceQuota, SetWorkspaceRoleEnd, SuspendMember,
    SuspendOrganization, TakeWorkspaceRole,
};
use tenancy::text::TextLine;
use tenancy::token::InvitationSecret;
use tenancy::{
    Actor, CompanyInformation, DomainAction, DomainId, DomainKind, DomainName, EmailAddress,
    Grants, InvitationId, InvitationOffer, InvitationToken, InvoicingInformation, Limits, Name,
    Operator, OrganizationAction, OrganizationId, OrganizationRole, Role, RoleBase, RoleNumber,
    UserId, VerifiedEmail, WorkspaceAction, WorkspaceId, WorkspaceRole,
};

use crate::random::Random;
use crate::report::Failure;
use crate::world::{company, invoicing};

/// Carries commands out, or decides on them: whoever wants random ones.
pub(crate) trait Carrier: Send {
    /// The output; `None` if a rule said no.
    fn carry<C: Command + Clone>(
        &mut self,
        actor: &Actor,
        command: C,
    ) -> impl Future<Output = Result<Option<C::Output>, Failure>> + Send;
}

/// What is there to act upon, as far as one asker knows, whether it is still there or not.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    people: Vec<(UserId, EmailAddress)>,
    organizations: Vec<OrganizationId>,
    workspaces: Vec<(OrganizationId, WorkspaceId)>,
    domains: Vec<(OrganizationId, DomainId)>,
    invitations: Vec<(OrganizationId, InvitationId)>,
    links: Vec<(InvitationToken, EmailAddress)>,
    roles: Vec<(OrganizationId, RoleNumber)>,
}

/// Who asks, and for what.
struct Choice {
    asker: Actor,
    operator: Actor,
    /// Whoever follows the link.
    reader: Actor,
    /// The user, with another address.
    mover: Actor,
    organization: OrganizationId,
    workspace: WorkspaceId,
    domain: DomainId,
    invitation: InvitationId,
    token: InvitationToken,
    user: UserId,
    /// The user's address.
    email: EmailAddress,
    name: Name,
    label: DomainName,
    role: Role<OrganizationRole>,
    workspace_role: Role<WorkspaceRole>,
    own: RoleNumber,
    base: RoleBase,
    adds: Grants,
    kind: DomainKind,
    company: Option<CompanyInformation>,
    invoicing: Option<InvoicingInformation>,
    contract: Option<TextLine>,
    limits: Limits,
    /// Several addresses, as they were typed.
    emails: Vec<String>,
    /// None, one that has passed, or one that has not.
    until: Option<DateTime<Utc>>,
    reason: TextLine,
}

/// One of these commands, asked by whoever is named before it, as often among all of them as its number says; and
/// what is known of it afterwards, if it was carried out.
macro_rules! one_of {
    (($random:expr, $carrier:expr) $(
        $times:literal $asker:ident $command:ident { $($field:ident $(: $value:expr)?),* } $(=> $then:expr)?;
    )+) => {
        const ALL: usize = 0 $(+ $times)+;
        let mut turn = $random.below(ALL);
        let mut is_its_turn = |times: usize| {
            let is = turn < times;
            turn = turn.saturating_sub(times);
            is
        };
        $(if is_its_turn($times) {
            let command = $command { $($field $(: $value)?),* };
            let output = $carrier.carry(&$asker, command).await?;
            $(let output = output.map($then);)?
            let _ = output;
            return Ok(());
        })+
    };
}

const ADDRESSES: [&str; 6] = [
    "ann@acme.example",
    "Bob@Acme.Example",
    "cy+billing@bücher.example",
    "dé@acme.example",
    "Dé@acme.example",
    "fay@acme.example",
];

const NAMES: [&str; 6] = ["Payments", "PAIEMENTS", "Straße", "李", "👩‍🚀 Lab", "Zoë"];

const LABELS: [&str; 5] = ["pay", "pay-1", "pay1", "x", "acme-prod"];

impl Known {
    /// Six people, and one of them twice over: somebody whose address is another's in other letters.
    pub(crate) fn people(random: &mut Random) -> Result<Self, Failure> {
        let mut people = Vec::new();
        for address in ADDRESSES {
            people.push((
                UserId::from_uuid(random.uuid()),
                EmailAddress::new(address)?,
            ));
        }
        Ok(Self {
            people,
            organizations: Vec::new(),
            workspaces: Vec::new(),
            domains: Vec::new(),
            invitations: Vec::new(),
            links: Vec::new(),
            roles: Vec::new(),
        })
    }

    /// An organization of the first person's, with room for workspaces. They go on from there.
    pub(crate) async fn found<C: Carrier>(&mut self, carrier: &mut C) -> Result<(), Failure> {
        let Some((ann, email)) = self.people.first().cloned() else {
            return Ok(());
        };
        let ann = Actor::user(ann, VerifiedEmail::attest(email));
        let name = Name::new("Acme")?;
        let created = carrier.carry(&ann, CreateOrganization { name }).await?;
        if let Some(created) = created {
            self.organizations.push(created.organization);
            self.workspaces
                .push((created.organization, created.workspace));
            let organization = created.organization;
            let quota = SetWorkspaceQuota {
                organization,
                quota: 4,
            };
            carrier.carry(&operator()?, quota).await?;
        }
        Ok(())
    }

    /// One random command.
    pub(crate) async fn act<C: Carrier>(
        &mut self,
        random: &mut Random,
        carrier: &mut C,
    ) -> Result<(), Failure> {
        let Some(Choice {
            asker,
            operator,
            reader,
            mover,
            organization,
            workspace,
            domain,
            invitation,
            token,
            user,
            email,
            name,
            label,
            role,
            workspace_role,
            own,
            base,
            adds,
            kind,
            company,
            invoicing,
            contract,
            limits,
            emails,
            until,
            reason,
        }) = self.choose(random)?
        else {
            return Ok(());
        };
        let verified = VerifiedEmail::attest(email.clone());
        let target = InvitationOffer::Workspace {
            workspace,
            role: workspace_role,
        };
        // Who hands over and would keep the books leaves.
        let keep = Some(role).filter(|role| *role != OrganizationRole::Accounting.into());
        one_of! { (random, carrier)
            12 asker CreateOrganization { name } => |created: CreatedOrganization| {
                self.organizations.push(created.organization);
                self.workspaces.push((created.organization, created.workspace));
            };
            6 asker RenameOrganization { organization, name };
            6 asker EditCompany { organization, company };
            6 asker EditInvoicing { organization, invoicing };
            1 asker DeleteOrganization { organization };
            11 operator SetWorkspaceQuota { organization, quota: 5 };
            8 operator SetLimits { organization, limits, workspace_quota: None };
            6 operator EditContract { organization, contract };
            6 operator AppointAdmin { organization, user, email: verified };
            12 operator ReleaseDomainName { organization, name: label };
            18 asker CreateWorkspace { organization, name } => |created| {
                self.workspaces.push((organization, created));
            };
            6 asker RenameWorkspace { organization, workspace, name };
            6 asker EditWorkspaceInvoicing { organization, workspace, invoicing };
            12 asker DeleteWorkspace { organization, workspace };
            24 asker CreateDomain { organization, workspace, name: label, kind } => |created| {
                self.domains.push((organization, created));
            };
            6 asker DeactivateDomain { organization, domain };
            6 asker ReactivateDomain { organization, domain };
            6 asker MoveDomain { organization, domain, to: workspace };
            12 asker DeleteDomain { organization, domain };
            12 asker InviteToOrganization { organization, email: email.clone(), role } => |invited| {
                self.invited(organization, email, invited);
            };
            18 asker InviteToWorkspace { organization, workspace, email: email.clone(), role: workspace_role }
                => |invited| self.invited(organization, email, invited);
            6 asker InviteMany { organization, target, emails } => |many| {
                for invited in many.lines.into_iter().flatten() {
                    self.invited(organization, invited.email.clone(), invited);
                }
            };
            6 asker ResendInvitation { organization, invitation } => |resent| {
                self.invited(organization, email, resent);
            };
            6 asker RevokeInvitation { organization, invitation };
            14 reader AcceptInvitation { token };
            4 reader DeclineInvitation { token };
            4 reader AcceptReceivedInvitation { organization, invitation };
            2 reader DeclineReceivedInvitation { organization, invitation };
            6 asker ChangeOrganizationRole { organization, user, role };
            6 asker RemoveMember { organization, user };
            3 asker LeaveOrganization { organization };
            9 asker LeaveWorkspace { organization, workspace };
            6 asker GiveWorkspaceRole { organization, workspace, user, role: workspace_role };
            6 asker TakeWorkspaceRole { organization, workspace, user };
            6 mover FollowEmailChange { organization };
            6 asker SuspendMember { organization, user };
            6 asker ReinstateMember { organization, user };
            6 asker SetMembershipEnd { organization, user, until };
            6 asker SetWorkspaceRoleEnd { organization, workspace, user, until };
            3 asker HandOver { organization, to: user, keep };
            2 operator SuspendOrganization { organization, reason };
            6 operator ReinstateOrganization { organization };
            14 asker DefineRole { organization, name, base, adds } => |defined| {
                self.roles.push((organization, defined));
            };
            6 asker ReviseRole { organization, role: own, name, adds };
            6 asker RetireRole { organization, role: own };
            6 asker RestoreRole { organization, role: own };
            4 asker DeleteRole { organization, role: own };
        }
        Ok(())
    }

    /// Who asks, and for what: `None` if nothing is known.
    fn choose(&self, random: &mut Random) -> Result<Option<Choice>, Failure> {
        // Half of the time it is the founder, who may most things.
        let first = if random.one_in(2) {
            1
        } else {
            self.people.len()
        };
        let asker = self.people.get(random.below(first)).cloned();
        let (Some((asker, address)), Some((user, email)), Some(&organization)) = (
            asker,
            random.pick(&self.people).cloned(),
            random.pick(&self.organizations),
        ) else {
            return Ok(None);
        };
        let asker = match random.below(12) {
            0 => operator()?,
            1 => Actor::unverified(asker),
            _ => Actor::user(asker, VerifiedEmail::attest(address)),
        };
        // What nobody knows is asked for by an id that is nothing's.
        let unknown = random.uuid();
        let workspace = random.pick(&of(&self.workspaces, organization)).copied();
        let domain = random.pick(&of(&self.domains, organization)).copied();
        let invitation = random.pick(&of(&self.invitations, organization)).copied();
        let invitation = invitation.unwrap_or(InvitationId::from_uuid(unknown));
        let nobodys = || {
            let secret = InvitationSecret::generate()?;
            let token = InvitationToken::new(organization, invitation, &secret);
            Ok::<_, Failure>((token, email.clone()))
        };
        let link = random.pick(&self.links).cloned();
        let (token, to) = link.map_or_else(nobodys, Ok)?;
        // Mostly it is whoever the link is for who follows it.
        let reader = self.people.iter().find(|(_, theirs)| *theirs == to);
        let reader = match reader {
            Some((user, email)) if !random.one_in(6) => {
                Actor::user(*user, VerifiedEmail::attest(email.clone()))
            }
            _ => asker.clone(),
        };
        // Somebody's address changes: perhaps only in how it is written.
        let moved = if random.one_in(2) {
            EmailAddress::new(&email.as_str().to_uppercase())?
        } else {
            EmailAddress::new("moved@acme.example")?
        };
        // Mostly as wide as in the beginning; now and then so few that they are reached.
        let few = |random: &mut Random| {
            let few = random.below(8);
            random.one_in(4).then(|| u32::try_from(few).unwrap_or(0))
        };
        let limits = Limits {
            seats: few(random),
            domains: few(random),
            domains_per_workspace: few(random),
        };
        let emails = (0..random.below(4)).map(|_| match random.pick(&self.people) {
            Some((_, email)) if !random.one_in(5) => format!(" {email}"),
            _ => "no address".to_owned(),
        });
        let emails = emails.collect();
        let own = random.pick(&of(&self.roles, organization)).copied();
        let own = own.map_or_else(|| "7".parse(), Ok)?;
        let adds = match random.below(4) {
            0 => Grants::NONE,
            1 => Grants::on(DomainKind::Sandbox, DomainAction::Configure)?,
            2 => Grants::of(WorkspaceAction::Rename)? | Grants::of(DomainAction::Delete)?,
            _ => Grants::of(OrganizationAction::CreateWorkspace)?,
        };
        Ok(Some(Choice {
            limits,
            emails,
            asker,
            operator: operator()?,
            reader,
            mover: Actor::user(user, VerifiedEmail::attest(moved)),
            organization,
            workspace: workspace.unwrap_or(WorkspaceId::from_uuid(unknown)),
            domain: domain.unwrap_or(DomainId::from_uuid(unknown)),
            invitation,
            token,
            user,
            email,
            name: Name::new(random.pick(&NAMES).copied().unwrap_or_default())?,
            label: DomainName::new(random.pick(&LABELS).copied().unwrap_or_default())?,
            role: match random.pick(&OrganizationRole::ALL) {
                Some(role) if !random.one_in(4) => (*role).into(),
                _ => own.into(),
            },
            workspace_role: match random.pick(&WorkspaceRole::ALL) {
                Some(role) if !random.one_in(3) => (*role).into(),
                _ => own.into(),
            },
            own,
            base: *random.pick(&RoleBase::ALL).unwrap_or(&RoleBase::Reader),
            adds,
            kind: if random.one_in(2) {
                DomainKind::Sandbox
            } else {
                DomainKind::Production
            },
            company: (!random.one_in(3)).then(company).transpose()?,
            invoicing: (!random.one_in(3))
                .then(|| invoicing("a@b.example"))
                .transpose()?,
            contract: (!random.one_in(3))
                .then(|| TextLine::new("§ 7, \u{1F4DC}"))
                .transpose()?,
            until: random
                .pick(&[None, Some(1_600_000_000_001), Some(4_000_000_000_999)])
                .copied()
                .flatten()
                .and_then(DateTime::from_timestamp_millis),
            reason: TextLine::new("overdue: \u{20AC} 4,711")?,
        }))
    }

    fn invited(&mut self, id: OrganizationId, email: EmailAddress, invited: Invited) {
        self.invitations.push((id, invited.invitation));
        self.links.extend(invited.token.map(|token| (token, email)));
    }
}

fn of<T: Copy>(pairs: &[(OrganizationId, T)], organization: OrganizationId) -> Vec<T> {
    let ours = pairs.iter().filter(|(id, _)| *id == organization);
    ours.map(|(_, thing)| *thing).collect()
}

fn operator() -> Result<Actor, Failure> {
    Ok(Actor::Operator(Operator::attest(TextLine::new(
        "support: Jo",
    )?)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tenancy::every_command;

    use super::*;

    #[derive(Default)]
    struct Asked(BTreeSet<&'static str>);

    impl Carrier for Asked {
        async fn carry<C: Command + Clone>(
            &mut self,
            _: &Actor,
            _: C,
        ) -> Result<Option<C::Output>, Failure> {
            self.0.insert(C::NAME);
            Ok(None)
        }
    }

    macro_rules! names {
        ($($file:ident: $($command:ident = $name:literal),+;)+) => {
            BTreeSet::from([$($($name),+),+])
        };
    }

    #[test]
    fn every_command_is_asked_for() -> Result<(), Failure> {
        let mut random = Random::from_seed(1);
        let mut known = Known::people(&mut random)?;
        known.organizations.push(OrganizationId::new());
        let mut asked = Asked::default();
        for _ in 0..5_000 {
            tenancy::block_on(known.act(&mut random, &mut asked))?;
        }
        assert_eq!(asked.0, every_command!(names));
        Ok(())
    }
}
