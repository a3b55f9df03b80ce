//! Commands from bytes: a step of a random history.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tenancy::commands::{
    AcceptInvitation, AcceptReceivedInvitation, DeclineInvitation, DeclineReceivedInvitation,
};
use tenancy::store::InvitationState;
use tenancy::text::{PostalAddress, TextLine};
use tenancy::token::InvitationSecret;
use tenancy::{
    CompanyInformation, DomainAction, DomainId, DomainKind, DomainName, EmailAddress, Grants,
    InvitationId, InvitationOffer, InvitationToken, InvoicingInformation, Limits, Name,
    OrganizationAction, OrganizationId, OrganizationRole, Role, RoleBase, RoleNumber, UserId,
    VerifiedEmail, WorkspaceAction, WorkspaceId, WorkspaceRole,
};
use tenancy_tests::commands::{Arguments, Ask, Kind};
use tenancy_tests::model::{self, Organization, Who};
use tenancy_tests::world::{email, label, line, name};

use crate::driver::Driver;

/// What one step of a history is decoded from. Small numbers are the plain cases, so that failures
/// shrink to plain histories.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub kind: u8,
    pub actor: u8,
    pub at: u8,
    pub whom: u8,
    pub what: u8,
    pub oddly: u8,
}

pub fn steps(upto: usize) -> impl Strategy<Value = Vec<Step>> {
    let step =
        any::<(u8, u8, u8, u8, u8, u8)>().prop_map(|(kind, actor, at, whom, what, oddly)| Step {
            kind,
            actor,
            at,
            whom,
            what,
            oddly,
        });
    proptest::collection::vec(step, 1..=upto)
}

pub const USERS: [&str; 5] = ["ann", "bob", "cy", "dora", "eve"];

pub fn user(index: u8) -> UserId {
    UserId::from_external(USERS[usize::from(index) % USERS.len()])
}

pub fn address(index: u8) -> String {
    format!("{}@host.example", USERS[usize::from(index) % USERS.len()])
}

fn pick<T: Clone>(from: &[T], by: u8) -> Option<T> {
    from.get(usize::from(by).checked_rem(from.len())?).cloned()
}

/// How often each kind of command is drawn, where it is more than once in a round.
const WEIGHTS: &[(Kind, usize)] = &[
    (Kind::AcceptInvitation, 6),
    (Kind::InviteToOrganization, 4),
    (Kind::InviteToWorkspace, 5),
    (Kind::GiveWorkspaceRole, 4),
    (Kind::CreateWorkspace, 3),
    (Kind::CreateDomain, 3),
    (Kind::ChangeOrganizationRole, 3),
    (Kind::ResendInvitation, 2),
    (Kind::RevokeInvitation, 2),
    (Kind::DeclineInvitation, 2),
    (Kind::AcceptReceivedInvitation, 6),
    (Kind::DeclineReceivedInvitation, 2),
    (Kind::RemoveMember, 3),
    (Kind::LeaveOrganization, 2),
    (Kind::TakeWorkspaceRole, 2),
    (Kind::DeleteWorkspace, 3),
    (Kind::DeactivateDomain, 2),
    (Kind::DeleteDomain, 2),
    (Kind::MoveDomain, 2),
    (Kind::AppointAdmin, 2),
    (Kind::FollowEmailChange, 2),
    (Kind::ReleaseDomainName, 2),
    (Kind::SetWorkspaceQuota, 2),
    (Kind::SetLimits, 2),
    (Kind::InviteMany, 3),
    (Kind::RenameWorkspace, 2),
    (Kind::DeleteOrganization, 2),
    (Kind::SuspendMember, 3),
    (Kind::ReinstateMember, 2),
    (Kind::ReinstateOrganization, 3),
    (Kind::SetMembershipEnd, 3),
    (Kind::SetWorkspaceRoleEnd, 3),
    (Kind::HandOver, 2),
    (Kind::DefineRole, 4),
    (Kind::ReviseRole, 2),
    (Kind::DeleteRole, 2),
];

fn weight(kind: Kind) -> usize {
    let listed = WEIGHTS.iter().find(|(listed, _)| *listed == kind);
    listed.map_or(1, |(_, weight)| *weight)
}

fn kind(by: u8) -> Kind {
    let total: usize = Kind::ALL.iter().map(|kind| weight(*kind)).sum();
    let mut left = usize::from(by) * total / 256;
    for kind in Kind::ALL {
        if left < weight(*kind) {
            return *kind;
        }
        left -= weight(*kind);
    }
    panic!("a byte is less than 256")
}

