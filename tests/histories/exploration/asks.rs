//! Every question that can be asked in a state: each command with each argument of the small world.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tenancy::store::OrganizationState;
use tenancy::text::TextLine;
use tenancy::token::InvitationSecret;
use tenancy::{
    CompanyInformation, DomainAction, DomainId, DomainKind, DomainName, EmailAddress, Grants,
    InvitationId, InvitationOffer, InvitationToken, InvoicingInformation, Limits, Name,
    OrganizationAction, OrganizationId, OrganizationRole, Role, RoleBase, RoleNumber, UserId,
    VerifiedEmail, WorkspaceAction, WorkspaceId, WorkspaceRole,
};
use tenancy_tests::commands::{Arguments, Ask, Choices, Kind};
use tenancy_tests::model::Who;
use tenancy_tests::world::{company, email, invoicing, label, line, name};

use super::Bounds;
use super::explorer::{Node, end};
use crate::bytes::{address, user};

/// What is asked in a state.
pub struct Asks {
    about_addresses: Vec<Ask>,
    others: Vec<Ask>,
    /// About closed invitations and replaced links: what a path to the state happened to leave behind.
    pub left_behind: Vec<Ask>,
}

impl Asks {
    /// What one actor asks. Without a verified address, a user who is there already is another one only to
    /// those commands that look at it; where people change addresses, they ask everything all the same.
    pub fn by(&self, who: &Who, bounds: &Bounds) -> impl Iterator<Item = &Ask> {
        let alike = matches!(who, Who::User(_, None)) && !bounds.addresses_change();
        let others = (!alike).then_some(&self.others);
        self.about_addresses
            .iter()
            .chain(others.into_iter().flatten())
    }
}

/// What no state changes: parsed once, as parsing is slow without optimization.
pub struct Words {
    organization_names: Vec<Name>,
    workspace_names: Vec<Name>,
    label: DomainName,
    company: CompanyInformation,
    invoicing: InvoicingInformation,
    contract: TextLine,
    role_names: Vec<Name>,
    adds: Vec<Grants>,
    no_role: RoleNumber,
    addresses: Vec<EmailAddress>,
    forged: InvitationSecret,
    absent: uuid::Uuid,
    appointees: Vec<(UserId, VerifiedEmail)>,
    users: Vec<UserId>,
}

impl Words {
    pub fn new(bounds: &Bounds) -> Self {
        let addresses = bounds.all_addresses().into_iter();
        let addresses: Vec<_> = addresses.map(|at| email(&address(at))).collect();
        let users: Vec<_> = (0..bounds.users()).map(user).collect();
        let appointees = users
            .iter()
            .zip(bounds.addresses)
            .flat_map(|(user, theirs)| {
                let shown = theirs.iter().map(|at| email(&address(*at)));
                shown.map(|shown| (*user, VerifiedEmail::attest(shown)))
            });
        Self {
            organization_names: ["Acme", "Beta"].map(name).to_vec(),
            workspace_names: ["Acme", "Beta", "ACME"].map(name).to_vec(),
            label: label("api"),
            company: company(),
            invoicing: invoicing("Books"),
            contract: line("C-1"),
            role_names: ["Tester", "READER"].map(name).to_vec(),
            adds: adds(bounds),
            no_role: "1000000".parse().unwrap(),
            forged: InvitationSecret::generate().unwrap(),
            absent: uuid::Uuid::from_u128(1),
            appointees: appointees.collect(),
            addresses,
            users,
        }
    }

    /// Everybody who may ask: each user with each address that they may sign in with and without one, and
    /// the vendor's staff.
    pub fn actors(bounds: &Bounds) -> Vec<Who> {
        let mut actors = vec![Who::Operator];
        for (at, theirs) in (0..).zip(bounds.addresses) {
            actors.push(Who::User(user(at), None));
            let shown = theirs.iter().map(|theirs| address(*theirs));
            actors.extend(shown.map(|shown| Who::User(user(at), Some(shown))));
        }
        actors
    }

