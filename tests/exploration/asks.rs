//! Every question that can be asked in a state: each command with each argument of the small world.

use std::collections::BTreeMap;

use tenancy::store::OrganizationState;
use tenancy::text::TextLine;
use tenancy::token::InvitationSecret;
use tenancy::{
    CompanyInformation, DomainId, DomainKind, EmailAddress, InvitationId, InvitationToken,
    InvoicingInformation, Name, OrganizationId, UserId, WorkspaceId,
};

use crate::Bounds;
use crate::driver::{address, email, user};
use crate::explorer::Node;
use crate::model::{Ask, Who};

/// What is asked in a state.
pub struct Asks {
    all: Vec<Ask>,
    /// So many of them look at the actor's address.
    about_addresses: usize,
    /// About closed invitations and replaced links: what a path to the state happened to leave behind.
    pub left_behind: Vec<Ask>,
}

impl Asks {
    /// What one actor asks. Without a verified address, a user is another one only to those commands that
    /// look at it; where people change addresses, they ask everything all the same.
    pub fn by(&self, who: &Who, bounds: &Bounds) -> &[Ask] {
        let alike = matches!(who, Who::User(_, None)) && !bounds.any_address;
        let upto = if alike {
            self.about_addresses
        } else {
            self.all.len()
        };
        &self.all[..upto]
    }
}

/// What no state changes: parsed once, as parsing is slow without optimization.
pub struct Words {
    names: Vec<Name>,
    label: tenancy::DomainName,
    company: CompanyInformation,
    invoicing: InvoicingInformation,
    contract: TextLine,
    addresses: Vec<EmailAddress>,
    forged: InvitationSecret,
    absent: uuid::Uuid,
    users: Vec<UserId>,
}

impl Words {
    pub fn new(bounds: &Bounds) -> Self {
        let line = |text| TextLine::new(text).unwrap();
        Self {
            names: ["Acme", "Beta", "ACME"]
                .map(|name| Name::new(name).unwrap())
                .to_vec(),
            label: "api".parse().unwrap(),
            company: CompanyInformation {
                legal_name: line("Acme SAS"),
                registration_number: None,
                vat_number: None,
                address: vec![],
            },
            invoicing: InvoicingInformation {
                recipient: line("Books"),
                email: email("books@host.example"),
                address: vec![],
                reference: None,
            },
            contract: line("C-1"),
            addresses: (0..bounds.addresses())
                .map(|at| email(&address(at)))
                .collect(),
            forged: InvitationSecret::generate().unwrap(),
            absent: uuid::Uuid::from_u128(1),
            users: (0..bounds.users).map(user).collect(),
        }
    }

    /// Everybody who may ask: each user with each address that they may sign in with and without one, and
    /// the vendor's staff.
    pub fn actors(bounds: &Bounds) -> Vec<Who> {
        let mut actors = vec![Who::Operator];
        for at in 0..bounds.users {
            actors.push(Who::User(user(at), None));
            for theirs in 0..bounds.addresses() {
                if bounds.any_address || theirs == at {
                    actors.push(Who::User(user(at), Some(address(theirs))));
                }
            }
        }
        actors
    }

    /// Every command on one organization with every argument.
    pub fn asks(&self, bounds: &Bounds, node: &Node, at: usize) -> Asks {
        let organization = node.ids[at];
        let state = &node.states[at];
        let mut all = Vec::new();
        let mut left_behind = Vec::new();
        self.of_links(node, organization, state, &mut all, &mut left_behind);
        all.push(Ask::FollowEmailChange(
            tenancy::commands::FollowEmailChange { organization },
        ));
        let about_addresses = all.len();
        self.of_the_organization(bounds, organization, &mut all);
        self.of_people(bounds, organization, &mut all);
        self.of_workspaces(bounds, node, organization, state, &mut all);
        self.of_domains(node, organization, state, &mut all);
        for invitation in state.invitations() {
            let to = if invitation.is_open() {
                &mut all
            } else {
                &mut left_behind
            };
            to.extend(managing(organization, invitation.id));
        }
        let nowhere = InvitationId::from_uuid(self.absent);
        all.extend(managing(organization, nowhere));
        Asks {
            all,
            about_addresses,
            left_behind,
        }
    }

