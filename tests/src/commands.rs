//! Every command once, with its arguments from whatever source a test has.
//!
//! The list of commands is the crate's own ([`tenancy::every_command`]): a command that has no arm in
//! [`Kind::draw`] doesn't compile.

use chrono::{DateTime, Utc};
use tenancy::text::TextLine;
use tenancy::{
    CommitId, CompanyInformation, DomainId, DomainKind, DomainName, EmailAddress, Grants,
    InvitationId, InvitationOffer, InvitationToken, InvoicingInformation, Limits, Name,
    OrganizationId, OrganizationRole, Role, RoleBase, RoleNumber, UserId, VerifiedEmail,
    WorkspaceId, WorkspaceRole,
};

/// A command by its name; of those that give a role, one that gives any.
macro_rules! import {
    (ChangeOrganizationRole) => {
        import!(@of OrganizationRole, ChangeOrganizationRole);
    };
    (GiveWorkspaceRole) => {
        import!(@of WorkspaceRole, GiveWorkspaceRole);
    };
    (InviteToOrganization) => {
        import!(@of OrganizationRole, InviteToOrganization);
    };
    (InviteToWorkspace) => {
        import!(@of WorkspaceRole, InviteToWorkspace);
    };
    (InviteMany) => {
        #[doc = "It offers a role: built in, or the organization's own."]
        pub type InviteMany = tenancy::commands::InviteMany<InvitationOffer>;
    };
    (@of $role:ident, $command:ident) => {
        #[doc = "It gives a role: built in, or the organization's own."]
        pub type $command = tenancy::commands::$command<Role<$role>>;
    };
    ($command:ident) => {
        use tenancy::commands::$command;
    };
}

macro_rules! asks {
    ($($file:ident: $($command:ident = $name:literal),+;)+) => {
        $($(import!($command);)+)+

        /// Any command, with its arguments.
        #[derive(Clone, Debug)]
        pub enum Ask {
            $($(#[doc = concat!("`", $name, "`")] $command($command),)+)+
        }

        /// Which command.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = concat!("`", $name, "`")] $command,)+)+
        }

        impl Kind {
            /// Every command.
            pub const ALL: &[Self] = &[$($(Self::$command),+),+];

            /// Its name in the log.
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$command => $name,)+)+ }
            }

            /// Whether what it does depends on the actor's verified address.
            pub const fn reads_email(self) -> bool {
                match self {
                    $($(Self::$command => <$command as tenancy::commands::Command>::READS_EMAIL,)+)+
                }
            }
        }

        impl Ask {
            /// Which command it is.
            pub const fn kind(&self) -> Kind {
                match self { $($(Self::$command(_) => Kind::$command,)+)+ }
            }
        }

        $($(impl From<$command> for Ask {
            fn from(command: $command) -> Self {
                Self::$command(command)
            }
        })+)+

        /// `with_command!(ask, command => …)` does the same with whichever command it is.
        #[macro_export]
        macro_rules! with_command {
            ($ask:expr, $it:ident => $body:expr) => {
                match $ask {
                    $($($crate::commands::Ask::$command($it) => $body,)+)+
                }
            };
        }
    };
}

tenancy::every_command!(asks);

/// Where the arguments of commands come from: bytes, a small world, given things.
pub trait Arguments {
    /// An organization.
    fn organization(&mut self) -> OrganizationId;
    /// A workspace, and the organization in which it is asked for.
    fn workspace(&mut self) -> (OrganizationId, WorkspaceId);
    /// A domain, and the organization in which it is asked for.
    fn domain(&mut self) -> (OrganizationId, DomainId);
    /// The workspace that a domain of this organization moves to.
    fn destination(&mut self, organization: OrganizationId) -> WorkspaceId;
    /// An invitation, and the organization in which it is asked for.
    fn invitation(&mut self) -> (OrganizationId, InvitationId);
    /// The link of an invitation.
    fn link(&mut self) -> InvitationToken;
    /// Somebody.
    fn user(&mut self) -> UserId;
    /// Somebody, with the address by which they are appointed.
    fn appointee(&mut self) -> (UserId, VerifiedEmail);
    /// Whom to invite.
    fn email(&mut self) -> EmailAddress;
    /// An organization's name.
    fn organization_name(&mut self) -> Name;
    /// A workspace's name.
    fn workspace_name(&mut self) -> Name;
    /// A domain's name.
    fn label(&mut self) -> DomainName;
    /// Sandbox or production.
    fn domain_kind(&mut self) -> DomainKind;
    /// A role in an organization.
    fn organization_role(&mut self) -> Role<OrganizationRole>;
    /// A role in a workspace.
    fn workspace_role(&mut self) -> Role<WorkspaceRole>;
    /// A role of an organization's own.
    fn own_role(&mut self) -> RoleNumber;
    /// The name of such a role.
    fn role_name(&mut self) -> Name;
    /// What such a role builds on.
    fn base(&mut self) -> RoleBase;
    /// What such a role adds.
    fn adds(&mut self) -> Grants;
    /// How many workspaces an organization may hold.
    fn quota(&mut self) -> u32;
    /// How much else it may hold, and perhaps how many workspaces.
    fn limits(&mut self) -> (Limits, Option<u32>);
    /// What many are invited to, and the organization in which it is asked for.
    fn offer(&mut self) -> (OrganizationId, InvitationOffer);
    /// Addresses as they were typed.
    fn lines(&mut self) -> Vec<String>;
    /// Company information.
    fn company(&mut self) -> Option<CompanyInformation>;
    /// Invoicing information.
    fn invoicing(&mut self) -> Option<InvoicingInformation>;
    /// A contract's reference.
    fn contract(&mut self) -> Option<TextLine>;
    /// When something ends, if it does.
    fn end(&mut self) -> Option<DateTime<Utc>>;
    /// Why an organization is suspended.
    fn reason(&mut self) -> TextLine;
    /// The role that somebody keeps who hands over.
    fn kept_role(&mut self) -> Option<Role<OrganizationRole>>;
}

