//! Deciding: the pure core. A request and what a store knows come in, what happens comes out.
//!
//! A request is a command, or several that are carried out together: each is decided on what those before it made,
//! and all that happens by them is one commit.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::actor::Actor;
use crate::command::{Circumstances, Drawing, Scene, seats_are_left, whole_milliseconds};
use crate::event::Event;
use crate::id::{CommitId, OrganizationId};
use crate::later::Later;
use crate::log::{LogEntry, LogPart};
use crate::random::EntropyError;
use crate::refusal::{Refusal, Together};
use crate::request::RequestDigest;
use crate::settings::Settings;
use crate::state::{Inconsistency, OrganizationState, Touched};
use crate::store::{Commit, Facts, Key};
use crate::version::Version;

#[cfg(doc)]
use crate::command::Command;
pub(crate) use question::{Happens, Question, Questions};

mod question;

/// The most commands that a request may hold.
const MOST: usize = 100;

/// Its name in the log, if a request holds several.
const SEVERAL: &str = "several";

/// What is asked at once: a [`Command`], or several of one organization, as a tuple or a `Vec`. Hand it to
/// [`Tenancy::execute`](crate::Tenancy::execute).
///
/// Several commands are carried out all or none. Each is decided on what those before it made, and the answer has
/// theirs in the same shape: of a tuple a tuple, of a `Vec` a `Vec`, however deep they stand in each other. They are
/// one commit: one version, one entry of the log ([`LogEntry::parts`] tells whose events are whose), one idempotency key.
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{commands::*, store::*, *};
/// # let tenancy = Tenancy::new(MemoryRepository::new());
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
/// # let (organization, workspace) = (acme.organization, acme.workspace);
/// # let name = "acme".parse()?;
/// # let create = CreateDomain { organization, workspace, name, kind: DomainKind::Sandbox };
/// # let domain = tenancy.execute(&ann, create).await?.output;
/// let domains = vec![DeleteDomain { organization, domain }];
/// let done = tenancy.execute(&ann, (domains, DeleteWorkspace { organization, workspace })).await?;
/// let (_, deleted) = done.output; // the workspace was empty once its domains were deleted
/// # let DeletedWorkspace { .. } = deleted;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// If one is refused, none is carried out, and [`Error::RefusedAt`](crate::Error::RefusedAt) says which; what is refused
/// of all of them ([`NotTogether`](Refusal::NotTogether), a used id) is [`Error::Refused`](crate::Error::Refused). What they
/// create has ids that are drawn when they are carried out, so that none can name what another one creates, but for the
/// organization of a [`CreateOrganization`](crate::commands::CreateOrganization), which follows from the commit's id
/// ([`Command::organization`]).
///
/// # Refused
///
/// - [`Refusal::NotTogether`]: they are of several organizations, or more than 100, or none; or what one does depends
///   on the version in which another one does something ([`Together`] lists these).
///
/// Sealed: these are all that there are.
pub trait Request: sealed::Sealed + Send + Sync + 'static {
    /// What it answers when it succeeds: [`Command::Output`], or several of these.
    type Output: Send;
    /// What it needs of the world's randomness: [`Command::Fresh`], or several of these.
    type Drawn: Send + Sync;
    #[doc(hidden)]
    type Asked<'a>: Questions
    where
        Self: 'a;

    /// How many commands it holds.
    #[doc(hidden)]
    fn count(&self) -> usize;

    /// Draws what it needs of the world's randomness.
    ///
    /// # Errors
    ///
    /// [`EntropyError`]: the operating system gave none.
    fn draw(&self, from: Drawing<'_>) -> Result<Self::Drawn, EntropyError>;

    #[doc(hidden)]
    fn asked<'a>(&'a self, drawn: &'a Self::Drawn) -> Self::Asked<'a>;

    #[doc(hidden)]
    fn output(asked: Self::Asked<'_>) -> Option<Self::Output>;
}

mod sealed {
    pub trait Sealed {}
    impl<C: crate::command::Command> Sealed for C {}
    impl<Q: crate::decide::Request> Sealed for Vec<Q> {}
}

/// What was decided: the answer, and the commit that makes it true.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "nothing happens until the commit is made"]
pub struct Decided<T> {
    /// The command's answer.
    pub output: T,
    /// What to write; `None` if nothing changes, or if it was written before.
    pub commit: Option<Commit>,
    /// What happens, or happened when the commit was made before.
    pub events: Vec<Event>,
    /// The organization's version once that is written.
    pub version: Version,
}

/// Why nothing was decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// A rule says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A rule says no to one of the commands of a request. None of them happens.
    #[error("command {command} of the request: {refusal}")]
    RefusedAt {
        /// Which one, counted from 0.
        command: usize,
        /// What the rule says.
        refusal: Refusal,
    },
    /// The facts contradict each other.
    #[error("the store contradicts itself: {0}")]
    Inconsistent(#[from] Inconsistency),
}

/// Decides on a request: the pure core. `facts` are what a store loaded for the [`Command::keys`] of its commands, and
/// [`Key::Commit`] if a repetition is to be recognised; `None` if the organization doesn't exist.
///
/// [`Tenancy`](crate::Tenancy) does that, with the loading before and the writing after. Call it yourself
/// to decide in surroundings that `Tenancy` doesn't fit.
///
/// # Errors
///
/// - [`Undecided::Refused`], [`Undecided::RefusedAt`]: a rule says no.
/// - [`Undecided::Inconsistent`]: the facts contradict each other; something other than this library
///   writes the store.
pub fn decide<Q: Request>(
    request: &Q,
    circumstances: Circumstances<'_>,
    drawn: &Q::Drawn,
    facts: Option<Facts>,
) -> Result<Decided<Q::Output>, Undecided> {
    let mut asked = request.asked(drawn);
    let decided = decide_on(&mut asked, circumstances, facts)?;
    Ok(answered::<Q>(asked, decided)?)
}

/// What was decided, with the answer.
pub(crate) fn answered<Q: Request>(
    asked: Q::Asked<'_>,
    decided: Decided<()>,
) -> Result<Decided<Q::Output>, Inconsistency> {
    Ok(Decided {
        output: Q::output(asked).ok_or(Inconsistency::UnknownEvent)?,
        commit: decided.commit,
        events: decided.events,
        version: decided.version,
    })
}

/// Each question in turn.
fn each(
    questions: &mut dyn Questions,
    mut with: impl FnMut(&mut dyn Question) -> Result<(), Undecided>,
) -> Result<(), Undecided> {
    let count = questions.count();
    for number in 0..count {
        let Some(question) = questions.at(number) else {
            continue;
        };
        with(question).map_err(|undecided| match undecided {
            Undecided::Refused(refusal) if count > 1 => Undecided::RefusedAt {
                command: number,
                refusal,
            },
            undecided => undecided,
        })?;
    }
    Ok(())
}

/// The name of what is asked.
pub(crate) fn name(questions: &mut dyn Questions) -> &'static str {
    match (questions.count(), questions.at(0)) {
        (1, Some(question)) => question.name(),
        _ => SEVERAL,
    }
}

