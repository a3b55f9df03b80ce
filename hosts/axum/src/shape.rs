//! The shapes of what travels, as JSON Schema: for the description of the API.
//!
//! Written once, here, of the library's types; `tests/api` holds each answer of the router against them, and each shape of
//! the library's `docs/wire.md`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tenancy::commands::{
    Accepted, CreatedOrganization, DeletedWorkspace, Departure, HandedOver, Invited, InvitedMany,
    Revoked,
};
use tenancy::store::OrganizationStatus;
use tenancy::text::{PostalAddress, TextLine};
use tenancy::views::{
    FoundOrganization, Holder, InvitationPreview, InvitationView, KeptDomainName, OrganizationView,
    Overview, OwnRoleView, PersonView, ReceivedInvitation, RoleUse, RoleView, WorkspaceInvoicing,
    WorkspaceView,
};
use tenancy::{
    CompanyInformation, Decision, Domain, DomainAction, DomainId, DomainKind, DomainName,
    DomainStatus, EmailAddress, Grant, Grants, InvitationId, InvitationOffer, InvitationState,
    InvitationStatus, InvitationTarget, InvitationToken, InvoicingInformation, LimitUsage, Limits,
    LogEntry, Member, MembershipStatus, Name, OrganizationAction, OrganizationId, OrganizationRole,
    QuotaUsage, Role, RoleBase, RoleNumber, RoleState, Usage, UserId, Version, WorkspaceAction,
    WorkspaceId, WorkspaceMember, WorkspaceRole, WorkspaceUsage,
};

