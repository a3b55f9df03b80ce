//! Events, in short.

use tenancy::text::{PostalAddress, TextLine};
use tenancy::{
    CompanyInformation, DomainAction, DomainId, DomainKind, DomainName, EmailAddress, Event,
    Grants, InvoicingInformation, Limits, Name, OrganizationAction, OrganizationRole, RoleBase,
    RoleNumber, UserId, WorkspaceId, WorkspaceRole,
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

/// A domain that comes and goes: its name is kept.
pub(crate) fn kept(domain: DomainId, workspace: WorkspaceId, name: DomainName) -> [Event; 2] {
    let created = Event::DomainCreated {
        domain,
        workspace,
        name: name.clone(),
        kind: DomainKind::Sandbox,
    };
    let deleted = Event::DomainDeleted {
        domain,
        workspace,
        name,
    };
    [created, deleted]
}

/// An organization with its first workspace and its Admin.
pub(crate) fn founding(
    name: &str,
    workspace: WorkspaceId,
    ann: UserId,
) -> Result<Vec<Event>, Failure> {
    Ok(vec![
        Event::OrganizationCreated {
            name: Name::new(name)?,
            workspace_quota: 3,
            limits: Limits::UNLIMITED,
        },
        joined(ann, "Ann@acme.example", OrganizationRole::Admin)?,
        Event::WorkspaceCreated {
            workspace,
            name: Name::new(name)?,
        },
        given(workspace, ann, WorkspaceRole::Admin),
    ])
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

/// Where the numbers of roles begin: the versions of these worlds don't come so far.
const FIRST_ROLE: i64 = 1_000;

/// The number of the role of that base that [`roles`] defines.
pub(crate) fn role(base: RoleBase) -> Result<RoleNumber, Failure> {
    let at = RoleBase::ALL.iter().position(|one| *one == base);
    let at = i64::try_from(at.unwrap_or_default()).unwrap_or_default();
    let number = RoleNumber::from_column(FIRST_ROLE.saturating_add(at));
    number.ok_or_else(|| Failure::new("a role has a number"))
}

/// A role of the organization's own of each base, each with something else to add.
pub(crate) fn roles() -> Result<Vec<Event>, Failure> {
    let sandboxes = Grants::on(DomainKind::Sandbox, DomainAction::Configure)?;
    let mut events = Vec::new();
    for (base, name, adds) in [
        (
            RoleBase::Member,
            "Builder",
            Grants::of(OrganizationAction::CreateWorkspace)?,
        ),
        (
            RoleBase::Accounting,
            "Auditor",
            Grants::of(OrganizationAction::ViewAuditTrail)?,
        ),
        (RoleBase::Reader, "Tester", sandboxes),
        (
            RoleBase::Developer,
            "Keeper",
            Grants::of(DomainAction::ViewServerKeys)?,
        ),
    ] {
        events.push(Event::RoleDefined {
            role: role(base)?,
            name: Name::new(name)?,
            base,
            adds,
        });
    }
    Ok(events)
}

/// Somebody who holds no role of the organization's own holds the one of that base.
pub(crate) fn holds(
    user: UserId,
    workspace: Option<WorkspaceId>,
    base: RoleBase,
) -> Result<Event, Failure> {
    Ok(Event::OwnRoleChanged {
        user,
        workspace,
        from: None,
        to: Some(role(base)?),
    })
}
