//! The permission matrix: who may do what. One table, and every decision reads it (A1).
//!
//! # In four words
//!
//! - An **actor** asks: a user of the host, or an operator (the vendor's staff).
//! - An **action** is what they ask to do: one of the enums below, or a host's own ([`Action`]).
//! - A **resource** is what they ask to do it to: an organization, a workspace in it, a domain in that.
//! - A **role** is what they hold: one in the organization, and perhaps one in each workspace.
//!
//! # One world
//!
//! *Acme* is an organization. It has a workspace, *Payments*, with a domain, `acme-sandbox`.
//!
//! - **Ann** is an Admin of Acme.
//! - **Bob** is a Member of Acme, and a Developer of Payments.
//! - **Cy** keeps Acme's books: Accounting.
//! - **Dora** belongs to another company.
//!
//! # One question, four answers
//!
//! *May they configure `acme-sandbox`?* The table's row for [`DomainAction::Configure`] says: organization
//! Admin, workspace Admin, workspace Developer.
//!
//! 1. **Ann: allowed, by cascade.** She has no role in Payments. But an organization Admin acts as Admin
//!    of every workspace and domain of the organization. Had she been a Reader of Payments as well, it
//!    would change nothing: roles only add up (M5).
//! 2. **Bob: allowed, directly.** His role in Payments is in the row. His being a Member of Acme grants
//!    nothing below the organization. Asked to view the *server keys*, a row with Admins only, he is
//!    **forbidden**: he may see that the domain is there, so he is told which roles may (A2).
//! 3. **Cy: hidden.** Accounting reaches the invoicing of every workspace, so Cy sees that Payments
//!    exists, but may not view domains. Who may not *view* a thing gets the same answer as if it didn't
//!    exist.
//! 4. **Dora: hidden** too, for Acme, for Payments, for the domain, whether they exist or not.
//!
//! ```
//! use tenancy::commands::{CreateDomain, CreateOrganization, InviteToOrganization, InviteToWorkspace};
//! # use tenancy::commands::{AcceptInvitation, Invited};
//! use tenancy::store::MemoryRepository;
//! use tenancy::{Actor, Decision, DomainAction, DomainKind, OrganizationRole, Tenancy, UserId, VerifiedEmail};
//! use tenancy::WorkspaceRole;
//!
//! # tenancy::block_on(async {
//! let tenancy = Tenancy::new(MemoryRepository::new());
//! let person = |name: &str| {
//!     let email = format!("{name}@acme.example").parse()?;
//!     Ok::<_, tenancy::text::EmailError>(Actor::user(UserId::from_external(name), VerifiedEmail::attest(email)))
//! };
//! let (ann, bob, cy, dora) = (person("ann")?, person("bob")?, person("cy")?, person("dora")?);
//! # let join = async |who: &Actor, invited: Invited| {
//! #     let token = invited.token.expect("the link");
//! #     tenancy.execute(who, AcceptInvitation { token }).await.map(drop)
//! # };
//!
//! let acme = tenancy.execute(&ann, CreateOrganization { name: "Acme".parse()? }).await?.output;
//! let (organization, payments) = (acme.organization, acme.workspace);
//! let sandbox = CreateDomain {
//!     organization,
//!     workspace: payments,
//!     name: "acme-sandbox".parse()?,
//!     kind: DomainKind::Sandbox,
//! };
//! let sandbox = (organization, tenancy.execute(&ann, sandbox).await?.output);
//!
//! let email = "bob@acme.example".parse()?;
//! let role = WorkspaceRole::Developer;
//! let invited = InviteToWorkspace { organization, workspace: payments, email, role };
//! let invited = tenancy.execute(&ann, invited).await?.output; // Bob opens his link and accepts
//! # join(&bob, invited).await?;
//! let email = "cy@acme.example".parse()?;
//! let invited = InviteToOrganization { organization, email, role: OrganizationRole::Accounting };
//! let invited = tenancy.execute(&ann, invited).await?.output; // and so does Cy
//! # join(&cy, invited).await?;
//!
//! let may = tenancy.check(&ann, sandbox, DomainAction::Configure).await?;
//! assert_eq!(may.to_string(), "allowed as organization Admin, by cascade");
//! let may = tenancy.check(&bob, sandbox, DomainAction::Configure).await?;
//! assert_eq!(may.to_string(), "allowed as workspace Developer");
//! let may = tenancy.check(&bob, sandbox, DomainAction::ViewServerKeys).await?;
//! assert_eq!(
//!     may.to_string(),
//!     "forbidden: needs organization Admin or workspace Admin, has organization Member and workspace Developer"
//! );
//! assert_eq!(tenancy.check(&cy, sandbox, DomainAction::Configure).await?, Decision::Hidden);
//! assert_eq!(tenancy.check(&dora, sandbox, DomainAction::Configure).await?, Decision::Hidden);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # How a decision is made
//!
//! 1. Load the [`Standing`](crate::Standing): the roles on the path organization → workspace → domain. One that is
//!    suspended, or has ended, isn't held (T1, T3).
//! 2. The cascade makes it a [`RoleSet`] ([`Standing::effective`](crate::Standing::effective)).
//! 3. Does the set meet the row of *view* at that layer? If not, hidden. Does it meet the action's row? Allowed,
//!    unless the organization is suspended and the action changes something (T4). Else forbidden.
//!
//! Steps 2 and 3 are pure: no I/O, no clock, a few machine instructions.
//!
//! # Roles of an organization's own
//!
//! An organization may define roles of its own ([`DefineRole`](crate::commands::DefineRole)): a *base*, one of the
//! roles above but Admin, and *added actions*. Whoever holds one counts as its base everywhere. Only in step 3 is an
//! added action, too: where the letters don't show a thing, an added *view* does, and where they don't meet the row,
//! an added action does. What a role of a layer may add is computed from this table, whatever of it is not
//! reserved, and stands below it: what that layer's Admin may do at that layer or below (R3).
//!
//! # The table
#![doc = include_str!("../docs/permission-matrix.md")]

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::grants::Code;
use crate::id::{DomainId, OrganizationId, WorkspaceId};
use crate::resource::{Layer, Resource};
use crate::role::RoleSet;

