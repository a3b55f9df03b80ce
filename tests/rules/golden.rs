//! JSON that leaves the process, as it was first written: log entries, refusals, decisions, records,
//! commits. Clients compare it, stores keep it, services of other versions read it.
//!
//! Each value is written as its file says, and the file is read as that value. Times and fields are those
//! of one made-up deployment. The events themselves are in `golden/events/` (`rules/events.rs`).
//!
//! A file is never changed, only added: what it says is out there.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tenancy::commands::{RequestDigest, Together};
use tenancy::store::{
    Change, Claim, Commit, Counts, FormerMember, Invitation, InvitationState, Kind, Later,
    LinksMade, MembersByRole, Newcomers, Organization, OrganizationStatus, Record, RecordId,
    RetiredDomainName, Workspace,
};
use tenancy::text::{PostalAddress, TextLine};
use tenancy::token::TokenHash;
use tenancy::{
    Author, CommitId, CompanyInformation, Decision, Domain, DomainAction, DomainId, DomainKind,
    DomainName, DomainStatus, EmailAddress, Event, Grant, Grants, InvitationId, InvitationOffer,
    InvitationTarget, InvoicingInformation, Layer, Limit, Limits, LogEntry, LogPart, Member, Name,
    OrganizationId, OrganizationRole, OwnRole, Refusal, Resource, RevocationReason, Role, RoleBase,
    RoleNumber, RoleSet, RoleState, UserId, Version, WorkspaceId, WorkspaceMember, WorkspaceRole,
};

fn folder(named: &str) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    golden.join(named)
}

/// Writes a file that is missing or says something else, on request only.
fn bless(path: &Path, written: &serde_json::Value, value: &impl Serialize) {
    let before = fs::read_to_string(path).ok();
    let before = before.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    if before.as_ref() != Some(written) {
        let pretty = serde_json::to_string_pretty(value).unwrap();
        fs::write(path, format!("{pretty}\n")).unwrap();
    }
}

/// Each value is what its file says, and there is a file for each and for nothing else.
fn are_golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    folder_name: &str,
    values: &[(&str, T)],
) {
    let folder = folder(folder_name);
    for (name, value) in values {
        let path = folder.join(format!("{name}.json"));
        let written = serde_json::to_value(value).unwrap();
        if std::env::var_os("TENANCY_BLESS").is_some() {
            bless(&path, &written, value);
        }
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; it is {written}", path.display()));
        let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(written, golden, "{folder_name}/{name}: written otherwise");
        let read: T = serde_json::from_str(&text).unwrap();
        assert_eq!(read, *value, "{folder_name}/{name}: read otherwise");
    }
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    let names = values.iter().map(|(name, _)| (*name).to_owned());
    assert_eq!(
        files.collect::<BTreeSet<_>>(),
        names.collect(),
        "{folder_name}: a file for each value, and for nothing else"
    );
}

// One made-up deployment, as in `golden/events/`.

fn uuid(last: u8) -> uuid::Uuid {
    format!("0198c5a4-0000-7000-8000-{last:012}")
        .parse()
        .unwrap()
}

fn organization() -> OrganizationId {
    OrganizationId::from_uuid(uuid(10))
}

fn workspace() -> WorkspaceId {
    WorkspaceId::from_uuid(uuid(1))
}

fn domain() -> DomainId {
    DomainId::from_uuid(uuid(2))
}

fn invitation() -> InvitationId {
    InvitationId::from_uuid(uuid(5))
}

fn role() -> RoleNumber {
    "7".parse().unwrap()
}

fn ann() -> UserId {
    UserId::from_uuid(uuid(4))
}

fn bob() -> UserId {
    UserId::from_uuid(uuid(6))
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    time("2026-11-23T12:00:00.123Z")
}