/// Asked before anything is drawn for a request: a client may have sent any number.
pub(crate) fn is_few(count: usize) -> Result<(), Refusal> {
    let why = Together::TooMany;
    (count <= MOST)
        .then_some(())
        .ok_or(Refusal::NotTogether { why })
}

/// The one organization that all of it is about.
pub(crate) fn organization(
    questions: &mut dyn Questions,
    commit: CommitId,
) -> Result<OrganizationId, Refusal> {
    let count = questions.count();
    is_few(count)?;
    let mut all = (0..count).filter_map(|number| Some(questions.at(number)?.organization(commit)));
    let first = all.next().ok_or(Refusal::NotTogether {
        why: Together::None,
    })?;
    if all.any(|organization| organization != first) {
        return Err(Refusal::NotTogether {
            why: Together::Organizations,
        });
    }
    Ok(first)
}

/// What all of it needs to know, each key once.
pub(crate) fn keys(questions: &mut dyn Questions, actor: &Actor) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    for number in 0..questions.count() {
        let its = questions.at(number).map(|question| question.keys(actor));
        if keys.is_empty() {
            keys = its.unwrap_or_default();
            continue;
        }
        let its = its.into_iter().flatten();
        keys.extend(its);
    }
    if questions.count() > 1 {
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(key.clone()));
    }
    keys
}