fn uuid(by: u8) -> uuid::Uuid {
    uuid::Uuid::from_u128(u128::from(by) + 1)
}

/// A step, in the world that a history has made so far.
pub struct Bytes<'a> {
    driver: &'a Driver,
    step: Step,
}

impl<'a> Bytes<'a> {
    pub fn of(driver: &'a Driver, step: Step) -> Self {
        Self { driver, step }
    }

    /// Who asks what.
    pub fn decode(mut self) -> (Who, Ask) {
        let ask = kind(self.step.kind).draw(&mut self);
        let Step { actor, oddly, .. } = self.step;
        (self.decode_who(&ask, actor, oddly), ask)
    }

    /// Whether what is asked about doesn't exist, or exists elsewhere.
    fn strange(&self) -> bool {
        self.step.oddly % 32 == 7
    }

    /// A token of an open invitation that its link still opens; often of one that somebody may not accept any
    /// more (M2, M4), if there is such a one.
    fn newest(&self, by: u8) -> Option<InvitationToken> {
        let invitation = |token: &&InvitationToken| {
            let it = self.driver.model.organizations.get(&token.organization())?;
            let found = it.invitations.get(&token.invitation())?;
            let works =
                found.state == InvitationState::Open && found.link == *token.hash().as_bytes();
            works.then_some(found)
        };
        let working = self
            .driver
            .tokens
            .iter()
            .filter(|token| invitation(token).is_some());
        let outdated = working
            .clone()
            .filter(|token| invitation(token).is_some_and(|found| !found.outdated_for.is_empty()));
        let outdated: Vec<_> = outdated.cloned().collect();
        let working: Vec<_> = working.cloned().collect();
        let outdated = (by % 2 == 0).then(|| pick(&outdated, by / 2)).flatten();
        outdated.or_else(|| pick(&working, by))
    }

    /// Something of the organization that is there; now and then something that was, or is elsewhere, or
    /// never was.
    fn pick_in<I: Copy + PartialEq>(
        &self,
        from: &[(OrganizationId, I)],
        by: u8,
        organization: OrganizationId,
        is_there: impl Fn(&Organization, &I) -> bool,
        never: I,
    ) -> (OrganizationId, I) {
        let by = by / 2;
        match self.step.oddly % 32 {
            7 => (organization, never),
            8 => (organization, pick(from, by).map_or(never, |(_, id)| id)),
            9 | 10 => pick(from, by).unwrap_or((organization, never)),
            _ => {
                let there: Vec<_> = from
                    .iter()
                    .filter(|(id, thing)| {
                        *id == organization
                            && self
                                .driver
                                .model
                                .organizations
                                .get(id)
                                .is_some_and(|o| is_there(o, thing))
                    })
                    .copied()
                    .collect();
                pick(&there, by)
                    .or_else(|| pick(from, by))
                    .unwrap_or((organization, never))
            }
        }
    }

    /// A role of the organization's own, on such a base.
    fn own_role_of(&mut self, fits: impl Fn(RoleBase) -> bool) -> RoleNumber {
        let organization = self.organization();
        let Step { at, whom, .. } = self.step;
        let never = "1000000".parse().expect("a number");
        let is_there = |o: &Organization, number: &RoleNumber| {
            o.own.get(number).is_some_and(|role| fits(role.base))
        };
        let by = at.wrapping_add(whom);
        self.pick_in(&self.driver.roles, by, organization, is_there, never)
            .1
    }

    /// A member of the organization that the step is about.
    fn member(&mut self, by: u8) -> Option<UserId> {
        let organization = self.organization();
        let it = self.driver.model.organizations.get(&organization)?;
        let members: Vec<_> = it.members.keys().copied().collect();
        pick(&members, by)
    }

    /// A suspended member of the organization that the step is about.
    fn suspended(&mut self, by: u8) -> Option<UserId> {
        let organization = self.organization();
        let it = self.driver.model.organizations.get(&organization)?;
        let suspended = it.members.iter().filter(|(_, member)| member.suspended);
        let suspended: Vec<_> = suspended.map(|(user, _)| *user).collect();
        pick(&suspended, by)
    }

