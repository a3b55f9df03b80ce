//! Events, in short.

use tenancy::text::{PostalAddress, TextLine};
use tenancy::{
    CompanyInformation, EmailAddress, Event, InvoicingInformation, Name, OrganizationRole, UserId,
    WorkspaceId, WorkspaceRole,
};

use crate::report::Failure;

pub(crate) fn joined(user: UserId, email: &str, role: OrganizationRole) -> Result<Event, Failure> {
    Ok(Event::MemberJoined {
        user,
        email: EmailAddress::new(email)?,
        role,
    })
}

pub(crate) const fn given(workspace: WorkspaceId, user: UserId, role: WorkspaceRole) -> Event {
    Event::WorkspaceRoleGiven {
        workspace,
        user,
        role,
        replaces: None,
    }
}

pub(crate) const fn taken(workspace: WorkspaceId, user: UserId, role: WorkspaceRole) -> Event {
    Event::WorkspaceRoleTaken {
        workspace,
        user,
        role,
    }
}

/// The end of an organization that has nothing but its first workspace and its Admin.
pub(crate) fn deletion(
    name: &str,
    workspace: WorkspaceId,
    ann: UserId,
) -> Result<Vec<Event>, Failure> {
    Ok(vec![
        taken(workspace, ann, WorkspaceRole::Admin),
        Event::WorkspaceDeleted {
            workspace,
            name: Name::new(name)?,
        },
        Event::MemberRemoved {
            user: ann,
            role: OrganizationRole::Admin,
        },
        Event::OrganizationDeleted {},
    ])
}

pub(crate) fn renamed(workspace: WorkspaceId, from: &str, to: &str) -> Result<Event, Failure> {
    Ok(Event::WorkspaceRenamed {
        workspace,
        from: Name::new(from)?,
        to: Name::new(to)?,
    })
}

pub(crate) fn company() -> Result<CompanyInformation, Failure> {
    Ok(CompanyInformation {
        legal_name: TextLine::new("Acme SAS")?,
        registration_number: Some(TextLine::new("RCS Paris 123 456 789")?),
        vat_number: None,
        address: PostalAddress::new([
            TextLine::new("1 rue de la Paix")?,
            TextLine::new("75002 Paris")?,
        ])?,
    })
}

pub(crate) fn invoicing(email: &str) -> Result<InvoicingInformation, Failure> {
    Ok(InvoicingInformation {
        recipient: TextLine::new("Acme, Comptabilité")?,
        email: EmailAddress::new(email)?,
        address: PostalAddress::new([TextLine::new("1 rue de la Paix")?])?,
        reference: Some(TextLine::new("PO 'quoted' \"twice\"")?),
    })
}