mod addable;

pub use addable::{ActionRow, Catalogue, Offer};
#[doc(hidden)]
pub use addable::{Wrong, wrong_with};
pub(crate) use addable::{adds_by_right, view_of};

const A: RoleSet = RoleSet::ORGANIZATION_ADMIN;
const C: RoleSet = RoleSet::ACCOUNTING;
const M: RoleSet = RoleSet::MEMBER;
const WA: RoleSet = RoleSet::WORKSPACE_ADMIN;
const WD: RoleSet = RoleSet::DEVELOPER;
const WR: RoleSet = RoleSet::READER;
const OP: RoleSet = RoleSet::OPERATOR;

const fn any<const N: usize>(roles: [RoleSet; N]) -> RoleSet {
    let mut set = RoleSet::empty();
    let mut rest: &[RoleSet] = &roles;
    while let [role, tail @ ..] = rest {
        set = set.union(*role);
        rest = tail;
    }
    set
}

/// Marks the rows that go on when the organization is deleted: reading what is left of it, for operators.
const LEFT: u8 = 1;
/// Marks the rows that go on while the organization is suspended (T4): what only reads, and settling invoicing.
const STAYS: u8 = 2;

/// A code in a row: a number, or `_` for none.
macro_rules! code {
    (_) => {
        None
    };
    ($number:literal) => {
        Code::new($number)
    };
}