    /// Somebody who can show the address that an invitation is for: mostly whose it is, now and then another
    /// account, or somebody who lost something since it was sent (M2, M4).
    fn invited(
        &self,
        (organization, invitation): (OrganizationId, InvitationId),
        actor: u8,
    ) -> Option<Who> {
        let it = self.driver.model.organizations.get(&organization)?;
        let invitation = it.invitations.get(&invitation)?;
        let invited = model::normal(&invitation.email);
        let whose = (0..5).find(|index| invited.ends_with(&address(*index)))?;
        let lost: Vec<_> = invitation.outdated_for.iter().copied().collect();
        let who = match actor % 4 {
            3 => user(whose + 1),
            2 => pick(&lost, actor / 4).unwrap_or(user(whose)),
            _ => user(whose),
        };
        Some(Who::User(who, Some(invited)))
    }

    /// Mostly somebody who may; often somebody; now and then somebody odd.
    fn decode_who(&mut self, ask: &Ask, actor: u8, oddly: u8) -> Who {
        let index = actor % 5;
        let somebody = match actor / 5 % 16 {
            15 => Who::User(user(index), None),
            14 => Who::User(user(index), Some(address(index).to_uppercase())),
            13 => Who::User(user(index), Some(format!("new.{}", address(index)))),
            12 => Who::User(user(index), Some(address(index.wrapping_add(1)))),
            _ => Who::User(user(index), Some(address(index))),
        };
        match actor {
            250.. => return Who::Operator,
            // M6: nobody, whatever address they show.
            249 => return Who::User(UserId::from_external(""), Some(address(oddly))),
            _ => {}
        }
        let plainly = oddly < 160;
        let on = ask.about();
        match ask {
            Ask::SetWorkspaceQuota(_)
            | Ask::SetLimits(_)
            | Ask::EditContract(_)
            | Ask::AppointAdmin(_)
            | Ask::ReleaseDomainName(_)
            | Ask::SuspendOrganization(_)
            | Ask::ReinstateOrganization(_)
                if plainly =>
            {
                Who::Operator
            }
            Ask::AcceptInvitation(AcceptInvitation { token })
            | Ask::DeclineInvitation(DeclineInvitation { token })
                if plainly =>
            {
                let of = (token.organization(), token.invitation());
                self.invited(of, actor).unwrap_or(somebody)
            }
            Ask::AcceptReceivedInvitation(AcceptReceivedInvitation {
                organization,
                invitation,
            })
            | Ask::DeclineReceivedInvitation(DeclineReceivedInvitation {
                organization,
                invitation,
            }) if plainly => self
                .invited((*organization, *invitation), actor)
                .unwrap_or(somebody),
            // To a new address of theirs, and to somebody else's.
            Ask::FollowEmailChange(_) if plainly => {
                let shown = match actor / 5 % 4 {
                    0 => address(index),
                    1 => address(index.wrapping_add(1)),
                    _ => format!("new.{}", address(index)),
                };
                Who::User(user(index), Some(shown))
            }
            Ask::LeaveOrganization(_) | Ask::LeaveWorkspace(_) if plainly => {
                let member = self.member(actor);
                member.map_or(somebody, |member| Who::User(member, None))
            }
            Ask::FollowEmailChange(_) | Ask::LeaveOrganization(_) | Ask::LeaveWorkspace(_) => {
                somebody
            }
            _ if plainly => {
                let Some(it) = on.and_then(|on| self.driver.model.organizations.get(&on)) else {
                    return somebody;
                };
                let admins: Vec<_> = (0..5)
                    .filter(|index| {
                        let member = it.members.get(&user(*index));
                        member.is_some_and(|member| member.role == OrganizationRole::Admin)
                            || it.roles.iter().any(|((_, holder), role)| {
                                *holder == user(*index) && *role == WorkspaceRole::Admin
                            })
                    })
                    .collect();
                pick(&admins, actor).map_or(somebody, |index| {
                    Who::User(user(index), Some(address(index)))
                })
            }
            _ => somebody,
        }
    }
}

