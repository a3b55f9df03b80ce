//! Those who are invited: how they come to be, their rows, and what is done about them.

use axum::response::Response;
use tenancy::commands::{InviteMany, ResendInvitation, RevokeInvitation};
use tenancy::views::{InvitationView, OwnRoleView};
use tenancy::{
    InvitationId, InvitationOffer, InvitationStatus, InvitationTarget, OrganizationId, WorkspaceId,
};
use tenancy_axum::Rejection;

use super::{members, workspace};
use crate::form::{Back, Field, Filled, Form, Trouble};
use crate::people::Names;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Inside, Visit};

const HERE: &str = "/members";

/// Somebody who is invited.
pub(crate) struct InvitedRow {
    pub(crate) email: String,
    pub(crate) offer: String,
    pub(crate) from: String,
    pub(crate) until: String,
    pub(crate) is_expired: bool,
    pub(crate) resend: Form,
    pub(crate) revoke: Form,
}

/// What came of a line of many that were invited.
pub(crate) struct Outcome {
    pub(crate) line: String,
    pub(crate) sentence: String,
    pub(crate) is_bad: bool,
}

/// Invites each line, and says what came of each. The links go by mail, from the store's outbox.
pub(crate) async fn invite_many<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    target: InvitationOffer,
    filled: &Filled,
) -> Result<Vec<Outcome>, Trouble> {
    let mut reading = filled.reading();
    let emails: Vec<String> = reading
        .lines("emails")
        .iter()
        .flat_map(|line| line.split([',', ';']))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if emails.is_empty() {
        reading.say("emails", "write at least one address");
        return Err(reading.trouble());
    }
    let invite = InviteMany {
        organization,
        target,
        emails: emails.clone(),
    };
    let answer = visit.execute(filled, invite).await?.output;
    let mut outcomes = Vec::with_capacity(emails.len());
    for (line, outcome) in emails.into_iter().zip(answer.lines) {
        let (sentence, is_bad) = match &outcome {
            Ok(invited) if invited.renewed => ("Invited again, with a new link.".to_owned(), false),
            Ok(_) => ("Invited.".to_owned(), false),
            Err(refusal) => (say::refusal(refusal), true),
        };
        outcomes.push(Outcome {
            line,
            sentence,
            is_bad,
        });
    }
    Ok(outcomes)
}

/// The form with the lines that weren't invited, as those are what is left to do.
pub(crate) fn some_refused(form: &str, mut filled: Filled, outcomes: &[Outcome]) -> Back {
    let left = outcomes.iter().filter(|outcome| outcome.is_bad);
    let left: Vec<_> = left.map(|outcome| outcome.line.as_str()).collect();
    let invited = outcomes.len().saturating_sub(left.len());
    filled.set("emails", left.join("\n"));
    let sentence = "these were not invited: see above what is wrong with each".to_owned();
    let notice = format!("{invited} invited, {} not: each line says why.", left.len());
    let trouble = Trouble::Wrong(vec![("emails".to_owned(), say::sentence(&sentence))]);
    Back::of(form, filled, &trouble).with_notice(notice)
}

/// Where a form of an invitation stood: among the members, or in a workspace.
fn stood_in(filled: &Filled) -> Option<WorkspaceId> {
    filled
        .get("workspace")
        .and_then(|workspace| workspace.parse().ok())
}

pub(crate) async fn resend<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, invitation)): At<(OrganizationId, InvitationId)>,
    filled: Filled,
) -> Response {
    let resend = ResendInvitation {
        organization,
        invitation,
    };
    let done = visit.execute(&filled, resend).await;
    let form = format!("resend-{invitation}");
    answer_invitation(&visit, organization, form, filled, done, "resent").await
}

pub(crate) async fn revoke<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, invitation)): At<(OrganizationId, InvitationId)>,
    filled: Filled,
) -> Response {
    let revoke = RevokeInvitation {
        organization,
        invitation,
    };
    let done = visit.execute(&filled, revoke).await;
    let form = format!("revoke-{invitation}");
    answer_invitation(&visit, organization, form, filled, done, "revoked").await
}

async fn answer_invitation<H: ConsoleHost, T>(
    visit: &Visit<H>,
    organization: OrganizationId,
    form: String,
    filled: Filled,
    done: Result<T, Trouble>,
    word: &str,
) -> Response {
    let workspace = stood_in(&filled);
    match (done, workspace) {
        (Ok(_), None) => visit.to(&visit.path(organization, HERE), word),
        (Ok(_), Some(workspace)) => visit.to(
            &visit.path(organization, &format!("/workspaces/{workspace}")),
            word,
        ),
        (Err(trouble), None) => {
            let back = Back::of(form, filled, &trouble);
            members::come_back(visit, organization, &back, Vec::new()).await
        }
        (Err(trouble), Some(workspace)) => {
            let back = Back::of(form, filled, &trouble);
            workspace::come_back(visit, (organization, workspace), &back, Vec::new()).await
        }
    }
}

/// The rows of open invitations.
pub(crate) async fn rows<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    invitations: &[InvitationView],
    names: &Names,
    workspaces: &[(WorkspaceId, String)],
    stand_in: Option<WorkspaceId>,
    back: &Back,
) -> Result<Vec<InvitedRow>, Rejection> {
    if invitations.is_empty() {
        return Ok(Vec::new());
    }
    let organization = inside.id();
    let asks = invitations.iter().map(|one| {
        let invitation = one.id;
        let resend = ResendInvitation {
            organization,
            invitation,
        };
        let revoke = RevokeInvitation {
            organization,
            invitation,
        };
        (resend, revoke)
    });
    let mut why_not = visit.why_not(asks.collect::<Vec<_>>()).await?;
    let rows = invitations.iter().map(|one| {
        let form = |what: &str, button: &str, why_not: Option<String>| {
            let path = visit.path(organization, &format!("/invitations/{}/{what}", one.id));
            let mut form = Form::new(format!("{what}-{}", one.id), path, button)
                .about(format!("the invitation to {}", one.email))
                .in_line();
            if let Some(workspace) = stand_in {
                form = form.field(Field::hidden("workspace", workspace));
            }
            form.why_not(why_not).back(back)
        };
        let resend = form("resend", "Resend", why_not.next());
        let revoke = form("revoke", "Revoke", why_not.next());
        let is_expired = one.status == InvitationStatus::Expired;
        let until = if is_expired {
            "expired on"
        } else {
            "open until"
        };
        InvitedRow {
            email: one.email.to_string(),
            offer: offer(one, inside.roles(), workspaces),
            from: names.show(one.inviter),
            until: format!(
                "sent on {}, {until} {}",
                say::day(one.sent_at),
                say::day(one.expires_at)
            ),
            is_expired,
            resend,
            revoke,
        }
    });
    Ok(rows.collect())
}

/// What an invitation gives.
pub(crate) fn offer(
    invitation: &InvitationView,
    roles: &[OwnRoleView],
    workspaces: &[(WorkspaceId, String)],
) -> String {
    match invitation.target {
        InvitationTarget::Organization { role } => {
            say::organization_role(role, invitation.own_role, roles)
        }
        InvitationTarget::Workspace { workspace, role } => {
            let name = workspaces.iter().find(|(id, _)| *id == workspace);
            let name = name.map_or("a workspace", |(_, name)| name.as_str());
            format!(
                "{} of {name}",
                say::workspace_role(role, invitation.own_role, roles)
            )
        }
    }
}
