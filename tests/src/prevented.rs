//! What the types must prevent: nobody forges an operator, a verified address, a permit or a token's hash, and no
//! secret is printed or stored by accident.
//!
//! Each case is a documentation test that passes because it does not compile, and stands between two lines that
//! do, so that it fails for its own reason and for no other. `.ci/run` also checks that it fails with the error
//! that is named; a stable compiler by itself only sees that it fails. What a type must not *implement* is said by
//! [`lacks!`](crate::lacks), which needs no failing program.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::str::FromStr;
use tenancy::token::{InvitationSecret, LinkKey, TokenHash};
use tenancy::{DomainAction, InvitationToken, Operator, Permit, Standing, VerifiedEmail};

/// `lacks!(Type: Trait;)` compiles only if the type doesn't implement the trait. Where it does, two
/// implementations of `Ambiguous` apply, and which one is meant can't be told:
///
/// ```
/// tenancy_tests::lacks! { tenancy::Operator: Default; }
/// ```
///
/// ```compile_fail,E0283
/// tenancy_tests::lacks! { tenancy::Operator: Clone; }
/// ```
#[macro_export]
macro_rules! lacks {
    ($($type:ty: $($trait:path),+;)+) => {$($(
        const _: fn() = || {
            trait Ambiguous<A> {
                fn chosen() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Implemented;
            impl<T: ?Sized + $trait> Ambiguous<Implemented> for T {}
            let _ = <$type as Ambiguous<_>>::chosen;
        };
    )+)+};
}

lacks! {
    // An operator's powers don't come out of a request's body, nor does a verified address: a host attests both.
    Operator: DeserializeOwned, Default, FromStr, From<tenancy::text::TextLine>;
    VerifiedEmail: DeserializeOwned, Default, FromStr, From<tenancy::EmailAddress>;
    // A permit is proof of a check, and a standing is what a store found: neither can be conjured.
    Permit<DomainAction>: DeserializeOwned, Default;
    Standing: DeserializeOwned, Default;
    // A token is not printed or stored by accident; a string is no hash, tokens are hashed by the token.
    InvitationToken: Display, Serialize;
    InvitationSecret: Display, Serialize, DeserializeOwned;
    LinkKey: Display, Serialize, DeserializeOwned, Default;
    tenancy::Mail: Serialize;
    TokenHash: FromStr, From<String>;
}

/// What must not be written, case by case.
///
/// An operator's powers can't be written down:
///
/// ```
/// let label = tenancy::text::TextLine::new("me").unwrap();
/// let _ = tenancy::Operator::attest(label);
/// ```
///
/// ```compile_fail,E0451
/// let label = tenancy::text::TextLine::new("me").unwrap();
/// let _ = tenancy::Operator { label };
/// ```
///
/// A permit is proof of a check, and can't be written down:
///
/// ```
/// use tenancy::{DomainAction, Permit};
/// fn action(permit: Permit<DomainAction>) -> DomainAction { permit.action() }
/// ```
///
/// ```compile_fail,E0451
/// use tenancy::{DomainAction, Permit};
/// fn permit(permit: Permit<DomainAction>) -> Permit<DomainAction> { Permit { action: DomainAction::Delete, ..permit } }
/// ```
///
/// What a store found is no standing, which only the library makes of it:
///
/// ```
/// use tenancy::{Standing, store::Held};
/// fn held(standing: Standing) -> Held { standing.held() }
/// ```
///
/// ```compile_fail,E0451
/// use tenancy::{Standing, store::Held};
/// fn standing(standing: Standing, held: Held) -> Standing { Standing { held, ..standing } }
/// ```
///
/// A permit to view is no permit to delete:
///
/// ```
/// use tenancy::{OrganizationAction, Permit};
/// fn delete(_: &Permit<OrganizationAction>) {}
/// fn allowed(permit: &Permit<OrganizationAction>) { delete(permit) }
/// ```
///
/// ```compile_fail,E0308
/// use tenancy::{OrganizationAction, Permit, WorkspaceAction};
/// fn delete(_: &Permit<OrganizationAction>) {}
/// fn allowed(permit: &Permit<WorkspaceAction>) { delete(permit) }
/// ```
///
/// A domain's action can't be asked of a workspace:
///
/// ```
/// use tenancy::{DomainAction, DomainId, OrganizationId, Standing};
/// fn asked<A: tenancy::Action>(_: A, _: A::On) {}
/// fn ask(on: (OrganizationId, DomainId)) { asked(DomainAction::View, on) }
/// ```
///
/// ```compile_fail,E0308
/// use tenancy::{DomainAction, OrganizationId, WorkspaceId};
/// fn asked<A: tenancy::Action>(_: A, _: A::On) {}
/// fn ask(on: (OrganizationId, WorkspaceId)) { asked(DomainAction::View, on) }
/// ```
///
/// A host can't add a command, which could break the invariants. All of a command can be written but what seals it:
///
/// ```compile_fail,E0277
/// use tenancy::commands::{Command, Scene};
/// use tenancy::store::Key;
/// use tenancy::{Actor, CommitId, Event, OrganizationId, Refusal};
///
/// #[derive(serde::Serialize)]
/// struct MakeMeAdmin;
///
/// impl Command for MakeMeAdmin {
///     type Output = ();
///     type Fresh = ();
///     const NAME: &'static str = "make_me_admin";
///
///     fn organization(&self, _: CommitId) -> OrganizationId { OrganizationId::new() }
///     fn keys(&self, _: &Actor) -> Vec<Key> { Vec::new() }
///     fn decide(&self, _: &Scene<'_>, _: &()) -> Result<Vec<Event>, Refusal> { Ok(Vec::new()) }
/// }
/// ```
pub mod cases {}
