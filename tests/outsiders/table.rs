//! The table: every command and every read, asked about given things.

use std::fmt::{Debug, Display};

use tenancy::commands::{
    AcceptInvitation, AppointAdmin, ChangeOrganizationRole, Command, CreateDomain,
    CreateOrganization, CreateWorkspace, DeactivateDomain, DeclineInvitation, DeleteDomain,
    DeleteOrganization, DeleteWorkspace, EditCompany, EditContract, EditInvoicing,
    EditWorkspaceInvoicing, FollowEmailChange, GiveWorkspaceRole, InviteToOrganization,
    InviteToWorkspace, LeaveOrganization, LeaveWorkspace, MoveDomain, ReactivateDomain,
    ReleaseDomainName, RemoveMember, RenameOrganization, RenameWorkspace, ResendInvitation,
    RevokeInvitation, SetWorkspaceQuota, TakeWorkspaceRole,
};
use tenancy::store::MemoryRepository;
use tenancy::text::TextLine;
use tenancy::token::InvitationSecret;
use tenancy::{
    Actor, CommitId, DomainAction, DomainId, DomainKind, DomainName, EmailAddress, Error,
    InvitationId, InvitationToken, Name, OrganizationAction, OrganizationId, OrganizationRole,
    Paging, Tenancy, UserId, WorkspaceAction, WorkspaceId, WorkspaceRole, block_on,
};

use crate::counting::Counting;

/// What is asked about.
#[derive(Clone, Debug)]
pub struct At {
    pub commit: CommitId,
    pub organization: OrganizationId,
    pub workspace: WorkspaceId,
    pub to: WorkspaceId,
    pub domain: DomainId,
    pub invitation: InvitationId,
    pub user: UserId,
    pub email: EmailAddress,
    pub label: DomainName,
    pub name: Name,
    pub line: TextLine,
}

/// What was answered, and what it took.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub said: String,
    pub trips: Vec<String>,
}

pub type Store = Counting<MemoryRepository>;

/// A command or a read.
pub struct Row {
    pub name: &'static str,
    /// A read that names nothing: it is about whoever asks.
    pub about_oneself: bool,
    /// What the host asks to decide with, and doesn't show.
    pub for_the_host: bool,
    /// Whether it names a workspace beside a domain, so that who may view one sees whether it is there.
    pub names_two_layers: bool,
    ask: fn(&Tenancy<Store>, &Actor, &At) -> Result<String, String>,
}

impl Row {
    pub fn ask(&self, tenancy: &Tenancy<Store>, actor: &Actor, at: &At) -> Answer {
        drop(tenancy.repository().taken());
        let (Ok(said) | Err(said)) = (self.ask)(tenancy, actor, at);
        let said = if self.about_oneself {
            said
        } else {
            anonymous(said, at)
        };
        Answer {
            said,
            trips: tenancy.repository().taken(),
        }
    }
}

/// Without the ids that were asked for.
fn anonymous(said: String, at: &At) -> String {
    let mut said = said;
    let ids: [(&dyn Display, &str); 6] = [
        (&at.organization, "ORGANIZATION"),
        (&at.workspace, "WORKSPACE"),
        (&at.to, "OTHER WORKSPACE"),
        (&at.domain, "DOMAIN"),
        (&at.invitation, "INVITATION"),
        (&at.user, "USER"),
    ];
    for (id, word) in ids {
        said = said.replace(&id.to_string(), word);
    }
    said
}

/// What a refusal says, in every way that it does.
fn refused<E: Debug>(error: Error<E>) -> String {
    let refusal = error.refusal().unwrap_or_else(|| panic!("{error:?}"));
    let json = serde_json::to_string(refusal).unwrap();
    let (code, status) = (refusal.code(), error.http_status());
    format!("{code} {status}: {refusal}: {refusal:?} {error:?} {json}")
}

