//! The words: people, names, texts, links, refusals.

use tenancy::commands::{AcceptInvitation, Accepted, DeclineInvitation, Invited};
use tenancy::text::{PostalAddress, TextLine};
use tenancy::{
    Action, Actor, CompanyInformation, DomainName, EmailAddress, InvitationToken,
    InvoicingInformation, Name, Operator, Refusal, Resource, RoleSet, UserId, VerifiedEmail,
};

/// A person of the host's, signed in with `{who}@acme.example`, verified.
pub fn user(who: &str) -> Actor {
    user_at(who, &format!("{who}@acme.example"))
}

pub fn user_at(who: &str, address: &str) -> Actor {
    let verified = VerifiedEmail::attest(email(address));
    Actor::user(UserId::from_external(who), verified)
}

pub fn unverified(who: &str) -> Actor {
    Actor::unverified(UserId::from_external(who))
}

/// The vendor's staff.
pub fn operator() -> Actor {
    Actor::Operator(Operator::attest(line("support: Jo")))
}

#[track_caller]
pub fn id(who: &Actor) -> UserId {
    who.user_id().expect("a user")
}

#[track_caller]
pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[track_caller]
pub fn line(text: &str) -> TextLine {
    TextLine::new(text).unwrap()
}

#[track_caller]
pub fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

#[track_caller]
pub fn label(text: &str) -> DomainName {
    DomainName::new(text).unwrap()
}

pub fn company() -> CompanyInformation {
    CompanyInformation {
        legal_name: line("Acme SAS"),
        registration_number: Some(line("RCS Paris 123 456 789")),
        vat_number: None,
        address: PostalAddress::new([line("1 rue de la Paix"), line("75002 Paris")]).unwrap(),
    }
}

pub fn invoicing(recipient: &str) -> InvoicingInformation {
    InvoicingInformation {
        recipient: line(recipient),
        email: email("billing@acme.example"),
        address: PostalAddress::new([line("75002 Paris")]).unwrap(),
        reference: Some(line("PO 4711")),
    }
}

/// The link of an invitation.
#[track_caller]
pub fn token(sent: &Invited) -> InvitationToken {
    sent.token.clone().expect("a fresh link")
}

#[track_caller]
pub fn accept(sent: &Invited) -> AcceptInvitation {
    AcceptInvitation { token: token(sent) }
}

#[track_caller]
pub fn decline(sent: &Invited) -> DeclineInvitation {
    DeclineInvitation { token: token(sent) }
}

/// Refused, though they may view it: by an action that needs another role than they have.
pub fn forbidden(action: impl Action, has: RoleSet) -> Refusal {
    Refusal::Forbidden {
        action: action.phrase().into(),
        needs: action.allowed(),
        has,
    }
}

pub fn not_found(resource: impl Into<Resource>) -> Refusal {
    Refusal::NotFound {
        resource: resource.into(),
    }
}

/// What accepting gave, when it placed nobody anew.
pub fn nothing_new(accepted: &Accepted) -> bool {
    !accepted.joined && accepted.organization_role.is_none() && accepted.workspace_role.is_none()
}
