use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::authority::{may_invite, may_send, resource};
use super::invitation::{Invited, invite, invited, offered};
use crate::actor::Actor;
use crate::command::{Answer, Command, Drawing, Fresh, Scene, path, seats_are_left};
use crate::event::{Event, RefusedLine};
use crate::id::{CommitId, InvitationId, OrganizationId};
use crate::invitation::{InvitationOffer, InvitationTarget};
use crate::own_role::RoleNumber;
use crate::random::EntropyError;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::{OrganizationState, Touched};
use crate::store::Key;
use crate::text::{EmailAddress, EmailKey};
use crate::token::InvitationSecret;

/// What became of many addresses that were invited at once.
#[derive(Clone, Debug, Serialize)]
pub struct InvitedMany {
    /// Of each line, in the order in which they were asked: the invitation, sent or renewed, or why there is none.
    /// As with [`Invited::token`], a repetition of the request has the same answer without the tokens.
    ///
    /// Serialized, each is `{"invited": …}` or `{"refused": …}`.
    #[serde(serialize_with = "outcomes")]
    pub lines: Vec<Result<Invited, Refusal>>,
}

fn outcomes<S: Serializer>(
    lines: &[Result<Invited, Refusal>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Outcome<'a> {
        Invited(&'a Invited),
        Refused(&'a Refusal),
    }
    serializer.collect_seq(lines.iter().map(|line| match line {
        Ok(invited) => Outcome::Invited(invited),
        Err(refusal) => Outcome::Refused(refusal),
    }))
}

/// One for each line, whichever of them are needed.
type Links = Vec<(InvitationId, InvitationSecret)>;

impl Fresh for Links {
    fn draw(from: Drawing<'_>) -> Result<Self, EntropyError> {
        let each = || Fresh::draw(from);
        (0..InviteMany::MOST).map(|_| each()).collect()
    }
}

impl Answer<Links> for InvitedMany {
    fn read(organization: OrganizationId, events: &[Event], fresh: Option<&Links>) -> Option<Self> {
        let mut refused: BTreeMap<u32, &Refusal> = BTreeMap::new();
        for event in events {
            if let Event::LinesRefused { lines } = event {
                refused.extend(lines.iter().map(|line| (line.line, &line.refusal)));
            }
        }
        let is_link = |event: &&Event| {
            matches!(
                event,
                Event::InvitationSent { .. } | Event::InvitationRenewed { .. }
            )
        };
        let mut links = events.iter().filter(is_link);
        let mut lines = Vec::new();
        for (line, index) in (1_u32..).zip(0_usize..) {
            if let Some(refusal) = refused.remove(&line) {
                lines.push(Err(refusal.clone()));
            } else if let Some(event) = links.next() {
                let secret = fresh.and_then(|links| links.get(index));
                let secret = secret.map(|(_, secret)| secret);
                lines.push(Ok(invited(organization, [event], secret)?));
            } else {
                break;
            }
        }
        // A line that was refused beyond the last one is none that this command writes.
        refused.is_empty().then_some(Self { lines })
    }
}

/// Invites many addresses at once to the same, in one commit, each with an outcome of its own (I9).
///
/// It takes lines as somebody typed or pasted them; white space around an address doesn't count. A line that can't
/// be invited stops nobody else, and says why: it is no address ([`Refusal::EmailInvalid`]), it stands further up
/// already ([`Refusal::AddressRepeated`]), or the refusal is the one of [`InviteToOrganization`] or
/// [`InviteToWorkspace`] for that address alone, of which each line is one. Lines are judged from the first to the
/// last, so where seats, open invitations or links of the day run out, the first lines have them. Each line that
/// is invited has its [`Event::InvitationSent`] or [`Event::InvitationRenewed`], as if it had been invited alone.
///
/// [`InviteToOrganization`]: crate::commands::InviteToOrganization
/// [`InviteToWorkspace`]: crate::commands::InviteToWorkspace
///
/// # Refused
///
/// As a whole, and nobody is invited:
///
/// - [`Refusal::NotFound`]: the organization or the workspace doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor may not invite anybody to it (I2).
/// - [`Refusal::TooManyLines`]: there are more than [`InviteMany::MOST`] lines.
/// - [`Refusal::RoleNotFound`], [`Refusal::RoleIsRetired`]: the role of the organization's own isn't one to give there.
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{*, commands::*, store::*};
/// # let tenancy = Tenancy::new(MemoryRepository::new());
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
/// let pasted = "bob@acme.example\ncy at acme\nann@acme.example";
/// let invite = InviteMany {
///     organization: acme.organization,
///     target: InvitationTarget::Organization { role: OrganizationRole::Member },
///     emails: pasted.lines().map(str::to_owned).collect(),
/// };
/// let answer = tenancy.execute(&ann, invite).await?.output;
/// for (typed, outcome) in pasted.lines().zip(&answer.lines) {
///     match outcome {
///         Ok(invited) => println!("{typed}: mail the link of {}", invited.invitation),
///         Err(refusal) => println!("{typed}: {refusal}"),
///     }
/// }
/// # let codes = answer.lines.iter().map(|l| l.as_ref().map_or_else(|r| r.code(), |_| "invited"));
/// # assert_eq!(codes.collect::<Vec<_>>(), ["invited", "email_invalid", "already_has_role"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(bound = "T: Copy + Into<InvitationOffer>")]
pub struct InviteMany<T = InvitationTarget> {
    /// The organization that invites.
    pub organization: OrganizationId,
    /// What each is invited to, and with which role: an [`InvitationTarget`], or an [`InvitationOffer`] for a role of
    /// the organization's own (R6).
    #[serde(serialize_with = "as_offer")]
    pub target: T,
    /// The addresses as they were typed, a line each; at most [`InviteMany::MOST`]. A line may be anything; none
    /// that is refused is kept.
    pub emails: Vec<String>,
}

/// Writes the offer that a value stands for, whatever its own type would write: a request is what is asked (A6).
fn as_offer<T: Copy + Into<InvitationOffer>, S: Serializer>(
    target: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (*target).into().serialize(serializer)
}

impl InviteMany {
    /// How many may be invited at once.
    pub const MOST: u32 = 100;
}

impl<T: Copy + Into<InvitationOffer>> InviteMany<T> {
    /// Each line that there may be, read.
    fn read(&self) -> impl Iterator<Item = Result<EmailAddress, Refusal>> {
        let most = usize::try_from(InviteMany::MOST).unwrap_or(usize::MAX);
        let lines = self.emails.iter().take(most);
        lines.map(|line| EmailAddress::new(line.trim()).map_err(|_| Refusal::EmailInvalid))
    }

    fn resource(&self) -> Resource {
        match self.target.into().workspace() {
            None => self.organization.into(),
            Some(workspace) => (self.organization, workspace).into(),
        }
    }
}

impl<T: Copy + Into<InvitationOffer> + Send + Sync + 'static> Command for InviteMany<T> {
    type Output = InvitedMany;
    type Fresh = Links;

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        let mut keys = vec![path(actor, self.resource())];
        for email in self.read().flatten() {
            let key = Key::Address(email.key().clone(), self.target.into().workspace());
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn decide(&self, scene: &Scene<'_>, fresh: &Links) -> Result<Vec<Event>, Refusal> {
        may_invite(scene, self.resource())?;
        let limit = InviteMany::MOST;
        let too_many = Refusal::TooManyLines { limit };
        if u32::try_from(self.emails.len()).map_or(true, |lines| lines > limit) {
            return Err(too_many);
        }
        let offered = offered(scene, self.target.into())?;
        // What each line finds: the organization as the lines before have left it.
        let mut state = scene.state.clone();
        let mut seen: BTreeMap<EmailKey, u32> = BTreeMap::new();
        let (mut events, mut refused) = (Vec::new(), Vec::new());
        let mut links = fresh.iter();
        for (line, email) in (1_u32..).zip(self.read()) {
            let link = links.next().ok_or_else(|| too_many.clone())?;
            let outcome = email.and_then(|email| {
                if let Some(line) = seen.get(email.key()) {
                    return Err(Refusal::AddressRepeated { line: *line });
                }
                seen.insert(email.key().clone(), line);
                one(scene, &mut state, &email, offered, link)
            });
            match outcome {
                Ok(sent) => events.extend(sent),
                Err(refusal) => refused.push(RefusedLine { line, refusal }),
            }
        }
        if !refused.is_empty() {
            events.push(Event::LinesRefused { lines: refused });
        }
        Ok(events)
    }
}

/// One line, as if it were asked alone: `state` has what happened since, also by it.
fn one(
    scene: &Scene<'_>,
    state: &mut OrganizationState,
    email: &EmailAddress,
    offered: (InvitationTarget, Option<RoleNumber>),
    link: &(InvitationId, InvitationSecret),
) -> Result<Vec<Event>, Refusal> {
    let here = Scene { state, ..*scene };
    may_send(&here, email.key(), resource(&here, &offered.0))?;
    let events = invite(&here, email, offered, link)?;
    let row = state.organization();
    let before = row.map(|row| row.counts);
    let is_limited = row.is_some_and(|row| row.limits.seats.is_some());
    let undone = is_limited.then(|| state.clone());
    for event in &events {
        // What contradicts itself here does so again when the whole is applied, and is told there.
        if state
            .apply(scene.now, event, &mut Touched::default())
            .is_err()
        {
            return Ok(events);
        }
    }
    if let (Some(undone), Some(row)) = (undone, state.organization()) {
        if let Err(refusal) = seats_are_left(before, row, &events, scene.settings) {
            *state = undone;
            return Err(refusal);
        }
    }
    Ok(events)
}
