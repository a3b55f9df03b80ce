//! What people read: refusals, dates, roles.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use tenancy::views::OwnRoleView;
use tenancy::{Decision, OrganizationRole, Refusal, RoleBase, RoleNumber, RoleSet, WorkspaceRole};
use tenancy_axum::Rejection;

/// The core's words as a sentence: a capital in front, a full stop behind, typed quotation marks.
pub(crate) fn sentence(words: &str) -> String {
    let mut sentence = String::with_capacity(words.len().saturating_add(8));
    let mut opens = true;
    for (place, letter) in words.trim().chars().enumerate() {
        match letter {
            '`' => {
                sentence.push(if opens { '“' } else { '”' });
                opens = !opens;
            }
            _ if place == 0 => sentence.extend(letter.to_uppercase()),
            _ => sentence.push(letter),
        }
    }
    if !sentence.ends_with(['.', '?', '!']) && !sentence.is_empty() {
        sentence.push('.');
    }
    sentence
}

/// A refusal, without the ids that its own words have for programs.
pub(crate) fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotFound { .. } => {
            "There is nothing like that, or it isn't yours to see.".to_owned()
        }
        Refusal::MemberNotFound { .. } => {
            "They have no role of their own there: invite them first.".to_owned()
        }
        Refusal::Forbidden { action, needs, .. } => match whom_to_ask(*needs) {
            Some(whom) => format!("You may not {action}: ask {whom}."),
            None => format!("You may not {action}: only the vendor does."),
        },
        Refusal::RoleNotFound { .. } => "There is no such role any more.".to_owned(),
        Refusal::AlreadyHasRole { .. } => {
            "Somebody with that address has that role already, or one that an invitation doesn't replace: change their \
             role instead."
                .to_owned()
        }
        Refusal::MembershipEnded { ended_at } => format!(
            "The membership ended on {}: an Admin has to prolong it first, which an invitation doesn't.",
            day(*ended_at)
        ),
        Refusal::InvitationExpired { expired_at } => {
            format!(
                "This invitation expired on {}: ask for a new one.",
                day(*expired_at)
            )
        }
        Refusal::ResentTooSoon { again_at } => {
            format!(
                "It was sent a moment ago: send it again after {}.",
                again_at.format("%H:%M:%S UTC")
            )
        }
        Refusal::TooManyLinks { limit, again_at } => format!(
            "{limit} links were made today, as many as may be: try again after {}.",
            moment(*again_at)
        ),
        Refusal::CommitIdReused => {
            "This form was sent before, with other contents. Look at what is there now, and send it once more.".to_owned()
        }
        Refusal::IdentityMissing => "The form came without its key: send it once more.".to_owned(),
        other => sentence(&other.to_string()),
    }
}

/// Why something wasn't done.
pub(crate) fn rejection(rejection: &Rejection) -> String {
    match (rejection.refusal(), rejection.status()) {
        (Some(said), _) => refusal(said),
        (None, 500..) => {
            "That didn't work just now. Nothing is lost: send it once more.".to_owned()
        }
        (None, _) => sentence(rejection.detail()),
    }
}

/// What a page says once something is done, by the word in its address. Whoever makes up a word is told nothing.
pub(crate) fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "created" => "It is created.",
        "saved" => "Saved.",
        "renamed" => "It has its new name.",
        "invited" => "Invited: the link is on its way.",
        "resent" => "Sent again. The link before is dead.",
        "revoked" => "The invitation is taken back; its link is dead.",
        "accepted" => "Welcome: you are in.",
        "declined" => "Declined. Nobody is told why.",
        "left" => "You have left.",
        "removed" => "Removed, with their roles and their invitations.",
        "suspended" => "Suspended: none of their roles counts until they are reinstated.",
        "reinstated" => "Reinstated: what they held counts again.",
        "role" => "The role is changed, and counts from now on.",
        "taken" => "The role is taken.",
        "end" => "The end is set.",
        "endless" => "It doesn't end any more.",
        "defined" => "The role is defined: give it to people, or invite with it.",
        "revised" => "The role is revised, for all who hold it.",
        "retired" => "The role is retired: whoever holds it holds its base.",
        "restored" => "The role is in force again.",
        "deleted" => "Deleted.",
        "moved" => "The domain is moved.",
        "deactivated" => "The domain is switched off.",
        "reactivated" => "The domain is on again.",
        "handed" => "The organization is handed over.",
        "appointed" => "They are an Admin now.",
        "released" => "The name is free for everybody.",
        "stopped" => "The organization is suspended; its people read your reason.",
        "resumed" => "The organization is reinstated.",
        _ => return None,
    })
}

/// Now, as far as a page needs it: whether a membership that is shown has ended.
pub(crate) fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// `5 Dec 2026`
pub(crate) fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y").to_string()
}

/// `5 Dec 2026, 09:30 UTC`
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

/// The last day of what ends then: an end is the first moment that doesn't count.
pub(crate) fn last_day(end: DateTime<Utc>) -> NaiveDate {
    let within = end.checked_sub_signed(chrono::TimeDelta::milliseconds(1));
    within.unwrap_or(end).date_naive()
}

/// The end of what counts up to that day, in UTC.
pub(crate) fn end_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    let next = day.checked_add_days(Days::new(1))?;
    Some(next.and_time(NaiveTime::MIN).and_utc())
}

/// A role in the organization as people call it: one of its own by its name.
pub(crate) fn organization_role(
    role: OrganizationRole,
    own: Option<RoleNumber>,
    roles: &[OwnRoleView],
) -> String {
    own_role(own, roles).unwrap_or_else(|| role.to_string())
}

/// The same of a workspace.
pub(crate) fn workspace_role(
    role: WorkspaceRole,
    own: Option<RoleNumber>,
    roles: &[OwnRoleView],
) -> String {
    own_role(own, roles).unwrap_or_else(|| role.to_string())
}

fn own_role(own: Option<RoleNumber>, roles: &[OwnRoleView]) -> Option<String> {
    let own = own?;
    let role = roles.iter().find(|role| role.number == own)?;
    Some(role.name.to_string())
}

/// A role that others build on.
pub(crate) const fn base(base: RoleBase) -> &'static str {
    match base {
        RoleBase::Member => "Member",
        RoleBase::Accounting => "Accounting",
        RoleBase::Reader => "Reader",
        RoleBase::Developer => "Developer",
    }
}

/// Who of the customer's people may do it: the vendor's staff are none whom they ask.
fn whom_to_ask(needs: RoleSet) -> Option<String> {
    let roles = needs.difference(RoleSet::OPERATOR);
    (!roles.is_empty()).then(|| format!("somebody who is {roles}"))
}

/// A decision, where no role of the organization's own has to be named.
pub(crate) fn decision(decision: &Decision) -> String {
    match decision {
        Decision::Forbidden { needs, .. } => match whom_to_ask(*needs) {
            Some(whom) => format!("Your role doesn't allow it: ask {whom}."),
            None => "Only the vendor does that.".to_owned(),
        },
        Decision::Hidden => "Hidden: to them it is as if it didn't exist.".to_owned(),
        other => sentence(&other.to_string()),
    }
}

/// So many of something.
pub(crate) fn count(count: impl Into<u64>, noun: &str) -> String {
    let count = count.into();
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
