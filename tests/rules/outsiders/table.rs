//! The table: every command and every read, asked about given things.

use std::fmt::{Debug, Display};

use chrono::{DateTime, Utc};
use tenancy::commands::{Command, DeleteDomain, RemoveMember};
use tenancy::store::MemoryRepository;
use tenancy::text::TextLine;
use tenancy::token::InvitationSecret;
use tenancy::{
    Actor, CommitId, CompanyInformation, Decision, DomainAction, DomainId, DomainKind, DomainName,
    EmailAddress, Error, Grant, Grants, InvitationId, InvitationOffer, InvitationToken,
    InvoicingInformation, Limits, Name, OrganizationAction, OrganizationId, OrganizationRole,
    Paging, Role, RoleBase, RoleNumber, Tenancy, UserId, VerifiedEmail, WorkspaceAction,
    WorkspaceId, WorkspaceRole, block_on,
};
use tenancy_tests::commands::{Arguments, Kind};
use tenancy_tests::with_command;

use super::counting::Counting;

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
    pub role: RoleNumber,
}

/// What was answered, and what it took.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub said: String,
    pub trips: Vec<String>,
}

pub type Store = Counting<MemoryRepository>;

/// A command or a read.
#[derive(Clone, Copy)]
pub struct Row {
    pub name: &'static str,
    about: About,
    /// What the host asks to decide with, and doesn't show.
    pub for_the_host: bool,
    /// Whether it names a workspace beside a domain, so that who may view one sees whether it is there.
    pub names_two_layers: bool,
    asked: Asked,
}

/// What a row asks about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// What it names.
    Something,
    /// Whoever asks: it names nothing.
    Oneself,
    /// Whatever there is, which only operators are told: nobody else's question takes a round trip.
    Everything,
}

#[derive(Clone, Copy)]
enum Asked {
    Command(Kind),
    Read(fn(&Tenancy<Store>, &Actor, &At) -> Result<String, String>),
}

impl Row {
    pub fn of(kind: Kind) -> Self {
        Self {
            name: kind.name(),
            about: About::Something,
            for_the_host: false,
            names_two_layers: kind == Kind::MoveDomain,
            asked: Asked::Command(kind),
        }
    }

    pub fn is_about_oneself(&self) -> bool {
        self.about == About::Oneself
    }

    pub fn is_for_operators(&self) -> bool {
        self.about == About::Everything
    }

    pub fn is_creation(&self) -> bool {
        matches!(self.asked, Asked::Command(Kind::CreateOrganization))
    }