impl Arguments for Bytes<'_> {
    fn organization(&mut self) -> OrganizationId {
        let Step { at, oddly, .. } = self.step;
        match pick(&self.driver.organizations, at) {
            Some(id) if !(self.strange() && oddly >= 128) => id,
            _ => OrganizationId::from_uuid(uuid(at)),
        }
    }

    fn workspace(&mut self) -> (OrganizationId, WorkspaceId) {
        let organization = self.organization();
        let at = self.step.at;
        let never = WorkspaceId::from_uuid(uuid(at));
        let is_there = |o: &Organization, id: &WorkspaceId| o.workspaces.contains_key(id);
        self.pick_in(&self.driver.workspaces, at, organization, is_there, never)
    }

    fn domain(&mut self) -> (OrganizationId, DomainId) {
        let organization = self.organization();
        let at = self.step.at;
        let never = DomainId::from_uuid(uuid(at));
        let is_there = |o: &Organization, id: &DomainId| o.domains.contains_key(id);
        self.pick_in(&self.driver.domains, at, organization, is_there, never)
    }

    fn destination(&mut self, organization: OrganizationId) -> WorkspaceId {
        let never = self.workspace().1;
        let is_there = |o: &Organization, id: &WorkspaceId| o.workspaces.contains_key(id);
        let what = self.step.what;
        self.pick_in(&self.driver.workspaces, what, organization, is_there, never)
            .1
    }

    fn invitation(&mut self) -> (OrganizationId, InvitationId) {
        let organization = self.organization();
        let Step { at, what, .. } = self.step;
        let never = InvitationId::from_uuid(uuid(at));
        let is_there = |o: &Organization, id: &InvitationId| o.open().any(|(open, _)| open == id);
        self.pick_in(
            &self.driver.invitations,
            what,
            organization,
            is_there,
            never,
        )
    }

    /// Most links that are opened are the newest ones.
    fn link(&mut self) -> InvitationToken {
        let Step { what, oddly, .. } = self.step;
        if !self.strange() {
            let newest = (oddly % 2 == 0).then(|| self.newest(what)).flatten();
            if let Some(token) = newest.or_else(|| pick(&self.driver.tokens, what)) {
                return token;
            }
        }
        let (organization, invitation) = self.invitation();
        let secret = InvitationSecret::generate().expect("randomness");
        InvitationToken::new(organization, invitation, &secret)
    }

    /// Often a member of the organization.
    fn user(&mut self) -> UserId {
        let whom = self.step.whom;
        match whom {
            255 => UserId::from_uuid(uuid(1)),
            254 => UserId::from_external(""),
            _ if kind(self.step.kind) == Kind::ReinstateMember && whom % 4 != 0 => {
                self.suspended(whom).unwrap_or(user(whom))
            }
            _ if whom % 2 == 0 => self.member(whom / 2).unwrap_or(user(whom)),
            _ => user(whom),
        }
    }

    /// Mostly by their own address, now and then by another one of theirs, or by somebody else's.
    fn appointee(&mut self) -> (UserId, VerifiedEmail) {
        let Step { what, whom, .. } = self.step;
        let shown = match what % 8 {
            0 => format!("new.{}", address(whom)),
            1 => address(whom.wrapping_add(1)),
            _ => address(whom),
        };
        let appointed = match whom {
            254 | 255 => self.user(),
            _ => user(whom),
        };
        (appointed, VerifiedEmail::attest(email(&shown)))
    }

    fn email(&mut self) -> EmailAddress {
        let whom = self.step.whom;
        email(&match whom / 5 % 8 {
            7 => address(whom).to_uppercase(),
            4..=6 => format!("new.{}", address(whom)),
            _ => address(whom),
        })
    }

    fn organization_name(&mut self) -> Name {
        let names = ["Acme", "ACME", "Payments", "payments", "Straße"];
        name(names[usize::from(self.step.what) % names.len()])
    }

    fn workspace_name(&mut self) -> Name {
        self.organization_name()
    }

    fn label(&mut self) -> DomainName {
        let labels = ["api", "pay", "api-2"];
        label(labels[usize::from(self.step.what) % labels.len()])
    }

    fn domain_kind(&mut self) -> DomainKind {
        match self.step.what % 2 {
            0 => DomainKind::Sandbox,
            _ => DomainKind::Production,
        }
    }

    fn organization_role(&mut self) -> Role<OrganizationRole> {
        match self.step.what % 4 {
            3 => Role::Own(self.own_role_of(|base| base.organization_role().is_some())),
            role => OrganizationRole::ALL[usize::from(role)].into(),
        }
    }

    fn workspace_role(&mut self) -> Role<WorkspaceRole> {
        match self.step.what / 4 % 5 {
            3 | 4 => Role::Own(self.own_role_of(|base| base.workspace_role().is_some())),
            role => WorkspaceRole::ALL[usize::from(role)].into(),
        }
    }

    fn own_role(&mut self) -> RoleNumber {
        self.own_role_of(|_| true)
    }

    fn role_name(&mut self) -> Name {
        let names = ["Tester", "TESTER", "Keeper", "Builder", "Reader", "admin"];
        name(names[usize::from(self.step.whom) % names.len()])
    }

    fn base(&mut self) -> RoleBase {
        RoleBase::ALL[usize::from(self.step.what) % 4]
    }

    fn adds(&mut self) -> Grants {
        let by = self.step.what / 4 % 8;
        let of = |action: WorkspaceAction| Grants::of(action).expect("it has a code");
        let on = |kind, action| Grants::on(kind, action).expect("it has a code");
        match by {
            0 => Grants::NONE,
            1 => on(DomainKind::Sandbox, DomainAction::Configure),
            2 => on(DomainKind::Production, DomainAction::Move),
            3 => of(WorkspaceAction::Rename) | on(DomainKind::Sandbox, DomainAction::Delete),
            4 => of(WorkspaceAction::CreateDomain),
            5 => of(WorkspaceAction::ViewInvoicing),
            6 => Grants::of(OrganizationAction::ViewMembers).expect("it has a code"),
            _ => on(DomainKind::Sandbox, DomainAction::Move) | of(WorkspaceAction::ListDomains),
        }
    }

    fn quota(&mut self) -> u32 {
        u32::from(self.step.what % 4)
    }

    /// None, few, or as many as there are about.
    fn limits(&mut self) -> (Limits, Option<u32>) {
        let Step { what, whom, .. } = self.step;
        let few = |by: u8| (by % 4 != 0).then(|| u32::from(by % 8));
        let limits = Limits {
            seats: few(what),
            domains: few(what / 8),
            domains_per_workspace: few(what / 64),
        };
        (limits, (whom % 4 == 0).then(|| u32::from(whom / 4 % 4)))
    }

    fn offer(&mut self) -> (OrganizationId, InvitationOffer) {
        if self.step.whom % 2 == 0 {
            let role = self.organization_role();
            return (self.organization(), InvitationOffer::Organization { role });
        }
        let (organization, workspace) = self.workspace();
        let role = self.workspace_role();
        (organization, InvitationOffer::Workspace { workspace, role })
    }

    /// Some people, one of them twice, and something else; now and then too many.
    fn lines(&mut self) -> Vec<String> {
        let Step { whom, oddly, .. } = self.step;
        if oddly == 201 {
            return vec![address(whom); 101];
        }
        let people = (0..whom % 4).map(|next| address(whom.wrapping_add(next)));
        let mut lines: Vec<_> = people.collect();
        match oddly % 8 {
            0 => lines.push("eve at host".to_owned()),
            1 => lines.push(format!(" {} ", address(whom).to_uppercase())),
            2 => lines.insert(0, String::new()),
            3 => lines.push(format!("new.{}", address(whom))),
            _ => {}
        }
        lines
    }

    fn company(&mut self) -> Option<CompanyInformation> {
        (self.step.what % 2 == 1).then(|| CompanyInformation {
            legal_name: line("Acme SAS"),
            registration_number: None,
            vat_number: None,
            address: PostalAddress::default(),
        })
    }

    fn invoicing(&mut self) -> Option<InvoicingInformation> {
        let which = self.step.what % 3;
        (which != 0).then(|| InvoicingInformation {
            recipient: line(&format!("Books {which}")),
            email: email("books@host.example"),
            address: PostalAddress::default(),
            reference: None,
        })
    }

    fn contract(&mut self) -> Option<TextLine> {
        (self.step.what % 2 == 1).then(|| line("C-1"))
    }

    /// None, at once, soon, or in so long that it is prolonged before it comes.
    fn end(&mut self) -> Option<DateTime<Utc>> {
        let seconds = match self.step.what % 6 {
            0 => return None,
            1 => 0,
            2 | 3 => 100,
            4 => 600,
            _ => 86_400,
        };
        Some(self.driver.now() + TimeDelta::seconds(seconds))
    }

    fn reason(&mut self) -> TextLine {
        line(["overdue", "abuse"][usize::from(self.step.what % 2)])
    }

    fn kept_role(&mut self) -> Option<Role<OrganizationRole>> {
        match self.step.what % 5 {
            3 => Some(Role::Own(
                self.own_role_of(|base| base.organization_role().is_some()),
            )),
            kept => Some((*OrganizationRole::ALL.get(usize::from(kept))?).into()),
        }
    }
}