/// The named shapes that were met.
#[derive(Default)]
pub(crate) struct Named(pub(crate) BTreeMap<&'static str, Value>);

impl Named {
    /// A reference to the shape of that name, which is made once.
    fn of(&mut self, name: &'static str, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.0.contains_key(name) {
            self.0.insert(name, Value::Null); // so that a shape may hold itself
            let made = make(self);
            self.0.insert(name, made);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }
}

/// What has a shape as JSON.
pub(crate) trait Shape {
    fn shape(named: &mut Named) -> Value;

    /// Whether it may be left out, as well as `null`.
    const MAY_BE_LEFT_OUT: bool = false;
}

/// An object of these fields, each there unless its type says otherwise.
pub(crate) fn object(fields: Vec<(&str, Value, bool)>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, shape, may_be_left_out) in fields {
        if !may_be_left_out {
            required.push(name.to_owned());
        }
        properties.insert(name.to_owned(), shape);
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

fn nullable(shape: &Value) -> Value {
    json!({ "oneOf": [shape, { "type": "null" }] })
}

impl<T: Shape> Shape for Option<T> {
    fn shape(named: &mut Named) -> Value {
        nullable(&T::shape(named))
    }

    const MAY_BE_LEFT_OUT: bool = true;
}

impl<T: Shape> Shape for Vec<T> {
    fn shape(named: &mut Named) -> Value {
        json!({ "type": "array", "items": T::shape(named) })
    }
}

impl<A: Shape, B: Shape> Shape for (A, B) {
    fn shape(named: &mut Named) -> Value {
        json!({ "type": "array", "prefixItems": [A::shape(named), B::shape(named)], "minItems": 2, "maxItems": 2 })
    }
}

macro_rules! plain {
    ($($of:ty: $shape:tt,)+) => {$(
        impl Shape for $of {
            fn shape(_: &mut Named) -> Value {
                json!($shape)
            }
        }
    )+};
}

plain! {
    String: { "type": "string" },
    bool: { "type": "boolean" },
    u32: { "type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32 },
    Version: { "type": "integer", "minimum": 0 },
    RoleNumber: { "type": "integer", "minimum": 1 },
    OrganizationId: { "type": "string", "format": "uuid" },
    WorkspaceId: { "type": "string", "format": "uuid" },
    DomainId: { "type": "string", "format": "uuid" },
    InvitationId: { "type": "string", "format": "uuid" },
    UserId: { "type": "string", "format": "uuid" },
    Name: { "type": "string", "minLength": 1 },
    PostalAddress: { "type": "array", "items": { "type": "string" }, "maxItems": 10, "description": "Line by line." },
    TextLine: { "type": "string", "minLength": 1 },
    DomainName: { "type": "string", "minLength": 1, "description": "A label as in a host name: letters, digits, hyphens." },
    EmailAddress: { "type": "string", "format": "email" },
    InvitationToken: { "type": "string", "description": "The text of an invitation's link, `tinv_` and 86 characters." },
    chrono::DateTime<chrono::Utc>: { "type": "string", "format": "date-time" },
    Grants: { "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": 127 } },
    LogEntry: { "type": "object", "description": "An entry of the audit trail, as the library's docs/log.md has it." },
}

macro_rules! choices {
    ($($of:ident: $all:expr,)+) => {$(
        impl Shape for $of {
            fn shape(named: &mut Named) -> Value {
                named.of(stringify!($of), |_| {
                    let all: Vec<Value> = $all.iter().filter_map(|one| serde_json::to_value(one).ok()).collect();
                    json!({ "type": "string", "enum": all })
                })
            }
        }
    )+};
}

choices! {
    OrganizationRole: OrganizationRole::ALL,
    WorkspaceRole: WorkspaceRole::ALL,
    OrganizationAction: OrganizationAction::ALL,
    WorkspaceAction: WorkspaceAction::ALL,
    DomainAction: DomainAction::ALL,
    OrganizationStatus: [OrganizationStatus::Active, OrganizationStatus::Deleted, OrganizationStatus::Suspended],
    DomainKind: DomainKind::ALL,
    DomainStatus: [DomainStatus::Active, DomainStatus::Deactivated],
    RoleBase: [RoleBase::Member, RoleBase::Accounting, RoleBase::Reader, RoleBase::Developer],
    RoleState: [RoleState::InForce, RoleState::Retired],
    MembershipStatus: [MembershipStatus::Active, MembershipStatus::Suspended, MembershipStatus::Ended],
    InvitationState: [InvitationState::Open, InvitationState::Accepted, InvitationState::Declined, InvitationState::Revoked],
    InvitationStatus: [
        InvitationStatus::Pending, InvitationStatus::Expired, InvitationStatus::Accepted, InvitationStatus::Declined,
        InvitationStatus::Revoked,
    ],
}

impl<B: Shape> Shape for Role<B> {
    fn shape(named: &mut Named) -> Value {
        json!({ "oneOf": [B::shape(named), RoleNumber::shape(named)] })
    }
}

macro_rules! objects {
    ($($of:ident { $($field:ident: $kind:ty),* $(,)? })+) => {$(
        impl Shape for $of {
            fn shape(named: &mut Named) -> Value {
                named.of(stringify!($of), |_named| object(vec![
                    $((stringify!($field), <$kind as Shape>::shape(_named), <$kind as Shape>::MAY_BE_LEFT_OUT)),*
                ]))
            }
        }
    )+};
}

type Time = chrono::DateTime<chrono::Utc>;

objects! {
    CompanyInformation {
        legal_name: TextLine, registration_number: Option<TextLine>, vat_number: Option<TextLine>, address: PostalAddress,
    }
    InvoicingInformation { recipient: TextLine, email: EmailAddress, address: PostalAddress, reference: Option<TextLine> }
    CreatedOrganization { organization: OrganizationId, workspace: WorkspaceId }
    Invited { invitation: InvitationId, email: EmailAddress, renewed: bool, expires_at: Time }
    Accepted {
        organization: OrganizationId, invitation: InvitationId, joined: bool, organization_role: Option<OrganizationRole>,
        workspace_role: Option<(WorkspaceId, WorkspaceRole)>, own_role: Option<RoleNumber>,
    }
    Revoked { invitations: Vec<InvitationId> }
    Departure {
        user: UserId, role: OrganizationRole, workspaces: Vec<(WorkspaceId, WorkspaceRole)>, revoked: Vec<InvitationId>,
    }
    HandedOver { departure: Option<Departure>, revoked: Vec<InvitationId> }
    DeletedWorkspace { role: Option<(UserId, WorkspaceRole)>, revoked: Vec<InvitationId> }
    QuotaUsage { workspaces: u32, quota: u32 }
    LimitUsage { used: u32, reserved: u32, limit: Option<u32> }
    Limits { seats: Option<u32>, domains: Option<u32>, domains_per_workspace: Option<u32> }
    Usage { seats: LimitUsage, workspaces: LimitUsage, domains: LimitUsage }
    WorkspaceUsage { domains: LimitUsage, domains_in_all: LimitUsage }
    OrganizationView {
        id: OrganizationId, name: Name, role: Option<OrganizationRole>, membership: Option<MembershipStatus>,
        suspension: Option<TextLine>, own_role: Option<RoleNumber>, created_at: Time,
    }
    Overview {
        organization: OrganizationView, version: Version, may: Vec<OrganizationAction>, company: Option<CompanyInformation>,
        invoicing: Option<InvoicingInformation>, contract: Option<TextLine>, usage: Option<Usage>, limits: Option<Limits>, roles: Vec<OwnRoleView>,
    }
    RoleUse { holders: u32, offered: u32 }
    OwnRoleView {
        number: RoleNumber, name: Name, base: RoleBase, adds: Grants, state: RoleState, in_use: Option<RoleUse>,
    }
    Member {
        user: UserId, role: OrganizationRole, own_role: Option<RoleNumber>, email: EmailAddress, since: Time,
        lowered_in: Option<Version>, suspended: Option<bool>, until: Option<Time>,
    }
    WorkspaceMember {
        workspace: WorkspaceId, user: UserId, role: WorkspaceRole, own_role: Option<RoleNumber>, since: Time,
        lowered_in: Option<Version>, until: Option<Time>,
    }
    RoleView { workspace: WorkspaceView, role: WorkspaceMember }
    PersonView { member: Member, workspaces: Option<Vec<RoleView>>, invitations: Option<Vec<InvitationView>> }
    WorkspaceView { id: WorkspaceId, name: Name, created_at: Time }
    InvitationView {
        id: InvitationId, email: EmailAddress, target: InvitationTarget, own_role: Option<RoleNumber>,
        own_role_name: Option<Name>, inviter: UserId, sent_at: Time, expires_at: Time, status: InvitationStatus,
    }
    ReceivedInvitation { organization: OrganizationId, organization_name: Name, workspace_name: Option<Name>, invitation: InvitationView }
    Domain {
        id: DomainId, workspace: WorkspaceId, name: DomainName, kind: DomainKind, status: DomainStatus, created_at: Time,
    }
    KeptDomainName { name: DomainName, since: Time }
    FoundOrganization {
        id: OrganizationId, name: Name, status: OrganizationStatus, suspension: Option<TextLine>, created_at: Time,
    }
    Holder { user: UserId, by: Grant }
}

/// One key, and what is under it: how an enum's variants with fields travel.
fn tagged(variants: Vec<(&str, Value)>) -> Value {
    let each = variants
        .into_iter()
        .map(|(name, shape)| object(vec![(name, shape, false)]));
    json!({ "oneOf": each.collect::<Vec<_>>() })
}

impl Shape for InvitedMany {
    fn shape(named: &mut Named) -> Value {
        named.of("InvitedMany", |named| {
            let refusal = json!({ "type": "object", "required": ["code"], "properties": { "code": { "type": "string" } } });
            let line = tagged(vec![("invited", Invited::shape(named)), ("refused", refusal)]);
            object(vec![("lines", json!({ "type": "array", "items": line }), false)])
        })
    }
}

impl Shape for InvitationTarget {
    fn shape(named: &mut Named) -> Value {
        named.of("InvitationTarget", |named| {
            let role = |shape| ("role", shape, false);
            let organization = object(vec![role(OrganizationRole::shape(named))]);
            let workspace = ("workspace", WorkspaceId::shape(named), false);
            let workspace = object(vec![workspace, role(WorkspaceRole::shape(named))]);
            tagged(vec![
                ("organization", organization),
                ("workspace", workspace),
            ])
        })
    }
}

impl Shape for InvitationOffer {
    fn shape(named: &mut Named) -> Value {
        named.of("InvitationOffer", |named| {
            let role = |shape| ("role", shape, false);
            let organization = object(vec![role(Role::<OrganizationRole>::shape(named))]);
            let workspace = ("workspace", WorkspaceId::shape(named), false);
            let workspace = object(vec![workspace, role(Role::<WorkspaceRole>::shape(named))]);
            tagged(vec![
                ("organization", organization),
                ("workspace", workspace),
            ])
        })
    }
}

impl Shape for WorkspaceInvoicing {
    fn shape(named: &mut Named) -> Value {
        named.of("WorkspaceInvoicing", |named| {
            let own = InvoicingInformation::shape(named);
            let organization = Option::<InvoicingInformation>::shape(named);
            tagged(vec![("own", own), ("organization", organization)])
        })
    }
}

impl Shape for Grant {
    fn shape(named: &mut Named) -> Value {
        named.of("Grant", |named| {
            let own = object(vec![
                ("role", RoleNumber::shape(named), false),
                ("base", RoleBase::shape(named), false),
            ]);
            let mut variants = vec![json!({ "type": "string", "enum": ["operator"] })];
            let held = [
                ("organization", OrganizationRole::shape(named)),
                ("workspace", WorkspaceRole::shape(named)),
                ("cascade", OrganizationRole::shape(named)),
                ("own", own),
            ];
            variants.extend(held.map(|(name, shape)| object(vec![(name, shape, false)])));
            json!({ "oneOf": variants })
        })
    }
}

fn constant(value: &str) -> Value {
    json!({ "type": "string", "const": value })
}

impl Shape for Decision {
    fn shape(named: &mut Named) -> Value {
        named.of("Decision", |named| {
            let roles = json!({ "type": "array", "items": { "type": "string" } });
            let is = |decision| ("decision", constant(decision), false);
            json!({ "oneOf": [
                object(vec![is("allowed"), ("by", Grant::shape(named), false)]),
                object(vec![is("forbidden"), ("needs", roles.clone(), false), ("has", roles, false)]),
                object(vec![is("suspended")]),
                object(vec![is("deleted")]),
                object(vec![is("hidden")]),
            ] })
        })
    }
}

impl Shape for InvitationPreview {
    fn shape(named: &mut Named) -> Value {
        named.of("InvitationPreview", |named| {
            let is = |preview| ("preview", constant(preview), false);
            json!({ "oneOf": [
                object(vec![
                    is("open"),
                    ("organization", OrganizationId::shape(named), false),
                    ("organization_name", Name::shape(named), false),
                    ("workspace_name", Option::<Name>::shape(named), false),
                    ("invitation", InvitationView::shape(named), false),
                ]),
                object(vec![is("closed"), ("state", InvitationState::shape(named), false)]),
            ] })
        })
    }
}
