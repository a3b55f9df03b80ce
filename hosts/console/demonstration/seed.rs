//! What there is to look at: a company with everything in it, and a small one.

use std::error::Error;

use tenancy::commands::{
    AcceptInvitation, ChangeOrganizationRole, CreateDomain, CreateOrganization, CreateWorkspace,
    DeactivateDomain, DefineRole, EditCompany, EditContract, EditInvoicing, GiveWorkspaceRole,
    InviteToOrganization, InviteToWorkspace, Request, RetireRole, SetLimits, SetMembershipEnd,
    SuspendMember,
};
use tenancy::store::Directory;
use tenancy::text::PostalAddress;
use tenancy::{
    Actor, AsRole, CompanyInformation, DomainAction, DomainKind, Grants, InvoicingInformation,
    Limits, OrganizationAction, OrganizationId, OrganizationRole, RoleBase, UserId,
    WorkspaceAction, WorkspaceId, WorkspaceRole,
};

use crate::desk::Desk;
use crate::people::{PEOPLE, STAFF, Somebody, actor};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn somebody(word: &str) -> Result<&'static Somebody> {
    let found = PEOPLE.iter().find(|somebody| somebody.word == word);
    found.ok_or_else(|| format!("there is no {word}").into())
}

fn who(word: &str) -> Result<Actor> {
    actor(word).ok_or_else(|| format!("there is no {word}").into())
}

/// Plants everything, and answers with the organization to look at.
pub(crate) async fn plant<R>(desk: &Desk<R>) -> Result<OrganizationId>
where
    R: Directory<Error: Error + Send + Sync + 'static>,
{
    let (ann, staff) = (who("ann")?, who(STAFF)?);
    let create = CreateOrganization {
        name: "Acme Payments".parse()?,
    };
    let acme = does(desk, &ann, create).await?;
    let (organization, payments) = (acme.organization, acme.workspace);
    let set = SetLimits {
        organization,
        limits: Limits {
            seats: Some(25),
            domains: Some(8),
            domains_per_workspace: Some(5),
        },
        workspace_quota: Some(3),
    };
    does(desk, &staff, set).await?;
    let contract = Some("C-2026-1107, Business".parse()?);
    does(
        desk,
        &staff,
        EditContract {
            organization,
            contract,
        },
    )
    .await?;
    about_the_company(desk, &ann, organization).await?;

    let names = ["Risk <b>& Fraud</b>", "مساحة العمل التجريبية"];
    let mut workspaces = vec![payments];
    for name in names {
        let name = name.parse()?;
        workspaces.push(does(desk, &ann, CreateWorkspace { organization, name }).await?);
    }
    let [payments, risk, _] = workspaces.as_slice() else {
        return Err("three workspaces were created".into());
    };
    let (payments, risk) = (*payments, *risk);
    for (workspace, name, kind) in [
        (payments, "acme-sandbox", DomainKind::Sandbox),
        (payments, "acme", DomainKind::Production),
        (risk, "acme-risk-sandbox", DomainKind::Sandbox),
        (risk, "acme-risk", DomainKind::Production),
    ] {
        let name = name.parse()?;
        let create = CreateDomain {
            organization,
            workspace,
            name,
            kind,
        };
        // In a database that outlives the program, the name may be taken since the last time.
        let Ok(domain) = does(desk, &ann, create).await else {
            continue;
        };
        if kind == DomainKind::Sandbox && workspace == risk {
            does(
                desk,
                &ann,
                DeactivateDomain {
                    organization,
                    domain,
                },
            )
            .await?;
        }
    }

    joins(desk, &ann, organization, "jin", OrganizationRole::Admin).await?;
    joins(desk, &ann, organization, "cy", OrganizationRole::Accounting).await?;
    for word in ["bob", "eve", "fadi", "gus", "hana", "ivo"] {
        joins(desk, &ann, organization, word, OrganizationRole::Member).await?;
    }
    let gives = async |workspace: WorkspaceId, word: &str, role: WorkspaceRole| {
        let user = somebody(word)?.id();
        let give = GiveWorkspaceRole {
            organization,
            workspace,
            user,
            role,
        };
        does(desk, &ann, give).await.map(drop)
    };
    gives(payments, "bob", WorkspaceRole::Developer).await?;
    gives(risk, "bob", WorkspaceRole::Reader).await?;
    gives(payments, "fadi", WorkspaceRole::Admin).await?;
    gives(payments, "gus", WorkspaceRole::Reader).await?;
    gives(risk, "eve", WorkspaceRole::Developer).await?;
    roles(desk, &ann, organization, payments).await?;

    let eve = somebody("eve")?.id();
    let suspend = SuspendMember {
        organization,
        user: eve,
    };
    does(desk, &ann, suspend).await?;
    let end = SetMembershipEnd {
        organization,
        user: somebody("ivo")?.id(),
        until: in_days(30),
    };
    does(desk, &ann, end).await?;

    let dora = InviteToWorkspace {
        organization,
        workspace: payments,
        email: somebody("dora")?.address()?,
        role: WorkspaceRole::Developer,
    };
    does(desk, &ann, dora).await?;
    for (email, role) in [
        ("mira@partner.example", OrganizationRole::Member),
        ("auditors@big-four.example", OrganizationRole::Accounting),
    ] {
        let email = email.parse()?;
        let invite = InviteToOrganization {
            organization,
            email,
            role,
        };
        does(desk, &ann, invite).await?;
    }
    small(desk).await?;
    Ok(organization)
}