/// A command is prepared, which is all but the commit; what is granted is told by its kinds of events.
fn command<C: Command>(
    tenancy: &Tenancy<Store>,
    actor: &Actor,
    at: &At,
    command: C,
) -> Result<String, String> {
    let decided = block_on(tenancy.prepare_as(at.commit, actor, command)).map_err(refused)?;
    Ok(format!("granted, {} events", decided.events.len()))
}

fn read<T: Debug, E: Debug>(answer: Result<T, Error<E>>) -> Result<String, String> {
    answer.map(|answer| format!("{answer:?}")).map_err(refused)
}

/// A link whose secret is wrong: the asker has none.
fn guessed(at: &At) -> InvitationToken {
    let secret = InvitationSecret::generate().unwrap();
    InvitationToken::new(at.organization, at.invitation, &secret)
}

macro_rules! commands {
    ($($name:ident { $($field:ident: $value:expr),* $(,)? })+, $at:ident) => {
        pub const COMMANDS: &[Row] = &[$(Row {
            name: <$name as Command>::NAME,
            about_oneself: false,
            for_the_host: false,
            names_two_layers: matches!(<$name as Command>::NAME.as_bytes(), b"move_domain"),
            ask: |tenancy, actor, $at| {
                command(tenancy, actor, $at, $name { $($field: $value),* })
            },
        }),+];
    };
}

commands! {
    CreateOrganization { name: at.name.clone() }
    RenameOrganization { organization: at.organization, name: at.name.clone() }
    EditCompany { organization: at.organization, company: None }
    EditInvoicing { organization: at.organization, invoicing: None }
    DeleteOrganization { organization: at.organization }
    CreateWorkspace { organization: at.organization, name: at.name.clone() }
    RenameWorkspace {
        organization: at.organization, workspace: at.workspace, name: at.name.clone(),
    }
    EditWorkspaceInvoicing {
        organization: at.organization, workspace: at.workspace, invoicing: None,
    }
    DeleteWorkspace { organization: at.organization, workspace: at.workspace }
    CreateDomain {
        organization: at.organization, workspace: at.workspace, name: at.label.clone(),
        kind: DomainKind::Sandbox,
    }
    DeactivateDomain { organization: at.organization, domain: at.domain }
    ReactivateDomain { organization: at.organization, domain: at.domain }
    MoveDomain { organization: at.organization, domain: at.domain, to: at.to }
    DeleteDomain { organization: at.organization, domain: at.domain }
    ChangeOrganizationRole {
        organization: at.organization, user: at.user, role: OrganizationRole::Admin,
    }
    RemoveMember { organization: at.organization, user: at.user }
    LeaveOrganization { organization: at.organization }
    FollowEmailChange { organization: at.organization }
    GiveWorkspaceRole {
        organization: at.organization, workspace: at.workspace, user: at.user,
        role: WorkspaceRole::Admin,
    }
    TakeWorkspaceRole {
        organization: at.organization, workspace: at.workspace, user: at.user,
    }
    LeaveWorkspace { organization: at.organization, workspace: at.workspace }
    InviteToOrganization {
        organization: at.organization, email: at.email.clone(), role: OrganizationRole::Member,
    }
    InviteToWorkspace {
        organization: at.organization, workspace: at.workspace, email: at.email.clone(),
        role: WorkspaceRole::Reader,
    }
    ResendInvitation { organization: at.organization, invitation: at.invitation }
    RevokeInvitation { organization: at.organization, invitation: at.invitation }
    AcceptInvitation { token: guessed(at) }
    DeclineInvitation { token: guessed(at) }
    SetWorkspaceQuota { organization: at.organization, quota: 7 }
    EditContract { organization: at.organization, contract: Some(at.line.clone()) }
    AppointAdmin {
        organization: at.organization, user: at.user, email: Some(at.email.clone()),
    }
    ReleaseDomainName { organization: at.organization, name: at.label.clone() }, at
}