    /// Every command on one organization with every argument.
    pub fn asks(&self, bounds: &Bounds, node: &Node, at: usize) -> Asks {
        let mut every = Every::of(self, bounds, node, at);
        let mut asks = Asks {
            about_addresses: Vec::new(),
            others: Vec::new(),
            left_behind: Vec::new(),
        };
        for kind in Kind::ALL {
            let of_limits = matches!(kind, Kind::SetLimits | Kind::InviteMany);
            let of_roles = matches!(
                kind,
                Kind::DefineRole
                    | Kind::ReviseRole
                    | Kind::RetireRole
                    | Kind::RestoreRole
                    | Kind::DeleteRole
            );
            if *kind == Kind::CreateDomain && !bounds.domain
                || of_limits && bounds.limits.is_empty()
                || of_roles && bounds.own_roles == 0
                || bounds.leaves_out(*kind)
            {
                continue;
            }
            loop {
                let ask = kind.draw(&mut every);
                let to = if core::mem::take(&mut every.chose_what_is_over) {
                    &mut asks.left_behind
                } else if kind.reads_email() {
                    &mut asks.about_addresses
                } else {
                    &mut asks.others
                };
                to.push(ask);
                if !every.choices.turn() {
                    break;
                }
            }
        }
        asks
    }
}

/// What roles of the organization's own may add: where there is a domain, power over one kind of them.
fn adds(bounds: &Bounds) -> Vec<Grants> {
    if bounds.domain {
        let deactivate = DomainAction::Deactivate;
        return vec![
            Grants::on(DomainKind::Sandbox, deactivate).unwrap(),
            Grants::of(WorkspaceAction::CreateDomain).unwrap()
                | Grants::on(DomainKind::Production, DomainAction::Move).unwrap(),
        ];
    }
    vec![
        Grants::of(WorkspaceAction::Rename).unwrap(),
        Grants::of(OrganizationAction::CreateWorkspace).unwrap(),
    ]
}

/// Every argument of the small world, one after another.
struct Every<'a> {
    words: &'a Words,
    bounds: &'a Bounds,
    organization: OrganizationId,
    /// The organization's own workspaces, those of another one, and one that never was; so for the others.
    workspaces: Vec<WorkspaceId>,
    domains: Vec<DomainId>,
    /// With each, whether it is over: a closed invitation, a link that was replaced.
    invitations: Vec<(InvitationId, bool)>,
    links: Vec<(InvitationToken, bool)>,
    /// The roles of the organization's own, and one that never was; none, in a world without them.
    own: Vec<RoleNumber>,
    choices: Choices,
    chose_what_is_over: bool,
}

impl<'a> Every<'a> {
    fn of(words: &'a Words, bounds: &'a Bounds, node: &Node, at: usize) -> Self {
        let state = &node.states[at];
        let (organization, absent) = (node.ids[at], words.absent);
        let others = || {
            node.states
                .iter()
                .filter(|other| other.id() != organization)
        };
        let everywhere = || core::iter::once(state).chain(others());
        let workspaces = everywhere().flat_map(OrganizationState::workspaces);
        let workspaces = workspaces.map(|workspace| workspace.id);
        let domains = everywhere().flat_map(OrganizationState::domains);
        let domains = domains.map(|domain| domain.id);
        let nowhere = InvitationId::from_uuid(absent);
        let forged = |invitation| InvitationToken::new(organization, invitation, &words.forged);
        let mut invitations = vec![(nowhere, false)];
        let mut links = vec![(forged(nowhere), false)];
        for invitation in state.invitations() {
            let over = !invitation.is_open();
            invitations.push((invitation.id, over));
            let known = &node.links[&invitation.id];
            links.push((known.newest.clone(), over));
            links.push((forged(invitation.id), over));
            links.extend(known.older.iter().map(|older| (older.clone(), true)));
        }
        let own = state.organization().into_iter();
        let own = own.flat_map(|row| row.roles.iter().map(|role| role.number));
        let never = (bounds.own_roles > 0).then_some(words.no_role);
        let own = own.chain(never);
        Self {
            words,
            bounds,
            organization,
            workspaces: workspaces.chain([WorkspaceId::from_uuid(absent)]).collect(),
            domains: domains.chain([DomainId::from_uuid(absent)]).collect(),
            invitations,
            links,
            own: own.collect(),
            choices: Choices::default(),
            chose_what_is_over: false,
        }
    }
}