impl Kind {
    /// Such a command, with arguments from there.
    pub fn draw(self, from: &mut impl Arguments) -> Ask {
        match self {
            Self::CreateOrganization => CreateOrganization {
                name: from.organization_name(),
            }
            .into(),
            Self::RenameOrganization => RenameOrganization {
                organization: from.organization(),
                name: from.organization_name(),
            }
            .into(),
            Self::EditCompany => EditCompany {
                organization: from.organization(),
                company: from.company(),
            }
            .into(),
            Self::EditInvoicing => EditInvoicing {
                organization: from.organization(),
                invoicing: from.invoicing(),
            }
            .into(),
            Self::DeleteOrganization => DeleteOrganization {
                organization: from.organization(),
            }
            .into(),
            Self::SetWorkspaceQuota => SetWorkspaceQuota {
                organization: from.organization(),
                quota: from.quota(),
            }
            .into(),
            Self::SetLimits => {
                let organization = from.organization();
                let (limits, workspace_quota) = from.limits();
                SetLimits {
                    organization,
                    limits,
                    workspace_quota,
                }
                .into()
            }
            Self::InviteMany => {
                let (organization, target) = from.offer();
                InviteMany {
                    organization,
                    target,
                    emails: from.lines(),
                }
                .into()
            }
            Self::EditContract => EditContract {
                organization: from.organization(),
                contract: from.contract(),
            }
            .into(),
            Self::AppointAdmin => {
                let organization = from.organization();
                let (user, email) = from.appointee();
                AppointAdmin {
                    organization,
                    user,
                    email,
                }
                .into()
            }
            Self::ReleaseDomainName => ReleaseDomainName {
                organization: from.organization(),
                name: from.label(),
            }
            .into(),
            Self::CreateWorkspace => CreateWorkspace {
                organization: from.organization(),
                name: from.workspace_name(),
            }
            .into(),
            Self::RenameWorkspace => {
                let (organization, workspace) = from.workspace();
                let name = from.workspace_name();
                RenameWorkspace {
                    organization,
                    workspace,
                    name,
                }
                .into()
            }
            Self::EditWorkspaceInvoicing => {
                let (organization, workspace) = from.workspace();
                let invoicing = from.invoicing();
                EditWorkspaceInvoicing {
                    organization,
                    workspace,
                    invoicing,
                }
                .into()
            }
            Self::DeleteWorkspace => {
                let (organization, workspace) = from.workspace();
                DeleteWorkspace {
                    organization,
                    workspace,
                }
                .into()
            }
            Self::CreateDomain => {
                let (organization, workspace) = from.workspace();
                CreateDomain {
                    organization,
                    workspace,
                    name: from.label(),
                    kind: from.domain_kind(),
                }
                .into()
            }
            Self::DeactivateDomain => {
                let (organization, domain) = from.domain();
                DeactivateDomain {
                    organization,
                    domain,
                }
                .into()
            }
            Self::ReactivateDomain => {
                let (organization, domain) = from.domain();
                ReactivateDomain {
                    organization,
                    domain,
                }
                .into()
            }
            Self::MoveDomain => {
                let (organization, domain) = from.domain();
                let to = from.destination(organization);
                MoveDomain {
                    organization,
                    domain,
                    to,
                }
                .into()
            }
            Self::DeleteDomain => {
                let (organization, domain) = from.domain();
                DeleteDomain {
                    organization,
                    domain,
                }
                .into()
            }
            Self::ChangeOrganizationRole => ChangeOrganizationRole {
                organization: from.organization(),
                user: from.user(),
                role: from.organization_role(),
            }
            .into(),
            Self::RemoveMember => RemoveMember {
                organization: from.organization(),
                user: from.user(),
            }
            .into(),
            Self::LeaveOrganization => LeaveOrganization {
                organization: from.organization(),
            }
            .into(),
            Self::FollowEmailChange => FollowEmailChange {
                organization: from.organization(),
            }
            .into(),
            Self::SuspendMember => SuspendMember {
                organization: from.organization(),
                user: from.user(),
            }
            .into(),
            Self::ReinstateMember => ReinstateMember {
                organization: from.organization(),
                user: from.user(),
            }
            .into(),
            Self::SuspendOrganization => SuspendOrganization {
                organization: from.organization(),
                reason: from.reason(),
            }
            .into(),
            Self::ReinstateOrganization => ReinstateOrganization {
                organization: from.organization(),
            }
            .into(),
            Self::SetMembershipEnd => SetMembershipEnd {
                organization: from.organization(),
                user: from.user(),
                until: from.end(),
            }
            .into(),
            Self::SetWorkspaceRoleEnd => {
                let (organization, workspace) = from.workspace();
                SetWorkspaceRoleEnd {
                    organization,
                    workspace,
                    user: from.user(),
                    until: from.end(),
                }
                .into()
            }
            Self::HandOver => HandOver {
                organization: from.organization(),
                to: from.user(),
                keep: from.kept_role(),
            }
            .into(),
            Self::GiveWorkspaceRole => {
                let (organization, workspace) = from.workspace();
                GiveWorkspaceRole {
                    organization,
                    workspace,
                    user: from.user(),
                    role: from.workspace_role(),
                }
                .into()
            }
            Self::DefineRole => DefineRole {
                organization: from.organization(),
                name: from.role_name(),
                base: from.base(),
                adds: from.adds(),
            }
            .into(),
            Self::ReviseRole => ReviseRole {
                organization: from.organization(),
                role: from.own_role(),
                name: from.role_name(),
                adds: from.adds(),
            }
            .into(),
            Self::RetireRole => RetireRole {
                organization: from.organization(),
                role: from.own_role(),
            }
            .into(),
            Self::RestoreRole => RestoreRole {
                organization: from.organization(),
                role: from.own_role(),
            }
            .into(),
            Self::DeleteRole => DeleteRole {
                organization: from.organization(),
                role: from.own_role(),
            }
            .into(),
            Self::TakeWorkspaceRole => {
                let (organization, workspace) = from.workspace();
                let user = from.user();
                TakeWorkspaceRole {
                    organization,
                    workspace,
                    user,
                }
                .into()
            }
            Self::LeaveWorkspace => {
                let (organization, workspace) = from.workspace();
                LeaveWorkspace {
                    organization,
                    workspace,
                }
                .into()
            }
            Self::InviteToOrganization => InviteToOrganization {
                organization: from.organization(),
                email: from.email(),
                role: from.organization_role(),
            }
            .into(),
            Self::InviteToWorkspace => {
                let (organization, workspace) = from.workspace();
                InviteToWorkspace {
                    organization,
                    workspace,
                    email: from.email(),
                    role: from.workspace_role(),
                }
                .into()
            }
            Self::ResendInvitation => {
                let (organization, invitation) = from.invitation();
                ResendInvitation {
                    organization,
                    invitation,
                }
                .into()
            }
            Self::RevokeInvitation => {
                let (organization, invitation) = from.invitation();
                RevokeInvitation {
                    organization,
                    invitation,
                }
                .into()
            }
            Self::AcceptReceivedInvitation => {
                let (organization, invitation) = from.invitation();
                AcceptReceivedInvitation {
                    organization,
                    invitation,
                }
                .into()
            }
            Self::DeclineReceivedInvitation => {
                let (organization, invitation) = from.invitation();
                DeclineReceivedInvitation {
                    organization,
                    invitation,
                }
                .into()
            }
            Self::AcceptInvitation => AcceptInvitation { token: from.link() }.into(),
            Self::DeclineInvitation => DeclineInvitation { token: from.link() }.into(),
        }
    }
}