    fn of_links(
        &self,
        node: &Node,
        organization: OrganizationId,
        state: &OrganizationState,
        all: &mut Vec<Ask>,
        left_behind: &mut Vec<Ask>,
    ) {
        for invitation in state.invitations() {
            let links = &node.links[&invitation.id];
            let to = if invitation.is_open() {
                &mut *all
            } else {
                &mut *left_behind
            };
            to.extend(answers(&links.newest));
            let forged = InvitationToken::new(organization, invitation.id, &self.forged);
            to.extend(answers(&forged));
            if let Some(older) = &links.older {
                left_behind.extend(answers(older));
            }
        }
        let nowhere = InvitationId::from_uuid(self.absent);
        all.extend(answers(&InvitationToken::new(
            organization,
            nowhere,
            &self.forged,
        )));
    }

    fn of_the_organization(
        &self,
        bounds: &Bounds,
        organization: OrganizationId,
        all: &mut Vec<Ask>,
    ) {
        let name = self.names[0].clone();
        all.push(Ask::CreateOrganization(
            tenancy::commands::CreateOrganization { name },
        ));
        for name in &self.names[..2] {
            let name = name.clone();
            all.push(Ask::RenameOrganization(
                tenancy::commands::RenameOrganization { organization, name },
            ));
        }
        for company in [None, Some(self.company.clone())] {
            all.push(Ask::EditCompany(tenancy::commands::EditCompany {
                organization,
                company,
            }));
        }
        for invoicing in [None, Some(self.invoicing.clone())] {
            all.push(Ask::EditInvoicing(tenancy::commands::EditInvoicing {
                organization,
                invoicing,
            }));
        }
        for contract in [None, Some(self.contract.clone())] {
            all.push(Ask::EditContract(tenancy::commands::EditContract {
                organization,
                contract,
            }));
        }
        for quota in bounds.quotas {
            let quota = *quota;
            all.push(Ask::SetWorkspaceQuota(
                tenancy::commands::SetWorkspaceQuota {
                    organization,
                    quota,
                },
            ));
        }
        let name = self.label.clone();
        all.push(Ask::ReleaseDomainName(
            tenancy::commands::ReleaseDomainName { organization, name },
        ));
        all.push(Ask::DeleteOrganization(
            tenancy::commands::DeleteOrganization { organization },
        ));
        all.push(Ask::LeaveOrganization(
            tenancy::commands::LeaveOrganization { organization },
        ));
    }

    fn of_people(&self, bounds: &Bounds, organization: OrganizationId, all: &mut Vec<Ask>) {
        for (at, user) in self.users.iter().copied().enumerate() {
            for role in bounds.organization_roles {
                let role = *role;
                all.push(Ask::ChangeOrganizationRole(
                    tenancy::commands::ChangeOrganizationRole {
                        organization,
                        user,
                        role,
                    },
                ));
            }
            all.push(Ask::RemoveMember(tenancy::commands::RemoveMember {
                organization,
                user,
            }));
            let addresses = self
                .addresses
                .iter()
                .enumerate()
                .filter_map(|(theirs, email)| {
                    let own = theirs == at;
                    (bounds.any_address || own).then(|| Some(email.clone()))
                });
            let unknown = bounds.any_address.then_some(None);
            for email in addresses.chain(unknown) {
                all.push(Ask::AppointAdmin(tenancy::commands::AppointAdmin {
                    organization,
                    user,
                    email,
                }));
            }
        }
        for email in &self.addresses {
            for role in bounds.organization_roles {
                let (email, role) = (email.clone(), *role);
                all.push(Ask::InviteToOrganization(
                    tenancy::commands::InviteToOrganization {
                        organization,
                        email,
                        role,
                    },
                ));
            }
        }
    }