fn line(text: &str) -> TextLine {
    TextLine::new(text).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

fn label() -> DomainName {
    DomainName::new("acme-sandbox").unwrap()
}

fn invoicing() -> InvoicingInformation {
    InvoicingInformation {
        recipient: line("Acme SAS"),
        email: email("Billing@acme.example"),
        address: PostalAddress::new([line("1 rue de la Paix"), line("75002 Paris")]).unwrap(),
        reference: Some(line("PO 7")),
    }
}

fn acme(version: u64) -> Organization {
    Organization {
        id: organization(),
        version: Version::new(version),
        status: OrganizationStatus::Active,
        name: name("Acme"),
        company: Some(CompanyInformation {
            legal_name: line("Acme SAS"),
            registration_number: Some(line("RCS 1")),
            vat_number: None,
            address: PostalAddress::new([line("1 rue de la Paix")]).unwrap(),
        }),
        invoicing: Some(invoicing()),
        contract: Some(line("C-42")),
        suspension: None,
        workspace_quota: 3,
        limits: Limits {
            seats: Some(5),
            domains: Some(100),
            domains_per_workspace: None,
        },
        counts: Counts {
            workspaces: 1,
            domains: 2,
            kept_names: 1,
            members: 4,
            admins: 3,
            invitations: 5,
            by_role: MembersByRole {
                admin: 3,
                accounting: 0,
                member: 1,
            },
            newcomers: Newcomers {
                member: 2,
                ..Newcomers::default()
            },
        },
        links: LinksMade {
            day: 20_780,
            count: 6,
        },
        roles: Vec::new(),
        created_at: noon(),
        later: Later::default(),
    }
}

fn payments() -> Workspace {
    Workspace {
        id: workspace(),
        name: name("Payments"),
        name_key: name("Payments").key(),
        invoicing: None,
        domains: 1,
        members: 2,
        created_at: noon(),
        later: Later::default(),
    }
}

fn sandbox() -> Domain {
    Domain {
        id: domain(),
        workspace: workspace(),
        name: label(),
        kind: DomainKind::Sandbox,
        status: DomainStatus::Active,
        created_at: noon(),
        later: Later::default(),
    }
}

fn sent(target: InvitationTarget, state: InvitationState) -> Invitation {
    Invitation {
        id: invitation(),
        email: email("Bob@acme.example"),
        target,
        own_role: None,
        inviter: ann(),
        token_hash: TokenHash::from_bytes([7; 32]),
        sent_at: noon(),
        sent_in: Version::new(4),
        expires_at: time("2026-11-30T12:00:00.123Z"),
        state,
        later: Later::default(),
    }
}

const TO_THE_ORGANIZATION: InvitationTarget = InvitationTarget::Organization {
    role: OrganizationRole::Accounting,
};

fn not_together(why: Together) -> Refusal {
    Refusal::NotTogether { why }
}

fn to_the_workspace() -> InvitationTarget {
    InvitationTarget::Workspace {
        workspace: workspace(),
        role: WorkspaceRole::Developer,
    }
}

fn entry(version: u64, author: Author, command: &str, events: Vec<Event>) -> LogEntry {
    LogEntry {
        organization: organization(),
        version: Version::new(version),
        id: CommitId::from_uuid(uuid(20)),
        at: noon(),
        author,
        command: command.to_owned(),
        parts: Vec::new(),
        request: None,
        events,
        later: Later::default(),
    }
}

fn digest() -> RequestDigest {
    let digits = "0123456789abcdef".repeat(4);
    serde_json::from_value(digits.into()).unwrap()
}

#[test]
fn log_entries() {
    let created = vec![
        Event::OrganizationCreated {
            name: name("Acme"),
            workspace_quota: 1,
            limits: Limits {
                domains: Some(100),
                ..Limits::UNLIMITED
            },
        },
        Event::MemberJoined {
            user: ann(),
            email: email("Ann@acme.example"),
            role: OrganizationRole::Admin,
        },
        Event::WorkspaceCreated {
            workspace: workspace(),
            name: name("Acme"),
        },
    ];
    let quota = vec![Event::WorkspaceQuotaSet {
        from: 1,
        to: 3,
        workspaces: 1,
    }];
    let operator = Author::Operator(line("support: Jo"));
    let part = |command: &str, events| LogPart {
        command: command.to_owned(),
        events,
    };
    let of_several = LogEntry {
        parts: vec![part("set_limits", 0), part("set_workspace_quota", 1)],
        ..entry(2, operator.clone(), "several", quota.clone())
    };
    are_golden(
        "log_entries",
        &[
            (
                "by_a_user",
                entry(1, Author::User(ann()), "create_organization", created),
            ),
            (
                "by_an_operator",
                entry(2, operator, "set_workspace_quota", quota.clone()),
            ),
            ("of_several_commands", of_several),
            (
                "with_the_digest_of_its_request",
                LogEntry {
                    request: Some(digest()),
                    ..entry(
                        2,
                        Author::Operator(line("support: Jo")),
                        "set_workspace_quota",
                        quota,
                    )
                },
            ),
        ],
    );
}

#[test]
fn refusals() {
    let values = [
        (
            "not_found",
            Refusal::NotFound {
                resource: organization().into(),
            },
        ),
        (
            "not_found-workspace",
            Refusal::NotFound {
                resource: Resource::Workspace(organization(), workspace()),
            },
        ),
        (
            "not_found-domain",
            Refusal::NotFound {
                resource: Resource::Domain(organization(), domain()),
            },
        ),
        (
            "forbidden",
            Refusal::Forbidden {
                action: "create a workspace".into(),
                needs: RoleSet::ORGANIZATION_ADMIN,
                has: RoleSet::MEMBER | RoleSet::READER,
            },
        ),
        ("user_required", Refusal::UserRequired),
        (
            "action_reserved",
            Refusal::ActionReserved {
                action: "invite to the organization".to_owned(),
            },
        ),
        (
            "beyond_its_layer",
            Refusal::BeyondItsLayer {
                layer: Layer::Workspace,
                actions: vec!["edit workspace invoicing".to_owned(), "code 99".to_owned()],
            },
        ),
        (
            "role_name_taken",
            Refusal::RoleNameTaken {
                name: name("Reader"),
            },
        ),
        ("too_many_roles", Refusal::TooManyRoles { limit: 32 }),
        ("role_not_found", Refusal::RoleNotFound { role: role() }),
        (
            "role_is_retired",
            Refusal::RoleIsRetired {
                role: role(),
                name: name("Sandbox tester"),
            },
        ),
        (
            "role_in_use",
            Refusal::RoleInUse {
                holders: 1,
                offered: 2,
            },
        ),
        ("organization_deleted", Refusal::OrganizationDeleted),
        (
            "organization_suspended",
            Refusal::OrganizationSuspended {
                reason: Some(line("invoice 4711 is overdue")),
            },
        ),
        (
            "organization_suspended-without_its_reason",
            Refusal::OrganizationSuspended { reason: None },
        ),
        ("last_admin", Refusal::LastAdmin),
        ("membership_suspended", Refusal::MembershipSuspended),
        (
            "membership_ended",
            Refusal::MembershipEnded { ended_at: noon() },
        ),
        ("handed_to_oneself", Refusal::HandedToOneself),
        (
            "quota_reached",
            Refusal::QuotaReached {
                quota: 1,
                workspaces: 2,
            },
        ),
        (
            "limit_reached",
            Refusal::LimitReached {
                of: Limit::Seats,
                limit: 5,
                used: 3,
                reserved: 2,
            },
        ),
        (
            "limit_reached-domains",
            Refusal::LimitReached {
                of: Limit::Domains,
                limit: 100,
                used: 101,
                reserved: 0,
            },
        ),
        (
            "limit_reached-domains_per_workspace",
            Refusal::LimitReached {
                of: Limit::DomainsPerWorkspace,
                limit: 1,
                used: 1,
                reserved: 0,
            },
        ),
        ("email_invalid", Refusal::EmailInvalid),
        ("address_repeated", Refusal::AddressRepeated { line: 2 }),
        ("too_many_lines", Refusal::TooManyLines { limit: 100 }),
        (
            "workspace_name_taken",
            Refusal::WorkspaceNameTaken {
                name: name("Payments"),
            },
        ),
        (
            "workspace_not_empty",
            Refusal::WorkspaceNotEmpty {
                domains: 2,
                members: 1,
            },
        ),
        (
            "organization_not_empty",
            Refusal::OrganizationNotEmpty {
                workspaces: 2,
                members: 1,
            },
        ),
        (
            "domain_name_taken",
            Refusal::DomainNameTaken { name: label() },
        ),
        (
            "domain_name_not_retired",
            Refusal::DomainNameNotRetired { name: label() },
        ),
        ("member_not_found", Refusal::MemberNotFound { user: bob() }),
        ("invitation_not_found", Refusal::InvitationNotFound),
        (
            "invitation_closed",
            Refusal::InvitationClosed {
                state: InvitationState::Accepted,
            },
        ),
        (
            "invitation_closed-declined",
            Refusal::InvitationClosed {
                state: InvitationState::Declined,
            },
        ),
        (
            "invitation_closed-revoked",
            Refusal::InvitationClosed {
                state: InvitationState::Revoked,
            },
        ),
        (
            "invitation_expired",
            Refusal::InvitationExpired { expired_at: noon() },
        ),
        (
            "wrong_account",
            Refusal::WrongAccount {
                invited: email("Bob@acme.example"),
            },
        ),
        ("email_unverified", Refusal::EmailUnverified),
        ("inviter_lost_authority", Refusal::InviterLostAuthority),
        ("invitation_outdated", Refusal::InvitationOutdated),
        ("email_in_use", Refusal::EmailInUse),
        ("identity_missing", Refusal::IdentityMissing),
        (
            "too_many_links",
            Refusal::TooManyLinks {
                limit: 1_000,
                again_at: noon(),
            },
        ),
        (
            "resent_too_soon",
            Refusal::ResentTooSoon { again_at: noon() },
        ),
        (
            "already_has_role",
            Refusal::AlreadyHasRole {
                offered: TO_THE_ORGANIZATION.into(),
            },
        ),
        (
            "already_has_role-workspace",
            Refusal::AlreadyHasRole {
                offered: to_the_workspace().into(),
            },
        ),
        (
            "already_has_role-own",
            Refusal::AlreadyHasRole {
                offered: InvitationOffer::Organization {
                    role: Role::Own("17".parse().unwrap()),
                },
            },
        ),
        (
            "too_many_invitations",
            Refusal::TooManyInvitations { limit: 1_000 },
        ),
        ("commit_id_reused", Refusal::CommitIdReused),
        ("not_together-none", not_together(Together::None)),
        ("not_together-too_many", not_together(Together::TooMany)),
        (
            "not_together-organizations",
            not_together(Together::Organizations),
        ),
        (
            "not_together-sent_before",
            not_together(Together::SentBefore),
        ),
        (
            "not_together-name_passed_on",
            not_together(Together::NamePassedOn),
        ),
        (
            "not_together-roles_defined",
            not_together(Together::RolesDefined),
        ),
    ];
    are_golden("refusals", &values);
    let mut codes = BTreeSet::new();
    for (name, refusal) in &values {
        assert_eq!(
            name.split('-').next(),
            Some(refusal.code()),
            "named after its code"
        );
        let tag = serde_json::to_value(refusal).unwrap()["code"].clone();
        assert_eq!(tag, refusal.code(), "tagged with its code");
        codes.insert(refusal.code().to_owned());
    }
    assert_eq!(codes, all_codes(), "each code has a file");
    // What people read may be said better, but not by accident.
    let said = values.iter().map(|(name, refusal)| {
        let (status, rule) = (refusal.http_status(), refusal.rule());
        format!("{name}, {status}, {rule}\n  {refusal}")
    });
    let said: Vec<_> = said.collect();
    insta::assert_snapshot!("what_refusals_say", said.join("\n"));
}

/// The codes, read off the source: the type may grow, so no match here is complete.
fn all_codes() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/refusal.rs");
    let source = fs::read_to_string(source).unwrap();
    let (_, rows) = source.split_once("const fn row(").unwrap();
    let codes = rows.split("=> (\"").skip(1);
    codes
        .map(|row| row.split('"').next().unwrap().to_owned())
        .collect()
}