macro_rules! reads {
    ($($name:ident: |$tenancy:ident, $actor:ident, $at:ident| $ask:expr;)+) => {
        pub const READS: &[Row] = &[$(Row {
            name: stringify!($name),
            about_oneself: matches!(
                stringify!($name).as_bytes(),
                b"organizations"
                    | b"received_invitations"
                    | b"reachable_organizations"
                    | b"only_admin_of"
            ),
            for_the_host: matches!(stringify!($name).as_bytes(), b"standing"),
            names_two_layers: false,
            ask: |$tenancy, $actor, $at| read(block_on($ask)),
        }),+];
    };
}

reads! {
    standing: |tenancy, actor, at| tenancy.standing(actor, (at.organization, at.domain));
    check: |tenancy, actor, at|
        tenancy.check(actor, (at.organization, at.domain), DomainAction::Configure);
    check_many: |tenancy, actor, at| tenancy.check_many(actor, [
        ((at.organization, at.workspace), WorkspaceAction::Rename),
        ((at.organization, at.to), WorkspaceAction::Delete),
        ((at.organization, at.workspace), WorkspaceAction::View),
    ]);
    require: |tenancy, actor, at|
        tenancy.require(actor, (at.organization, at.domain), DomainAction::Delete);
    organization: |tenancy, actor, at| tenancy.organization(actor, at.organization);
    company: |tenancy, actor, at| tenancy.company(actor, at.organization);
    invoicing: |tenancy, actor, at| tenancy.invoicing(actor, at.organization);
    contract: |tenancy, actor, at| tenancy.contract(actor, at.organization);
    quota_usage: |tenancy, actor, at| tenancy.quota_usage(actor, at.organization);
    workspace: |tenancy, actor, at| tenancy.workspace(actor, (at.organization, at.workspace));
    workspace_invoicing: |tenancy, actor, at|
        tenancy.workspace_invoicing(actor, (at.organization, at.workspace));
    domain: |tenancy, actor, at| tenancy.domain(actor, (at.organization, at.domain));
    preview: |tenancy, _actor, at| async { tenancy.preview(&guessed(at)).await };
    organizations: |tenancy, actor, _at|
        tenancy.organizations(actor, Paging::first(5));
    received_invitations: |tenancy, actor, _at|
        tenancy.received_invitations(actor, Paging::first(5));
    only_admin_of: |tenancy, actor, _at|
        tenancy.only_admin_of(actor.user_id().unwrap_or(UserId::new()), Paging::first(5));
    workspaces: |tenancy, actor, at|
        tenancy.workspaces(actor, at.organization, Paging::first(5));
    members: |tenancy, actor, at| tenancy.members(actor, at.organization, Paging::first(5));
    workspace_members: |tenancy, actor, at|
        tenancy.workspace_members(actor, (at.organization, at.workspace), Paging::first(5));
    domains: |tenancy, actor, at|
        tenancy.domains(actor, (at.organization, at.workspace), Paging::first(5));
    invitations: |tenancy, actor, at|
        tenancy.invitations(actor, at.organization, Paging::first(5));
    workspace_invitations: |tenancy, actor, at|
        tenancy.workspace_invitations(actor, (at.organization, at.workspace), Paging::first(5));
    audit_trail: |tenancy, actor, at|
        tenancy.audit_trail(actor, at.organization, Paging::first(5));
    reachable_organizations: |tenancy, actor, _at|
        tenancy.reachable_organizations(actor, OrganizationAction::View, Paging::first(5));
    reachable_workspaces: |tenancy, actor, at| tenancy.reachable_workspaces(
        actor, at.organization, WorkspaceAction::View, Paging::first(5)
    );
    reachable_domains: |tenancy, actor, at| tenancy.reachable_domains(
        actor, at.organization, DomainAction::View,
        Paging::first(5)
    );
    who_can: |tenancy, actor, at| tenancy.who_can(
        actor, (at.organization, at.domain), DomainAction::View, Paging::first(5)
    );
}