    fn of_workspaces(
        &self,
        bounds: &Bounds,
        node: &Node,
        organization: OrganizationId,
        state: &OrganizationState,
        all: &mut Vec<Ask>,
    ) {
        for name in &self.names[..2] {
            let name = name.clone();
            all.push(Ask::CreateWorkspace(tenancy::commands::CreateWorkspace {
                organization,
                name,
            }));
        }
        for workspace in self.workspaces(node, state) {
            for name in &self.names {
                let name = name.clone();
                all.push(Ask::RenameWorkspace(tenancy::commands::RenameWorkspace {
                    organization,
                    workspace,
                    name,
                }));
            }
            for invoicing in [None, Some(self.invoicing.clone())] {
                all.push(Ask::EditWorkspaceInvoicing(
                    tenancy::commands::EditWorkspaceInvoicing {
                        organization,
                        workspace,
                        invoicing,
                    },
                ));
            }
            all.push(Ask::DeleteWorkspace(tenancy::commands::DeleteWorkspace {
                organization,
                workspace,
            }));
            all.push(Ask::LeaveWorkspace(tenancy::commands::LeaveWorkspace {
                organization,
                workspace,
            }));
            for user in self.users.iter().copied() {
                for role in bounds.workspace_roles {
                    let role = *role;
                    all.push(Ask::GiveWorkspaceRole(
                        tenancy::commands::GiveWorkspaceRole {
                            organization,
                            workspace,
                            user,
                            role,
                        },
                    ));
                }
                all.push(Ask::TakeWorkspaceRole(
                    tenancy::commands::TakeWorkspaceRole {
                        organization,
                        workspace,
                        user,
                    },
                ));
            }
            for email in &self.addresses {
                for role in bounds.workspace_roles {
                    let (email, role) = (email.clone(), *role);
                    all.push(Ask::InviteToWorkspace(
                        tenancy::commands::InviteToWorkspace {
                            organization,
                            workspace,
                            email,
                            role,
                        },
                    ));
                }
            }
            if bounds.domain {
                for kind in [DomainKind::Sandbox, DomainKind::Production] {
                    let name = self.label.clone();
                    all.push(Ask::CreateDomain(tenancy::commands::CreateDomain {
                        organization,
                        workspace,
                        name,
                        kind,
                    }));
                }
            }
        }
    }

    fn of_domains(
        &self,
        node: &Node,
        organization: OrganizationId,
        state: &OrganizationState,
        all: &mut Vec<Ask>,
    ) {
        let there = state.domains().map(|domain| domain.id);
        let elsewhere = node
            .states
            .iter()
            .filter(|other| other.id() != organization);
        let elsewhere = elsewhere.flat_map(|other| other.domains().map(|domain| domain.id));
        let absent = DomainId::from_uuid(self.absent);
        for domain in there.chain(elsewhere).chain([absent]) {
            all.push(Ask::DeactivateDomain(tenancy::commands::DeactivateDomain {
                organization,
                domain,
            }));
            all.push(Ask::ReactivateDomain(tenancy::commands::ReactivateDomain {
                organization,
                domain,
            }));
            all.push(Ask::DeleteDomain(tenancy::commands::DeleteDomain {
                organization,
                domain,
            }));
            for to in self.workspaces(node, state) {
                all.push(Ask::MoveDomain(tenancy::commands::MoveDomain {
                    organization,
                    domain,
                    to,
                }));
            }
        }
    }

    /// The organization's own workspaces, those of another one, and one that never was.
    fn workspaces(&self, node: &Node, state: &OrganizationState) -> Vec<WorkspaceId> {
        let own = state.workspaces().map(|workspace| workspace.id);
        let others = node.states.iter().filter(|other| other.id() != state.id());
        let others = others.flat_map(|other| other.workspaces().map(|workspace| workspace.id));
        own.chain(others)
            .chain([WorkspaceId::from_uuid(self.absent)])
            .collect()
    }
}

fn answers(token: &InvitationToken) -> [Ask; 2] {
    [
        Ask::AcceptInvitation(tenancy::commands::AcceptInvitation {
            token: token.clone(),
        }),
        Ask::DeclineInvitation(tenancy::commands::DeclineInvitation {
            token: token.clone(),
        }),
    ]
}

fn managing(organization: OrganizationId, invitation: InvitationId) -> [Ask; 2] {
    [
        Ask::ResendInvitation(tenancy::commands::ResendInvitation {
            organization,
            invitation,
        }),
        Ask::RevokeInvitation(tenancy::commands::RevokeInvitation {
            organization,
            invitation,
        }),
    ]
}

/// The links of one invitation: the newest, and the one before it.
#[derive(Clone)]
pub struct Links {
    pub newest: InvitationToken,
    pub older: Option<InvitationToken>,
}

pub type AllLinks = BTreeMap<InvitationId, Links>;