impl Ask {
    /// The organization that it is about; `None` of a creation, which is about none yet.
    pub fn about(&self) -> Option<OrganizationId> {
        use tenancy::commands::Command as _;
        let nothing = CommitId::from_uuid(uuid::Uuid::nil());
        match self {
            Self::CreateOrganization(_) => None,
            ask => Some(with_command!(ask, command => command.organization(nothing))),
        }
    }
}

/// All that a source of exhaustive choices can answer, one run after another: an odometer, a digit a
/// choice.
#[derive(Debug, Default)]
pub struct Choices {
    /// Of each choice of a run: which was made, of how many.
    digits: Vec<(usize, usize)>,
    made: usize,
}

impl Choices {
    /// The next choice of this run.
    pub fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        if self.made == self.digits.len() {
            self.digits.push((0, all.len()));
        }
        let (at, of) = self.digits[self.made];
        assert_eq!(of, all.len(), "a run chooses by what it chose before");
        self.made += 1;
        all[at].clone()
    }

    /// Turns to the next run; `false` if all were made.
    pub fn turn(&mut self) -> bool {
        self.digits.truncate(self.made);
        self.made = 0;
        while let Some((at, of)) = self.digits.pop() {
            if at + 1 < of {
                self.digits.push((at + 1, of));
                return true;
            }
        }
        false
    }
}