/// One row an action: what it is, in a few words for people, the roles that may, and the code by which a role of
/// an organization's own may add it (R8). `_` is reserved (R3): power over people, roles and limits, and the
/// deletion of organizations and workspaces. A code is for ever, and never used again. Of an action on domains it
/// counts for sandboxes, and the next number for production (R4).
macro_rules! actions {
    (
        $(#[$of:meta])*
        $name:ident on $on:ty {
            $($(#[$what:meta])* $action:ident: $phrase:literal => [$($role:ident),+] $code:tt $($mark:ident)*,)+
        }
    ) => {
        $(#[$of])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$what])* $action,)+
        }

        impl $name {
            /// Every action of this layer, in the matrix's order.
            pub const ALL: [Self; [$(Self::$action),+].len()] = [$(Self::$action),+];

            /// The row of the matrix: the roles that may.
            #[must_use]
            #[inline]
            pub const fn allowed(self) -> RoleSet {
                match self {
                    $(Self::$action => any([$($role),+]),)+
                }
            }

            /// The action in a few words, as refusals say it.
            #[must_use]
            pub const fn phrase(self) -> &'static str {
                match self {
                    $(Self::$action => $phrase,)+
                }
            }

            #[inline]
            const fn marks(self) -> u8 {
                match self {
                    $(Self::$action => 0 $(| $mark)*,)+
                }
            }

            /// The number by which a role of an organization's own may add it (R8); `None` if it is reserved
            /// (R3), or the vendor's.
            #[must_use]
            pub const fn code(self) -> Option<Code> {
                match self {
                    $(Self::$action => code!($code),)+
                }
            }

            /// All of its row that roles of an organization's own are made by.
            #[must_use]
            pub const fn row(self) -> ActionRow {
                let row = ActionRow::new(self.phrase(), self.allowed());
                match self.code() {
                    Some(code) => row.with_code(code.number()),
                    None => row,
                }
            }
        }

        impl Action for $name {
            type On = $on;

            #[inline]
            fn allowed(&self) -> RoleSet {
                Self::allowed(*self)
            }

            fn phrase(&self) -> &'static str {
                Self::phrase(*self)
            }

            fn code(&self) -> Option<Code> {
                Self::code(*self)
            }

            fn goes_on_when_deleted(&self) -> bool {
                self.marks() & LEFT != 0
            }

            fn goes_on_when_suspended(&self) -> bool {
                self.marks() & STAYS != 0
            }
        }
    };
}

actions! {
/// What can be asked of an organization.
OrganizationAction on OrganizationId {
    /// See its name, one's own role, and the workspaces that one may view.
    View: "view the organization" => [A, C, M, OP] 0 LEFT STAYS,
    /// Rename it (O5).
    Rename: "rename the organization" => [A] 1,
    /// Edit its company information (O5).
    EditCompany: "edit company information" => [A] 2,
    /// List its members.
    ViewMembers: "view members" => [A, OP] 3 LEFT STAYS,
    /// List its invitations.
    ViewInvitations: "view invitations" => [A, OP] 4 LEFT STAYS,
    /// Change a member's organization role, hand the organization over (O7).
    ManageRoles: "manage organization roles" => [A] _,
    /// Invite somebody to the organization (I2).
    Invite: "invite to the organization" => [A] _,
    /// Remove a member (M2).
    RemoveMember: "remove a member" => [A] _,
    /// Suspend a member, or reinstate one (T1).
    SuspendMember: "suspend or reinstate a member" => [A] _,
    /// Let a membership end, later, earlier or not at all (T3).
    EndMembership: "let a membership end" => [A] _,
    /// Create a workspace, within the quota (W2).
    CreateWorkspace: "create a workspace" => [A] 5,
    /// See company and invoicing information.
    ViewInvoicing: "view invoicing" => [A, C, OP] 6 LEFT STAYS,
    /// See the contract's reference, the quota and the other limits, and how much of them is used (Q5).
    ViewContract: "view the contract" => [A, C, OP] 7 LEFT STAYS,
    /// Edit invoicing information (O5).
    EditInvoicing: "edit invoicing" => [A, C] 8 STAYS,
    /// Edit the contract's reference.
    EditContract: "edit the contract" => [OP] _,
    /// Set how many workspaces it may hold (W2).
    SetWorkspaceQuota: "set the workspace quota" => [OP] _,
    /// Set how many seats and domains it may hold (Q2).
    SetLimits: "set the limits" => [OP] _,
    /// Make somebody an Admin without an Admin's doing: a repair (O4).
    AppointAdmin: "appoint an Admin" => [OP] _,
    /// Free a deleted domain's name for other organizations (D2).
    ReleaseDomainName: "release a domain name" => [OP] _ LEFT,
    /// Suspend the organization, or reinstate it (T4).
    Suspend: "suspend or reinstate the organization" => [OP] _,
    /// Read the log of all that happened.
    ViewAuditTrail: "view the audit trail" => [A, OP] 9 LEFT STAYS,
    /// Delete it, once empty (O6).
    Delete: "delete the organization" => [A] _,
}
}

actions! {
/// What can be asked of a workspace.
WorkspaceAction on (OrganizationId, WorkspaceId) {
    /// See its name.
    View: "view the workspace" => [A, C, WA, WD, WR, OP] 16 LEFT STAYS,
    /// Rename it (W3).
    Rename: "rename the workspace" => [A, WA] 17,
    /// List its members.
    ViewMembers: "view workspace members" => [A, WA, WD, WR, OP] 18 LEFT STAYS,
    /// List the invitations to it.
    ViewInvitations: "view workspace invitations" => [A, WA, OP] 19 LEFT STAYS,
    /// Give an organization member a role in it, change it, let it end, take it away (M1, M4, T3).
    ManageRoles: "manage workspace roles" => [A, WA] _,
    /// Invite somebody who is already a member of the organization (I2).
    InviteMember: "invite to the workspace" => [A, WA] _,
    /// Invite somebody who is not yet a member of the organization (I2).
    InviteNewcomer: "invite someone new to the workspace" => [A] _,
    /// See its invoicing information (O5).
    ViewInvoicing: "view workspace invoicing" => [A, C] 20 LEFT STAYS,
    /// Edit its invoicing information (O5).
    EditInvoicing: "edit workspace invoicing" => [A, C] 21 STAYS,
    /// Delete it, once empty (W4).
    Delete: "delete the workspace" => [A, WA] _,
    /// Create a domain in it (D1).
    CreateDomain: "create a domain" => [A, WA, WD] 22,
    /// List its domains.
    ListDomains: "list domains" => [A, WA, WD, WR, OP] 23 LEFT STAYS,
}
}

actions! {
/// What can be asked of a domain.
DomainAction on (OrganizationId, DomainId) {
    /// See it.
    View: "view the domain" => [A, WA, WD, WR, OP] 32 LEFT STAYS,
    /// Change any host setting but the two below.
    Configure: "configure the domain" => [A, WA, WD] 34,
    /// See its server keys.
    ViewServerKeys: "view server keys" => [A, WA] 36 STAYS,
    /// Deactivate it (D3).
    Deactivate: "deactivate the domain" => [A, WA] 38,
    /// Reactivate it (D3).
    Reactivate: "reactivate the domain" => [A, WA] 40,
    /// Delete it (D3).
    Delete: "delete the domain" => [A, WA] 42,
    /// Move it to another workspace of the organization; needed on both.
    Move: "move the domain" => [A, WA] 44,
}
}

/// Something that can be asked of a resource. A host implements it for its own enum and gets the same
/// decisions, cascade and explanations as the built-in actions (A4).
///
/// ```
/// use tenancy::{Action, DomainId, OrganizationId, RoleSet};
///
/// #[derive(Clone, Copy, Debug)]
/// enum Deployment {
///     Start,
///     RollBack,
/// }
///
/// impl Action for Deployment {
///     type On = (OrganizationId, DomainId);
///
///     fn allowed(&self) -> RoleSet {
///         match self {
///             Self::Start => RoleSet::WORKSPACE_ADMIN | RoleSet::DEVELOPER,
///             Self::RollBack => RoleSet::WORKSPACE_ADMIN,
///         }
///     }
///
///     fn phrase(&self) -> &'static str {
///         match self {
///             Self::Start => "start a deployment",
///             Self::RollBack => "roll a deployment back",
///         }
///     }
/// }
/// ```
///
/// An organization Admin acts as workspace Admin by cascade, so a row that has
/// [`RoleSet::WORKSPACE_ADMIN`] need not name [`RoleSet::ORGANIZATION_ADMIN`]. A row on an organization
/// can only be met by organization roles and by operators.
pub trait Action: Copy {
    /// What it is asked of: an [`OrganizationId`], an `(OrganizationId, WorkspaceId)` or an
    /// `(OrganizationId, DomainId)`.
    type On: On;

    /// The row of the matrix: the roles that may.
    fn allowed(&self) -> RoleSet;

    /// The action in a few words, as refusals say it: `start a deployment`.
    fn phrase(&self) -> &'static str;

    /// The number by which a role of an organization's own may add it: stable for ever, and never used again
    /// for another action (R8). By default none, and no role can add it (A4). A host that gives codes tells
    /// them to [`Settings::catalogue`](crate::Settings::catalogue).
    fn code(&self) -> Option<Code> {
        None
    }

    /// Whether operators may do it in an organization that is deleted (O6): reading what is left. By
    /// default not.
    fn goes_on_when_deleted(&self) -> bool {
        false
    }

    /// Whether people may do it in an organization that is suspended (T4): what only reads, and what settles
    /// its invoicing. By default not, as an action that isn't known may change something: let those of your own
    /// that only read answer `true`. Operators may do all that they may otherwise.
    fn goes_on_when_suspended(&self) -> bool {
        false
    }
}

/// What an [`Action`] is asked of: ids that name one resource. Sealed, as there are three layers.
pub trait On: Copy + Into<Resource> + fmt::Debug + Send + Sync + sealed::Sealed {
    /// The layer of the resource.
    const LAYER: Layer;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::id::OrganizationId {}
    impl Sealed for (crate::id::OrganizationId, crate::id::WorkspaceId) {}
    impl Sealed for (crate::id::OrganizationId, crate::id::DomainId) {}
}

impl On for OrganizationId {
    const LAYER: Layer = Layer::Organization;
}

impl On for (OrganizationId, WorkspaceId) {
    const LAYER: Layer = Layer::Workspace;
}

impl On for (OrganizationId, DomainId) {
    const LAYER: Layer = Layer::Domain;
}

/// Who may view: what decides between *forbidden* and *hidden* (A2).
#[inline]
pub(crate) const fn viewers(layer: Layer) -> RoleSet {
    match layer {
        Layer::Organization => OrganizationAction::View.allowed(),
        Layer::Workspace => WorkspaceAction::View.allowed(),
        Layer::Domain => DomainAction::View.allowed(),
    }
}