#[test]
fn decisions() {
    let allowed = |by| Decision::Allowed { by };
    let values = [
        (
            "allowed-workspace",
            allowed(Grant::Workspace(WorkspaceRole::Developer)),
        ),
        (
            "allowed-organization",
            allowed(Grant::Organization(OrganizationRole::Accounting)),
        ),
        (
            "allowed-cascade",
            allowed(Grant::Cascade(OrganizationRole::Admin)),
        ),
        ("allowed-operator", allowed(Grant::Operator)),
        (
            "allowed-own",
            allowed(Grant::Own {
                role: role(),
                base: RoleBase::Reader,
            }),
        ),
        (
            "forbidden",
            Decision::Forbidden {
                needs: RoleSet::ORGANIZATION_ADMIN
                    | RoleSet::ACCOUNTING
                    | RoleSet::WORKSPACE_ADMIN
                    | RoleSet::OPERATOR,
                has: RoleSet::MEMBER | RoleSet::DEVELOPER | RoleSet::READER,
            },
        ),
        (
            "forbidden-to_all",
            Decision::Forbidden {
                needs: RoleSet::empty(),
                has: RoleSet::MEMBER,
            },
        ),
        ("hidden", Decision::Hidden),
        ("deleted", Decision::Deleted),
        ("suspended", Decision::Suspended),
    ];
    let mut kinds = BTreeSet::new();
    for (name, decision) in &values {
        let kind = match decision {
            Decision::Allowed {
                by: Grant::Workspace(_),
            } => "allowed-workspace",
            Decision::Allowed {
                by: Grant::Organization(_),
            } => "allowed-organization",
            Decision::Allowed {
                by: Grant::Cascade(_),
            } => "allowed-cascade",
            Decision::Allowed {
                by: Grant::Operator,
            } => "allowed-operator",
            Decision::Allowed {
                by: Grant::Own { .. },
            } => "allowed-own",
            Decision::Forbidden { .. } => "forbidden",
            Decision::Hidden => "hidden",
            Decision::Deleted => "deleted",
            Decision::Suspended => "suspended",
        };
        assert!(name.starts_with(kind), "named after its kind: {name}");
        kinds.insert(kind);
    }
    assert_eq!(kinds.len(), 9, "a file for each arm above");
    are_golden("decisions", &values);
}

