//! Random commands: what people and the vendor's staff might ask, allowed or not.

use core::future::Future;

use tenancy::commands::{
    AcceptInvitation, AppointAdmin, ChangeOrganizationRole, Command, CreateDomain,
    CreateOrganization, CreateWorkspace, DeactivateDomain, DeclineInvitation, DeleteDomain,
    DeleteOrganization, DeleteWorkspace, EditCompany, EditContract, EditInvoicing,
    EditWorkspaceInvoicing, FollowEmailChange, GiveWorkspaceRole, InviteToOrganization,
    InviteToWorkspace, Invited, LeaveOrganization, LeaveWorkspace, MoveDomain, ReactivateDomain,
    ReleaseDomainName, RemoveMember, RenameOrganization, RenameWorkspace, ResendInvitation,
    RevokeInvitation, SetWorkspaceQuota, TakeWorkspaceRole,
};
use tenancy::text::TextLine;
use tenancy::{
    Actor, DomainId, DomainKind, DomainName, EmailAddress, InvitationId, InvitationToken, Name,
    Operator, OrganizationId, OrganizationRole, UserId, VerifiedEmail, WorkspaceId, WorkspaceRole,
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
    #[expect(clippy::too_many_lines, reason = "one arm a command")]
    pub(crate) async fn act<C: Carrier>(
        &mut self,
        random: &mut Random,
        carrier: &mut C,
    ) -> Result<(), Failure> {
        // Half of the time it is the founder, who may most things.
        let first = if random.one_in(2) {
            1
        } else {
            self.people.len()
        };
        let Some((user, email)) = self.people.get(random.below(first)).cloned() else {
            return Ok(());
        };
        let actor = match random.below(12) {
            0 => operator()?,
            1 => Actor::unverified(user),
            _ => Actor::user(user, VerifiedEmail::attest(email)),
        };
        let actor = &actor;
        let Some(&organization) = random.pick(&self.organizations) else {
            return Ok(());
        };
        let workspaces: Vec<_> = of(&self.workspaces, organization);
        let Some(&workspace) = random.pick(&workspaces) else {
            return Ok(());
        };
        let domains: Vec<_> = of(&self.domains, organization);
        let domain = random.pick(&domains).copied();
        let invitations: Vec<_> = of(&self.invitations, organization);
        let invitation = random.pick(&invitations).copied();
        let (Some((other, address)), Some(name), Some(label)) = (
            random.pick(&self.people).cloned(),
            random.pick(&NAMES),
            random.pick(&LABELS),
        ) else {
            return Ok(());
        };
        let (name, label) = (Name::new(name)?, DomainName::new(label)?);
        let organization_role = random.pick(&OrganizationRole::ALL).copied();
        let role = organization_role.unwrap_or(OrganizationRole::Member);
        let workspace_role = random.pick(&WorkspaceRole::ALL).copied();
        let workspace_role = workspace_role.unwrap_or(WorkspaceRole::Reader);
        match random.below(44) {
            0 | 1 => {
                let created = carrier.carry(actor, CreateOrganization { name }).await?;
                if let Some(created) = created {
                    self.organizations.push(created.organization);
                    self.workspaces
                        .push((created.organization, created.workspace));
                }
            }
            2 => drop(
                carrier
                    .carry(actor, RenameOrganization { organization, name })
                    .await?,
            ),
            3 => {
                let company = if random.one_in(3) {
                    None
                } else {
                    Some(company()?)
                };
                carrier
                    .carry(
                        actor,
                        EditCompany {
                            organization,
                            company,
                        },
                    )
                    .await?;
            }
            4 => {
                let invoicing = if random.one_in(3) {
                    None
                } else {
                    Some(invoicing("a@b.example")?)
                };
                carrier
                    .carry(
                        actor,
                        EditInvoicing {
                            organization,
                            invoicing,
                        },
                    )
                    .await?;
            }
            5 if random.one_in(6) => {
                carrier
                    .carry(actor, DeleteOrganization { organization })
                    .await?;
            }
            5 | 6 => {
                let quota = SetWorkspaceQuota {
                    organization,
                    quota: 5,
                };
                carrier.carry(&operator()?, quota).await?;
            }
            7 => {
                let contract = if random.one_in(3) {
                    None
                } else {
                    Some(TextLine::new("§ 7, \u{1F4DC}")?)
                };
                carrier
                    .carry(
                        &operator()?,
                        EditContract {
                            organization,
                            contract,
                        },
                    )
                    .await?;
            }
            8 => {
                let email = if random.one_in(2) {
                    None
                } else {
                    Some(address)
                };
                let appoint = AppointAdmin {
                    organization,
                    user: other,
                    email,
                };
                carrier.carry(&operator()?, appoint).await?;
            }
            9 | 10 => {
                let release = ReleaseDomainName {
                    organization,
                    name: label,
                };
                carrier.carry(&operator()?, release).await?;
            }
            11..=13 => {
                let created = carrier
                    .carry(actor, CreateWorkspace { organization, name })
                    .await?;
                self.workspaces.extend(created.map(|id| (organization, id)));
            }
            14 => drop(
                carrier
                    .carry(
                        actor,
                        RenameWorkspace {
                            organization,
                            workspace,
                            name,
                        },
                    )
                    .await?,
            ),
            15 => {
                let invoicing = if random.one_in(2) {
                    None
                } else {
                    Some(invoicing("w@b.example")?)
                };
                let edit = EditWorkspaceInvoicing {
                    organization,
                    workspace,
                    invoicing,
                };
                carrier.carry(actor, edit).await?;
            }
            16 | 17 => {
                carrier
                    .carry(
                        actor,
                        DeleteWorkspace {
                            organization,
                            workspace,
                        },
                    )
                    .await?;
            }
            18..=21 => {
                let kind = if random.one_in(2) {
                    DomainKind::Sandbox
                } else {
                    DomainKind::Production
                };
                let create = CreateDomain {
                    organization,
                    workspace,
                    name: label,
                    kind,
                };
                let created = carrier.carry(actor, create).await?;
                self.domains.extend(created.map(|id| (organization, id)));
            }
            22..=26 => {
                let Some(domain) = domain else { return Ok(()) };
                match random.below(5) {
                    0 => drop(
                        carrier
                            .carry(
                                actor,
                                DeactivateDomain {
                                    organization,
                                    domain,
                                },
                            )
                            .await?,
                    ),
                    1 => drop(
                        carrier
                            .carry(
                                actor,
                                ReactivateDomain {
                                    organization,
                                    domain,
                                },
                            )
                            .await?,
                    ),
                    2 => {
                        let to = workspace;
                        carrier
                            .carry(
                                actor,
                                MoveDomain {
                                    organization,
                                    domain,
                                    to,
                                },
                            )
                            .await?;
                    }
                    _ => drop(
                        carrier
                            .carry(
                                actor,
                                DeleteDomain {
                                    organization,
                                    domain,
                                },
                            )
                            .await?,
                    ),
                }
            }
            27 | 28 => {
                let invite = InviteToOrganization {
                    organization,
                    email: address.clone(),
                    role,
                };
                let invited = carrier.carry(actor, invite).await?;
                self.invited(organization, address, invited);
            }
            29..=31 => {
                let email = address.clone();
                let role = workspace_role;
                let invite = InviteToWorkspace {
                    organization,
                    workspace,
                    email,
                    role,
                };
                let invited = carrier.carry(actor, invite).await?;
                self.invited(organization, address, invited);
            }
            32 => {
                let Some(invitation) = invitation else {
                    return Ok(());
                };
                let resent = carrier
                    .carry(
                        actor,
                        ResendInvitation {
                            organization,
                            invitation,
                        },
                    )
                    .await?;
                self.invited(organization, address, resent);
            }
            33 => {
                let Some(invitation) = invitation else {
                    return Ok(());
                };
                carrier
                    .carry(
                        actor,
                        RevokeInvitation {
                            organization,
                            invitation,
                        },
                    )
                    .await?;
            }
            34..=36 => {
                let Some((token, email)) = random.pick(&self.links).cloned() else {
                    return Ok(());
                };
                // Mostly by whoever it is for.
                let reader = self.people.iter().find(|(_, theirs)| *theirs == email);
                let actor = match reader {
                    Some((user, email)) if !random.one_in(6) => {
                        Actor::user(*user, VerifiedEmail::attest(email.clone()))
                    }
                    _ => actor.clone(),
                };
                if random.one_in(5) {
                    carrier.carry(&actor, DeclineInvitation { token }).await?;
                } else {
                    carrier.carry(&actor, AcceptInvitation { token }).await?;
                }
            }
            37 => {
                let change = ChangeOrganizationRole {
                    organization,
                    user: other,
                    role,
                };
                carrier.carry(actor, change).await?;
            }
            38 => drop(
                carrier
                    .carry(
                        actor,
                        RemoveMember {
                            organization,
                            user: other,
                        },
                    )
                    .await?,
            ),
            39 if random.one_in(2) => {
                carrier
                    .carry(actor, LeaveOrganization { organization })
                    .await?;
            }
            39 | 40 => drop(
                carrier
                    .carry(
                        actor,
                        LeaveWorkspace {
                            organization,
                            workspace,
                        },
                    )
                    .await?,
            ),
            41 => {
                let role = workspace_role;
                let give = GiveWorkspaceRole {
                    organization,
                    workspace,
                    user: other,
                    role,
                };
                carrier.carry(actor, give).await?;
            }
            42 => {
                let take = TakeWorkspaceRole {
                    organization,
                    workspace,
                    user: other,
                };
                carrier.carry(actor, take).await?;
            }
            _ => {
                // Somebody's address changes: perhaps only in how it is written.
                let text = if random.one_in(2) {
                    address.as_str().to_uppercase()
                } else {
                    "moved@acme.example".to_owned()
                };
                let actor = Actor::user(other, VerifiedEmail::attest(EmailAddress::new(&text)?));
                carrier
                    .carry(&actor, FollowEmailChange { organization })
                    .await?;
            }
        }
        Ok(())
    }

    fn invited(&mut self, id: OrganizationId, email: EmailAddress, invited: Option<Invited>) {
        if let Some(invited) = invited {
            self.invitations.push((id, invited.invitation));
            self.links.extend(invited.token.map(|token| (token, email)));
        }
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