/// The digest of all of it.
fn request(
    questions: &mut dyn Questions,
    commit: CommitId,
    actor: &Actor,
) -> Option<RequestDigest> {
    let count = questions.count();
    let mut digests = Vec::with_capacity(count);
    for number in 0..count {
        digests.push(questions.at(number)?.request(commit, actor)?);
    }
    match digests.len() {
        1 => digests.pop(),
        _ => RequestDigest::of_several(&digests),
    }
}

/// [`decide`], of a request of any type. The questions keep their answers.
pub(crate) fn decide_on(
    questions: &mut dyn Questions,
    circumstances: Circumstances<'_>,
    facts: Option<Facts>,
) -> Result<Decided<()>, Undecided> {
    let Circumstances {
        actor,
        commit,
        now,
        settings,
    } = circumstances;
    is_somebody(actor, commit)?;
    let now = whole_milliseconds(now);
    let id = organization(questions, commit)?;
    let (mut state, committed) = match facts {
        None => (OrganizationState::absent(id), None),
        Some(facts) => (
            OrganizationState::of(facts.organization, facts.records),
            facts.committed,
        ),
    };
    // The digest is made once, where it is compared or written: a refusal needs none.
    if let Some(entry) = &committed {
        // The answer of before. Any other request under the id is decided like one under a fresh id, so that it
        // learns nothing that the rules don't tell it, and then refused.
        if is_same(request(questions, commit, actor).as_ref(), entry) {
            return answer_of_before(questions, entry);
        }
    }
    let expected = state.version();
    let mut happens = Happening::default();
    each(questions, |question| {
        let scene = Scene {
            actor,
            state: &state,
            now,
            settings,
        };
        let events = question.decide(&scene)?;
        happens.goes_with(&events)?;
        question.answer(id, &events, Happens::Now)?;
        let touched = happen(&mut state, &events, now, settings)?;
        happens.add(question.name(), events, touched);
        Ok(())
    })?;
    if committed.is_some() {
        return Err(Refusal::CommitIdReused.into());
    }
    let Happening {
        events,
        parts,
        touched,
    } = happens;
    if events.is_empty() {
        return Ok(Decided {
            output: (),
            commit: None,
            events,
            version: expected,
        });
    }
    let changes = state.changes(touched);
    let mut next = state
        .organization()
        .cloned()
        .ok_or(Inconsistency::NoOrganization)?;
    next.version = expected.next();
    let entry = LogEntry {
        organization: id,
        version: next.version,
        id: commit,
        at: now,
        author: actor.author(),
        command: name(questions).to_owned(),
        parts: if parts.len() > 1 { parts } else { Vec::new() },
        request: request(questions, commit, actor),
        events: events.clone(),
        later: Later::default(),
    };
    let version = next.version;
    Ok(Decided {
        output: (),
        commit: Some(Commit {
            expected,
            next,
            changes,
            entry,
        }),
        events,
        version,
    })
}

/// What stands in the way of each question, each by itself.
pub(crate) fn why_not(
    questions: &mut dyn Questions,
    circumstances: Circumstances<'_>,
    facts: Option<Facts>,
) -> Result<Vec<Option<Refusal>>, Undecided> {
    let Circumstances {
        actor,
        commit,
        now,
        settings,
    } = circumstances;
    let now = whole_milliseconds(now);
    let id = organization(questions, commit)?;
    let state = match facts {
        None => OrganizationState::absent(id),
        Some(facts) => OrganizationState::of(facts.organization, facts.records),
    };
    let mut why = Vec::with_capacity(questions.count());
    each(questions, |question| {
        let scene = Scene {
            actor,
            state: &state,
            now,
            settings,
        };
        let decided = is_somebody(actor, commit).and_then(|()| question.decide(&scene));
        let decided = decided.map_err(Undecided::Refused);
        let decided = decided.and_then(|events| {
            happen(&mut state.clone(), &events, now, settings)?;
            Ok(())
        });
        match decided {
            Ok(()) => why.push(None),
            Err(Undecided::Refused(refusal)) => why.push(Some(refusal)),
            Err(undecided) => return Err(undecided),
        }
        Ok(())
    })?;
    Ok(why)
}