fn records() -> Vec<(&'static str, Record)> {
    vec![
        (
            "member",
            Record::Member(Member {
                user: ann(),
                role: OrganizationRole::Admin,
                own_role: None,
                email: email("Ann@acme.example"),
                since: noon(),
                lowered_in: None,
                suspended: false,
                until: None,
                later: Later::default(),
            }),
        ),
        (
            "member-beyond_ascii",
            Record::Member(Member {
                user: bob(),
                role: OrganizationRole::Member,
                own_role: None,
                email: email("Bob@Bücher.example"),
                since: noon(),
                lowered_in: Some(Version::new(3)),
                suspended: false,
                until: None,
                later: Later::default(),
            }),
        ),
        (
            "member-suspended_and_bound_to_end",
            Record::Member(Member {
                user: bob(),
                role: OrganizationRole::Accounting,
                own_role: None,
                email: email("bob@acme.example"),
                since: noon(),
                lowered_in: None,
                suspended: true,
                until: Some(time("2026-12-31T23:00:00Z")),
                later: Later::default(),
            }),
        ),
        (
            "member-of_an_own_role",
            Record::Member(Member {
                user: bob(),
                role: OrganizationRole::Accounting,
                own_role: Some(role()),
                email: email("bob@acme.example"),
                since: noon(),
                lowered_in: None,
                suspended: false,
                until: None,
                later: Later::default(),
            }),
        ),
        (
            "workspace_member-of_an_own_role",
            Record::WorkspaceMember(WorkspaceMember {
                workspace: workspace(),
                user: bob(),
                role: WorkspaceRole::Reader,
                own_role: Some(role()),
                since: noon(),
                lowered_in: None,
                until: None,
                later: Later::default(),
            }),
        ),
        (
            "invitation-of_an_own_role",
            Record::Invitation(Invitation {
                own_role: Some(role()),
                ..sent(to_the_workspace(), InvitationState::Open)
            }),
        ),
        ("workspace", Record::Workspace(payments())),
        (
            "workspace-invoiced",
            Record::Workspace(Workspace {
                invoicing: Some(invoicing()),
                ..payments()
            }),
        ),
        (
            "workspace_member",
            Record::WorkspaceMember(WorkspaceMember {
                workspace: workspace(),
                user: bob(),
                role: WorkspaceRole::Reader,
                own_role: None,
                since: noon(),
                lowered_in: None,
                until: None,
                later: Later::default(),
            }),
        ),
        (
            "workspace_member-bound_to_end",
            Record::WorkspaceMember(WorkspaceMember {
                workspace: workspace(),
                user: bob(),
                role: WorkspaceRole::Developer,
                own_role: None,
                since: noon(),
                lowered_in: Some(Version::new(4)),
                until: Some(time("2026-12-31T23:00:00Z")),
                later: Later::default(),
            }),
        ),
        ("domain", Record::Domain(sandbox())),
        (
            "domain-deactivated",
            Record::Domain(Domain {
                kind: DomainKind::Production,
                status: DomainStatus::Deactivated,
                ..sandbox()
            }),
        ),
        (
            "retired_domain_name",
            Record::RetiredDomainName(RetiredDomainName {
                name: label(),
                retired_at: noon(),
                later: Later::default(),
            }),
        ),
        (
            "invitation",
            Record::Invitation(sent(TO_THE_ORGANIZATION, InvitationState::Open)),
        ),
        (
            "invitation-to_a_workspace",
            Record::Invitation(sent(to_the_workspace(), InvitationState::Revoked)),
        ),
        (
            "former_member",
            Record::FormerMember(FormerMember {
                user: bob(),
                workspace: None,
                departed_at: noon(),
                departed_in: Version::new(6),
                later: Later::default(),
            }),
        ),
        (
            "former_member-of_a_workspace",
            Record::FormerMember(FormerMember {
                user: bob(),
                workspace: Some(workspace()),
                departed_at: noon(),
                departed_in: Version::new(6),
                later: Later::default(),
            }),
        ),
    ]
}