async fn about_the_company<R>(
    desk: &Desk<R>,
    ann: &Actor,
    organization: OrganizationId,
) -> Result<()>
where
    R: Directory<Error: Error + Send + Sync + 'static>,
{
    let lines = ["12 Harbour Street", "1150 Copenhagen", "Denmark"];
    let lines: std::result::Result<Vec<_>, _> = lines.into_iter().map(str::parse).collect();
    let address = PostalAddress::new(lines?)?;
    let company = CompanyInformation {
        legal_name: "Acme Payments A/S".parse()?,
        registration_number: Some("CVR 31415926".parse()?),
        vat_number: Some("DK31415926".parse()?),
        address: address.clone(),
    };
    let invoicing = InvoicingInformation {
        recipient: "Acme Payments A/S, Accounts payable".parse()?,
        email: "invoices@acme.example".parse()?,
        address,
        reference: Some("PO 7741".parse()?),
    };
    let company = EditCompany {
        organization,
        company: Some(company),
    };
    let invoicing = EditInvoicing {
        organization,
        invoicing: Some(invoicing),
    };
    does(desk, ann, (company, invoicing)).await.map(drop)
}

async fn roles<R>(
    desk: &Desk<R>,
    ann: &Actor,
    organization: OrganizationId,
    payments: WorkspaceId,
) -> Result<()>
where
    R: Directory<Error: Error + Send + Sync + 'static>,
{
    let auditor = DefineRole {
        organization,
        name: "Auditor".parse()?,
        base: RoleBase::Member,
        adds: Grants::of(OrganizationAction::ViewAuditTrail)?
            | Grants::of(OrganizationAction::ViewMembers)?,
    };
    let auditor = does(desk, ann, auditor).await?;
    let tester = DefineRole {
        organization,
        name: "Sandbox tester".parse()?,
        base: RoleBase::Reader,
        adds: Grants::of(WorkspaceAction::CreateDomain)?
            | Grants::on(DomainKind::Sandbox, DomainAction::Configure)?,
    };
    let tester = does(desk, ann, tester).await?;
    let billing = DefineRole {
        organization,
        name: "Billing contact".parse()?,
        base: RoleBase::Member,
        adds: Grants::of(OrganizationAction::ViewInvoicing)?,
    };
    let role = does(desk, ann, billing).await?;
    does(desk, ann, RetireRole { organization, role }).await?;
    let user = somebody("ivo")?.id();
    changes(desk, ann, organization, user, auditor).await?;
    let give = GiveWorkspaceRole {
        organization,
        workspace: payments,
        user: somebody("hana")?.id(),
        role: tester,
    };
    does(desk, ann, give).await.map(drop)
}

async fn changes<R, B>(
    desk: &Desk<R>,
    ann: &Actor,
    organization: OrganizationId,
    user: UserId,
    role: B,
) -> Result<()>
where
    R: Directory<Error: Error + Send + Sync + 'static>,
    B: AsRole<OrganizationRole>,
{
    let change = ChangeOrganizationRole {
        organization,
        user,
        role,
    };
    does(desk, ann, change).await.map(drop)
}

/// A company of one, whose only Admin can't leave; Ann is in it, too.
async fn small<R>(desk: &Desk<R>) -> Result<()>
where
    R: Directory<Error: Error + Send + Sync + 'static>,
{
    let kai = who("kai")?;
    let create = CreateOrganization {
        name: "Solo Surfboards".parse()?,
    };
    let solo = does(desk, &kai, create).await?;
    joins(
        desk,
        &kai,
        solo.organization,
        "ann",
        OrganizationRole::Member,
    )
    .await?;
    let dora = InviteToOrganization {
        organization: solo.organization,
        email: somebody("dora")?.address()?,
        role: OrganizationRole::Member,
    };
    does(desk, &kai, dora).await?;
    Ok(())
}

async fn joins<R>(
    desk: &Desk<R>,
    inviter: &Actor,
    organization: OrganizationId,
    word: &str,
    role: OrganizationRole,
) -> Result<()>
where
    R: Directory<Error: Error + Send + Sync + 'static>,
{
    let invite = InviteToOrganization {
        organization,
        email: somebody(word)?.address()?,
        role,
    };
    let invited = does(desk, inviter, invite).await?;
    let token = invited.token.ok_or("a fresh invitation has a link")?;
    does(desk, &who(word)?, AcceptInvitation { token })
        .await
        .map(drop)
}

async fn does<R, Q: Request>(desk: &Desk<R>, actor: &Actor, request: Q) -> Result<Q::Output>
where
    R: Directory<Error: Error + Send + Sync + 'static>,
{
    Ok(desk.tenancy.execute(actor, request).await?.output)
}

fn in_days(days: u64) -> Option<chrono::DateTime<chrono::Utc>> {
    let now: chrono::DateTime<chrono::Utc> = std::time::SystemTime::now().into();
    let today = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    today.checked_add_days(chrono::Days::new(days))
}
