//! The log: one entry for each commit.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::actor::Author;
use crate::event::{Event, ReadEvent, TOKEN_HASH};
use crate::id::{CommitId, OrganizationId};
use crate::later::{Later, Step, watched};
use crate::request::RequestDigest;
use crate::time;
use crate::version::Version;

/// One commit as the log keeps it: who did what, when, and all that happened by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The organization whose log it is in.
    pub organization: OrganizationId,
    /// The version that the commit made. An organization's log has each version once, from 1.
    pub version: Version,
    /// The commit's id.
    pub id: CommitId,
    /// When, in whole milliseconds.
    pub at: DateTime<Utc>,
    /// Who.
    pub author: Author,
    /// What was asked: the command's name, such as `create_workspace`; of a request of several commands, `several`.
    pub command: String,
    /// Of a request of several commands, each of them, in order; otherwise empty.
    pub parts: Vec<LogPart>,
    /// The digest of the whole request, by which a repetition is recognised (A6); `None` in entries that
    /// are older than digests.
    pub request: Option<RequestDigest>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What a later version of this crate says with it, or with an event that this version knows (A7).
    pub later: Later,
}

/// One of the commands of a request of several: which, and how many of the entry's events are its, after those of the
/// commands before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPart {
    /// The command's name.
    pub command: String,
    /// How many events; 0 if all was as it asked for it to be.
    pub events: u32,
}

/// What a [`LogEntry`] says, without which entry it is: for stores that keep its organization, its version and its id
/// in columns, and need not keep them twice. The log is what grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged<'a> {
    content: Content<'a>,
    later: Cow<'a, Later>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Content<'a> {
    #[serde(serialize_with = "time::written")]
    at: DateTime<Utc>,
    author: Cow<'a, Author>,
    command: Cow<'a, str>,
    #[serde(skip_serializing_if = "<[LogPart]>::is_empty")]
    parts: Cow<'a, [LogPart]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestDigest>,
    events: Cow<'a, [Event]>,
}

/// How an entry is read, whether it says which one it is or not.
#[derive(Deserialize)]
struct Read {
    organization: Option<OrganizationId>,
    version: Option<Version>,
    id: Option<CommitId>,
    at: DateTime<Utc>,
    author: Author,
    command: String,
    #[serde(default)]
    parts: Vec<LogPart>,
    #[serde(default)]
    request: Option<RequestDigest>,
    events: Vec<ReadEvent>,
}

impl Read {
    fn logged(self, mut later: Later) -> Logged<'static> {
        let mut events = Vec::with_capacity(self.events.len());
        for (index, read) in self.events.into_iter().enumerate() {
            let event = [Step::Field("events".to_owned()), Step::Item(index)];
            later.add(&event, read.later);
            events.push(read.event);
        }
        Logged {
            content: Content {
                at: self.at,
                author: Cow::Owned(self.author),
                command: Cow::Owned(self.command),
                parts: Cow::Owned(self.parts),
                request: self.request,
                events: Cow::Owned(events),
            },
            later: Cow::Owned(later),
        }
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    organization: OrganizationId,
    version: Version,
    id: CommitId,
    #[serde(flatten)]
    logged: Content<'a>,
}

impl Serialize for LogEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = Whole {
            organization: self.organization,
            version: self.version,
            id: self.id,
            logged: Logged::from(self).content,
        };
        self.later.written(&whole, serializer)
    }
}

impl<'de> Deserialize<'de> for LogEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (read, later) = watched(deserializer, |watched| Read::deserialize(watched))?;
        let missing = D::Error::missing_field;
        let organization = read.organization.ok_or_else(|| missing("organization"))?;
        let version = read.version.ok_or_else(|| missing("version"))?;
        let id = read.id.ok_or_else(|| missing("id"))?;
        Ok(read.logged(later).entry(organization, version, id))
    }
}

impl Serialize for Logged<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.later.written(&self.content, serializer)
    }
}

impl<'de> Deserialize<'de> for Logged<'static> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (read, later) = watched(deserializer, |watched| Read::deserialize(watched))?;
        Ok(read.logged(later))
    }
}

impl<'a> From<&'a LogEntry> for Logged<'a> {
    fn from(entry: &'a LogEntry) -> Self {
        Self {
            content: Content {
                at: entry.at,
                author: Cow::Borrowed(&entry.author),
                command: Cow::Borrowed(&entry.command),
                parts: Cow::Borrowed(&entry.parts),
                request: entry.request.clone(),
                events: Cow::Borrowed(&entry.events),
            },
            later: Cow::Borrowed(&entry.later),
        }
    }
}

impl Logged<'_> {
    /// The entry that says this.
    #[must_use]
    pub fn entry(self, organization: OrganizationId, version: Version, id: CommitId) -> LogEntry {
        let content = self.content;
        LogEntry {
            organization,
            version,
            id,
            at: content.at,
            author: content.author.into_owned(),
            command: content.command.into_owned(),
            parts: content.parts.into_owned(),
            request: content.request,
            events: content.events.into_owned(),
            later: self.later.into_owned(),
        }
    }
}

impl LogEntry {
    /// What happened by each command, in order: all of it by one, if the request was one command. Every event is
    /// somebody's.
    pub(crate) fn events_by_part(&self) -> Vec<&[Event]> {
        let mut left = self.events.as_slice();
        let mut parts = Vec::with_capacity(self.parts.len().max(1));
        for part in &self.parts {
            let count = usize::try_from(part.events).unwrap_or(usize::MAX);
            let (its, rest) = left.split_at(count.min(left.len()));
            parts.push(its);
            left = rest;
        }
        if !left.is_empty() || parts.is_empty() {
            parts.push(left);
        }
        parts
    }

    /// The entry without what an audit trail must not show: hashes of links' secrets, of those too that only a later
    /// version knows.
    #[must_use]
    pub(crate) fn withheld(mut self) -> Self {
        self.events = self.events.into_iter().map(Event::withheld).collect();
        self.later = self.later.without(TOKEN_HASH);
        self
    }
}