#[test]
fn every_kind_of_record() {
    let values = records();
    let mut kinds = BTreeSet::new();
    for (name, record) in &values {
        let kind = match record {
            Record::Member(_) => "member",
            Record::Workspace(_) => "workspace",
            Record::WorkspaceMember(_) => "workspace_member",
            Record::Domain(_) => "domain",
            Record::RetiredDomainName(_) => "retired_domain_name",
            Record::Invitation(_) => "invitation",
            Record::FormerMember(_) => "former_member",
        };
        assert_eq!(name.split('-').next(), Some(kind), "named after its kind");
        kinds.insert(kind);
        let json = serde_json::to_value(record).unwrap();
        assert!(json.get(kind).is_some(), "tagged with its kind: {json}");
    }
    assert_eq!(kinds.len(), Kind::ALL.len(), "a file for each arm above");
    are_golden("records", &values);
}

#[test]
fn organizations() {
    let deleted = Organization {
        status: OrganizationStatus::Deleted,
        company: None,
        invoicing: None,
        contract: None,
        counts: Counts::default(),
        ..acme(9)
    };
    let own = OwnRole {
        number: role(),
        name: name("Sandbox tester"),
        name_key: name("Sandbox tester").key(),
        base: RoleBase::Reader,
        adds: Grants::on(DomainKind::Sandbox, DomainAction::Configure).unwrap(),
        state: RoleState::Retired,
        holders: 2,
        offered: 1,
        created_at: noon(),
        later: Later::default(),
    };
    let with_roles = Organization {
        roles: vec![own],
        ..acme(8)
    };
    are_golden(
        "organizations",
        &[
            ("active", acme(7)),
            ("deleted", deleted),
            ("with_own_roles", with_roles),
        ],
    );
}