    pub fn ask(&self, tenancy: &Tenancy<Store>, actor: &Actor, at: &At) -> Answer {
        drop(tenancy.repository().taken());
        let answer = match self.asked {
            Asked::Command(kind) => {
                let ask = kind.draw(&mut Given(at));
                with_command!(ask, it => command(tenancy, actor, at, it))
            }
            Asked::Read(read) => read(tenancy, actor, at),
        };
        let (Ok(said) | Err(said)) = answer;
        let said = if self.is_about_oneself() {
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

/// The arguments of every command: what is asked about.
struct Given<'a>(&'a At);

impl Arguments for Given<'_> {
    fn organization(&mut self) -> OrganizationId {
        self.0.organization
    }

    fn workspace(&mut self) -> (OrganizationId, WorkspaceId) {
        (self.0.organization, self.0.workspace)
    }

    fn domain(&mut self) -> (OrganizationId, DomainId) {
        (self.0.organization, self.0.domain)
    }

    fn destination(&mut self, _: OrganizationId) -> WorkspaceId {
        self.0.to
    }

    fn invitation(&mut self) -> (OrganizationId, InvitationId) {
        (self.0.organization, self.0.invitation)
    }

    fn link(&mut self) -> InvitationToken {
        guessed(self.0)
    }

    fn user(&mut self) -> UserId {
        self.0.user
    }

    fn appointee(&mut self) -> (UserId, VerifiedEmail) {
        (self.0.user, VerifiedEmail::attest(self.0.email.clone()))
    }

    fn email(&mut self) -> EmailAddress {
        self.0.email.clone()
    }

    fn organization_name(&mut self) -> Name {
        self.0.name.clone()
    }

    fn workspace_name(&mut self) -> Name {
        self.0.name.clone()
    }

    fn label(&mut self) -> DomainName {
        self.0.label.clone()
    }

    fn domain_kind(&mut self) -> DomainKind {
        DomainKind::Sandbox
    }

    fn organization_role(&mut self) -> Role<OrganizationRole> {
        OrganizationRole::Admin.into()
    }

    fn workspace_role(&mut self) -> Role<WorkspaceRole> {
        WorkspaceRole::Admin.into()
    }

    fn own_role(&mut self) -> RoleNumber {
        self.0.role
    }

    fn role_name(&mut self) -> Name {
        self.0.name.clone()
    }

    fn base(&mut self) -> RoleBase {
        RoleBase::Reader
    }

    fn adds(&mut self) -> Grants {
        Grants::of(WorkspaceAction::Rename).unwrap()
    }

    fn quota(&mut self) -> u32 {
        7
    }

    fn limits(&mut self) -> (Limits, Option<u32>) {
        (Limits::UNLIMITED, Some(7))
    }

    fn offer(&mut self) -> (OrganizationId, InvitationOffer) {
        let (workspace, role) = (self.0.workspace, WorkspaceRole::Admin.into());
        let offer = InvitationOffer::Workspace { workspace, role };
        (self.0.organization, offer)
    }

    fn lines(&mut self) -> Vec<String> {
        vec![self.0.email.as_str().to_owned()]
    }

    fn company(&mut self) -> Option<CompanyInformation> {
        None
    }

    fn invoicing(&mut self) -> Option<InvoicingInformation> {
        None
    }

    fn contract(&mut self) -> Option<TextLine> {
        Some(self.0.line.clone())
    }

    fn end(&mut self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(1_800_000_000, 0)
    }

    fn reason(&mut self) -> TextLine {
        self.0.line.clone()
    }

    fn kept_role(&mut self) -> Option<Role<OrganizationRole>> {
        None
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
    // A number is short, and what is shown may have any: only where one is repeated.
    let repeats = ["role_not_found", "\"allowed as role "];
    if !repeats.iter().any(|start| said.starts_with(start)) {
        return said;
    }
    for around in ["role # ", "RoleNumber(#)", "\"role\":#"] {
        let number = around.replace('#', &at.role.to_string());
        said = said.replace(&number, &around.replace('#', "ROLE"));
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

/// Every command.
pub fn commands() -> impl Iterator<Item = Row> {
    Kind::ALL.iter().map(|kind| Row::of(*kind))
}

macro_rules! reads {
    ($($name:ident: |$tenancy:ident, $actor:ident, $at:ident| $ask:expr;)+) => {
        pub const READS: &[Row] = &[$(Row {
            name: stringify!($name),
            about: match stringify!($name).as_bytes() {
                b"organizations"
                | b"received_invitations"
                | b"reachable_organizations"
                | b"only_admin_of" => About::Oneself,
                b"all_organizations"
                | b"organizations_named"
                | b"organizations_with_member"
                | b"organization_with_domain" => About::Everything,
                _ => About::Something,
            },
            for_the_host: matches!(stringify!($name).as_bytes(), b"standing" | b"explain"),
            names_two_layers: false,
            asked: Asked::Read(|$tenancy, $actor, $at| read(block_on($ask))),
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
    overview: |tenancy, actor, at| tenancy.overview(actor, at.organization);
    person: |tenancy, actor, at| tenancy.person(actor, at.organization, at.user);
    why_not: |tenancy, actor, at| tenancy.why_not(actor, (
        DeleteDomain { organization: at.organization, domain: at.domain },
        RemoveMember { organization: at.organization, user: at.user },
    ));
    company: |tenancy, actor, at| tenancy.company(actor, at.organization);
    invoicing: |tenancy, actor, at| tenancy.invoicing(actor, at.organization);
    contract: |tenancy, actor, at| tenancy.contract(actor, at.organization);
    usage: |tenancy, actor, at| tenancy.usage(actor, at.organization);
    workspace_usage: |tenancy, actor, at|
        tenancy.workspace_usage(actor, (at.organization, at.workspace));
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
    own_roles: |tenancy, actor, at| tenancy.own_roles(actor, at.organization);
    explain: |tenancy, actor, at| tenancy.explain(actor, at.organization, Decision::Allowed {
        by: Grant::Own { role: at.role, base: RoleBase::Reader },
    });
    workspaces: |tenancy, actor, at|
        tenancy.workspaces(actor, at.organization, Paging::first(5));
    members: |tenancy, actor, at| tenancy.members(actor, at.organization, Paging::first(5));
    workspace_members: |tenancy, actor, at|
        tenancy.workspace_members(actor, (at.organization, at.workspace), Paging::first(5));
    holders: |tenancy, actor, at|
        tenancy.holders(actor, at.organization, at.role, Paging::first(5));
    workspace_holders: |tenancy, actor, at| tenancy.workspace_holders(
        actor, (at.organization, at.workspace), at.role, Paging::first(5)
    );
    domains: |tenancy, actor, at|
        tenancy.domains(actor, (at.organization, at.workspace), Paging::first(5));
    kept_domain_names: |tenancy, actor, at|
        tenancy.kept_domain_names(actor, at.organization, Paging::first(5));
    invitation: |tenancy, actor, at| tenancy.invitation(actor, at.organization, at.invitation);
    invitations: |tenancy, actor, at|
        tenancy.invitations(actor, at.organization, Paging::first(5));
    workspace_invitations: |tenancy, actor, at|
        tenancy.workspace_invitations(actor, (at.organization, at.workspace), Paging::first(5));
    audit_trail: |tenancy, actor, at|
        tenancy.audit_trail(actor, at.organization, Paging::first(5));
    activity: |tenancy, actor, at|
        tenancy.activity(actor, at.organization, Paging::first(5));
    all_organizations: |tenancy, actor, _at|
        tenancy.all_organizations(actor, Paging::first(50));
    organizations_named: |tenancy, actor, at|
        tenancy.organizations_named(actor, &at.name, Paging::first(5));
    organizations_with_member: |tenancy, actor, at|
        tenancy.organizations_with_member(actor, &at.email, Paging::first(5));
    organization_with_domain: |tenancy, actor, at|
        tenancy.organization_with_domain(actor, &at.label);
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