impl Arguments for Every<'_> {
    fn organization(&mut self) -> OrganizationId {
        self.organization
    }

    fn workspace(&mut self) -> (OrganizationId, WorkspaceId) {
        (self.organization, self.choices.one_of(&self.workspaces))
    }

    fn domain(&mut self) -> (OrganizationId, DomainId) {
        (self.organization, self.choices.one_of(&self.domains))
    }

    fn destination(&mut self, _: OrganizationId) -> WorkspaceId {
        self.choices.one_of(&self.workspaces)
    }

    fn invitation(&mut self) -> (OrganizationId, InvitationId) {
        let (invitation, over) = self.choices.one_of(&self.invitations);
        self.chose_what_is_over |= over;
        (self.organization, invitation)
    }

    fn link(&mut self) -> InvitationToken {
        let (link, over) = self.choices.one_of(&self.links);
        self.chose_what_is_over |= over;
        link
    }

    fn user(&mut self) -> UserId {
        self.choices.one_of(&self.words.users)
    }

    fn appointee(&mut self) -> (UserId, VerifiedEmail) {
        self.choices.one_of(&self.words.appointees)
    }

    fn email(&mut self) -> EmailAddress {
        self.choices.one_of(&self.words.addresses)
    }

    fn organization_name(&mut self) -> Name {
        self.choices.one_of(&self.words.organization_names)
    }

    fn workspace_name(&mut self) -> Name {
        self.choices.one_of(&self.words.workspace_names)
    }

    fn label(&mut self) -> DomainName {
        self.words.label.clone()
    }

    fn domain_kind(&mut self) -> DomainKind {
        self.choices
            .one_of(&[DomainKind::Sandbox, DomainKind::Production])
    }

    fn organization_role(&mut self) -> Role<OrganizationRole> {
        let built_in = self.bounds.organization_roles.iter();
        let built_in = built_in.map(|role| Role::from(*role));
        let own = self.own.iter().map(|role| Role::Own(*role));
        let all: Vec<_> = built_in.chain(own).collect();
        self.choices.one_of(&all)
    }

    fn workspace_role(&mut self) -> Role<WorkspaceRole> {
        let built_in = self.bounds.workspace_roles.iter();
        let built_in = built_in.map(|role| Role::from(*role));
        let own = self.own.iter().map(|role| Role::Own(*role));
        let all: Vec<_> = built_in.chain(own).collect();
        self.choices.one_of(&all)
    }

    fn own_role(&mut self) -> RoleNumber {
        self.choices.one_of(&self.own)
    }

    fn role_name(&mut self) -> Name {
        self.choices.one_of(&self.words.role_names)
    }

    fn base(&mut self) -> RoleBase {
        self.choices.one_of(&[RoleBase::Member, RoleBase::Reader])
    }

    fn adds(&mut self) -> Grants {
        self.choices.one_of(&self.words.adds)
    }

    fn quota(&mut self) -> u32 {
        self.choices.one_of(self.bounds.quotas)
    }

    fn limits(&mut self) -> (Limits, Option<u32>) {
        (self.choices.one_of(self.bounds.limits), None)
    }

    fn offer(&mut self) -> (OrganizationId, InvitationOffer) {
        if self.choices.one_of(&[true, false]) {
            let role = self.organization_role();
            return (self.organization, InvitationOffer::Organization { role });
        }
        let (organization, workspace) = self.workspace();
        let role = self.workspace_role();
        (organization, InvitationOffer::Workspace { workspace, role })
    }

    /// Everybody, in either order, with one of them twice and something that is no address.
    fn lines(&mut self) -> Vec<String> {
        let all = self.words.addresses.iter();
        let mut all: Vec<_> = all.map(|email| email.as_str().to_owned()).collect();
        if self.choices.one_of(&[true, false]) {
            all.reverse();
        }
        let again = all
            .first()
            .map(|first| format!(" {} ", first.to_uppercase()));
        all.insert(1, "no address".to_owned());
        all.extend(again);
        all
    }

    fn company(&mut self) -> Option<CompanyInformation> {
        self.choices
            .one_of(&[None, Some(self.words.company.clone())])
    }

    fn invoicing(&mut self) -> Option<InvoicingInformation> {
        self.choices
            .one_of(&[None, Some(self.words.invoicing.clone())])
    }

    fn contract(&mut self) -> Option<TextLine> {
        self.choices
            .one_of(&[None, Some(self.words.contract.clone())])
    }

    fn end(&mut self) -> Option<DateTime<Utc>> {
        self.choices.one_of(&[None, Some(end())])
    }

    fn reason(&mut self) -> TextLine {
        self.words.contract.clone()
    }

    fn kept_role(&mut self) -> Option<Role<OrganizationRole>> {
        let stays = self.choices.one_of(&[false, true]);
        stays.then(|| self.organization_role())
    }
}

/// The links of one invitation: the newest, and the one before it.
#[derive(Clone)]
pub struct Links {
    pub newest: InvitationToken,
    pub older: Option<InvitationToken>,
}

pub type AllLinks = BTreeMap<InvitationId, Links>;