#[test]
fn commits() {
    let claim = || Claim::DomainName(label());
    let changed = |version, changes, command: &str, events| Commit {
        expected: Version::new(version - 1),
        next: acme(version),
        changes,
        entry: entry(version, Author::User(ann()), command, events),
    };
    let created = Event::DomainCreated {
        domain: domain(),
        workspace: workspace(),
        name: label(),
        kind: DomainKind::Sandbox,
    };
    let claims = vec![
        Change::Claim(claim()),
        Change::Put(Record::Workspace(payments())),
        Change::Put(Record::Domain(sandbox())),
    ];
    let released = Event::DomainNameReleased { name: label() };
    let releases = vec![
        Change::Release(claim()),
        Change::Delete(RecordId::RetiredDomainName(label())),
    ];
    // No command brings about all of these together: one deletion of each kind.
    let gone = vec![
        Event::WorkspaceRoleTaken {
            workspace: workspace(),
            user: bob(),
            role: WorkspaceRole::Reader,
        },
        Event::InvitationRevoked {
            invitation: invitation(),
            reason: RevocationReason::AddresseeLeft,
        },
        Event::MemberRemoved {
            user: bob(),
            role: OrganizationRole::Member,
        },
    ];
    let deletes = vec![
        Change::Delete(RecordId::Member(bob())),
        Change::Delete(RecordId::Workspace(workspace())),
        Change::Delete(RecordId::WorkspaceMember(workspace(), bob())),
        Change::Delete(RecordId::Domain(domain())),
        Change::Delete(RecordId::Invitation(invitation())),
    ];
    are_golden(
        "commits",
        &[
            ("claims", changed(7, claims, "create_domain", vec![created])),
            (
                "releases",
                changed(8, releases, "release_domain_name", vec![released]),
            ),
            ("deletes", changed(9, deletes, "remove_member", gone)),
        ],
    );
}