fn is_somebody(actor: &Actor, commit: CommitId) -> Result<(), Refusal> {
    if actor.user_id().is_some_and(|user| user.is_nobody()) || commit.as_uuid().is_nil() {
        return Err(Refusal::IdentityMissing);
    }
    Ok(())
}

/// What one command's events make of the state, if the limits allow it (Q1).
fn happen(
    state: &mut OrganizationState,
    events: &[Event],
    now: DateTime<Utc>,
    settings: &Settings,
) -> Result<Touched, Undecided> {
    let before = state.organization().map(|organization| organization.counts);
    let mut touched = Touched::default();
    for event in events {
        state.apply(now, event, &mut touched)?;
    }
    if let Some(after) = state.organization() {
        seats_are_left(before, after, events, settings)?;
    }
    Ok(touched)
}

/// What the commands of a request do, so far.
#[derive(Default)]
struct Happening {
    events: Vec<Event>,
    parts: Vec<LogPart>,
    touched: Touched,
}

impl Happening {
    /// Whether what one more command does may happen in the same version. What was taken doesn't come back by an older
    /// link (M4), and a role's number is the version that defined it (R1): versions tell which was first.
    fn goes_with(&self, more: &[Event]) -> Result<(), Refusal> {
        let why = if self.events.iter().any(sends) && more.iter().any(takes) {
            Together::SentBefore
        } else if self.events.iter().any(defines) && more.iter().any(defines) {
            Together::RolesDefined
        } else if more.iter().any(|event| self.passes_on(event)) {
            Together::NamePassedOn
        } else {
            return Ok(());
        };
        Err(Refusal::NotTogether { why })
    }

    /// Whether a workspace takes a name that another one had until this request.
    fn passes_on(&self, event: &Event) -> bool {
        let (taker, name) = match event {
            Event::WorkspaceCreated { workspace, name } => (workspace, name),
            Event::WorkspaceRenamed { workspace, to, .. } => (workspace, to),
            _ => return false,
        };
        let key = name.key();
        self.events.iter().any(|event| match event {
            Event::WorkspaceRenamed {
                workspace, from, ..
            } => workspace != taker && from.key() == key,
            _ => false,
        })
    }

    fn add(&mut self, command: &str, events: Vec<Event>, touched: Touched) {
        self.parts.push(LogPart {
            command: command.to_owned(),
            events: u32::try_from(events.len()).unwrap_or(u32::MAX),
        });
        self.events.extend(events);
        self.touched.merge(touched);
    }
}

const fn sends(event: &Event) -> bool {
    matches!(
        event,
        Event::InvitationSent { .. } | Event::InvitationRenewed { .. }
    )
}

/// Whether it may take or lower a role, or let it end.
const fn takes(event: &Event) -> bool {
    matches!(
        event,
        Event::OrganizationRoleChanged { .. }
            | Event::OwnRoleChanged { from: Some(_), .. }
            | Event::MemberRemoved { .. }
            | Event::MemberLeft { .. }
            | Event::MembershipEndSet { .. }
            | Event::WorkspaceRoleGiven {
                replaces: Some(_),
                ..
            }
            | Event::WorkspaceRoleTaken { .. }
            | Event::WorkspaceRoleEndSet { .. }
    )
}

const fn defines(event: &Event) -> bool {
    matches!(event, Event::RoleDefined { .. })
}

/// The answer of before: each command's, read off its part of the entry.
fn answer_of_before(
    questions: &mut dyn Questions,
    entry: &LogEntry,
) -> Result<Decided<()>, Undecided> {
    let mut parts = entry.events_by_part().into_iter();
    each(questions, |question| {
        let events = parts.next().ok_or(Inconsistency::UnknownEvent)?;
        question.answer(entry.organization, events, Happens::Before)?;
        Ok(())
    })?;
    Ok(Decided {
        output: (),
        commit: None,
        events: entry.events.clone(),
        version: entry.version,
    })
}

/// Whether a request made a commit. One whose digest isn't known made none that we know of.
fn is_same(request: Option<&RequestDigest>, entry: &LogEntry) -> bool {
    request.is_some() && request == entry.request.as_ref()
}
