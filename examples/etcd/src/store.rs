//! The store: three methods, and below them the lists.

use core::num::NonZeroU32;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenancy::store::{
    Change, Claim, Commit, Directory, Drift, Facts, Held, Item, Key, List, Organization,
    OrganizationState, Outcome, Record, RecordId, Repository, Stored, Value,
};
use tenancy::{CommitId, LogEntry, OrganizationId, Resource, UserId, Version};

use crate::gateway::{Answer, Compare, Error, Gateway, Operation, Pair};

/// Organizations in an etcd. A clone is another handle on the same data.
///
/// Calls wait for their answer on the thread that makes them, as this is an example: in an async host, use a client
/// that is async, or `spawn_blocking`.
#[derive(Clone, Debug)]
pub struct EtcdRepository {
    gateway: Arc<Gateway>,
    keys: Keys,
}

/// Which key has what. All begin with the store's own prefix.
#[derive(Clone, Debug)]
struct Keys {
    prefix: String,
}

/// Which commit has an id: it is filed under the id, in one namespace for all organizations.
#[derive(Serialize, Deserialize)]
struct Made {
    organization: OrganizationId,
    version: Version,
}

impl Keys {
    /// The version, by itself: what a commit compares and sets.
    fn version(&self, organization: OrganizationId) -> String {
        format!("{}/version/{organization}", self.prefix)
    }

    /// The organization's own record; with `None`, how those of all organizations begin.
    fn organization(&self, organization: Option<OrganizationId>) -> String {
        let id = organization.map(|id| id.to_string()).unwrap_or_default();
        format!("{}/organization/{id}", self.prefix)
    }

    /// How the records of an organization begin; with `None`, those of all organizations.
    fn records(&self, organization: Option<OrganizationId>) -> String {
        let id = organization.map(|id| format!("{id}/")).unwrap_or_default();
        format!("{}/record/{id}", self.prefix)
    }

    fn record(&self, organization: OrganizationId, id: &RecordId) -> String {
        let key = id.key().into_iter().map(|part| match part {
            Value::Id(id) => id.unwrap_or_default().to_string(),
            Value::Text(text) => text.unwrap_or_default(),
            Value::Code(code) => code.to_string(),
            Value::Number(number) => number.unwrap_or_default().to_string(),
        });
        let key: Vec<String> = key.collect();
        let kind = id.kind().table();
        format!(
            "{}{kind}/{}",
            self.records(Some(organization)),
            key.join("/")
        )
    }

    /// How the log of an organization begins.
    fn log(&self, organization: OrganizationId) -> String {
        format!("{}/log/{organization}/", self.prefix)
    }

    /// An entry of it: of fixed width, so that their order is that of versions.
    fn entry(&self, organization: OrganizationId, version: Version) -> String {
        format!("{}{:016x}", self.log(organization), version.get())
    }

    fn commit(&self, id: CommitId) -> String {
        format!("{}/commit/{id}", self.prefix)
    }

    /// How all claims begin.
    fn claims(&self) -> String {
        format!("{}/claim/", self.prefix)
    }

    fn claim(&self, claim: &Claim) -> String {
        let (scope, key) = claim.filed();
        format!("{}{scope}/{key}", self.claims())
    }
}

impl EtcdRepository {
    /// A store in the etcd at this URL, under keys that begin with `prefix`.
    #[must_use]
    pub fn new(url: &str, prefix: &str) -> Self {
        Self {
            gateway: Arc::new(Gateway::new(url)),
            keys: Keys {
                prefix: prefix.to_owned(),
            },
        }
    }

    /// With what its keys begin.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.keys.prefix
    }

    /// The organization whole, and what else is asked for, in one snapshot.
    fn whole(
        &self,
        id: OrganizationId,
        besides: impl IntoIterator<Item = Operation>,
    ) -> Result<(OrganizationState, Answer), Error> {
        let mut asked = vec![
            Operation::Get(self.keys.organization(Some(id))),
            Operation::GetAll(self.keys.records(Some(id))),
        ];
        asked.extend(besides);
        let answer = self.gateway.read(&asked, None)?;
        let [organization, records, ..] = answer.found.as_slice() else {
            return Ok((OrganizationState::absent(id), answer));
        };
        Ok((state(id, organization.first(), records)?, answer))
    }

    /// The log entry of a commit. Entries never change, so it may be read after the rest.
    fn entry(&self, made: &Made) -> Result<Option<LogEntry>, Error> {
        let key = self.keys.entry(made.organization, made.version);
        let answer = self.gateway.read(&[Operation::Get(key)], None)?;
        let entry = answer.found.iter().flatten().next();
        entry.map(Pair::read).transpose()
    }

    /// Checks that an organization is what its log makes of it, as a store for a service must offer.
    ///
    /// # Errors
    ///
    /// [`Error`], if it can't be read. Within: what was found.
    pub fn verify(&self, id: OrganizationId) -> Result<Result<(), Drift>, Error> {
        let besides = [self.keys.log(id), self.keys.claims()];
        let (state, answer) = self.whole(id, besides.map(Operation::GetAll))?;
        let mut lists = answer.found.iter().skip(2);
        let log = lists.next().into_iter().flatten().map(Pair::read);
        let log: Vec<LogEntry> = log.collect::<Result<_, _>>()?;
        let domains = state.domains().map(|domain| &domain.name);
        let names = domains.chain(state.retired_names().map(|retired| &retired.name));
        let own: Vec<Claim> = names.cloned().map(Claim::DomainName).collect();
        let mut claims = BTreeMap::new();
        for pair in lists.next().into_iter().flatten() {
            let filed = pair.key.strip_prefix(&self.keys.claims());
            let filed = filed.and_then(|key| key.split_once('/'));
            let filed = filed.and_then(|(scope, key)| Claim::from_filed(scope.parse().ok()?, key));
            let claim = filed.ok_or_else(|| unreadable(pair, "it is no claim of ours"))?;
            let holder: OrganizationId = pair.read()?;
            if holder == id || own.contains(&claim) {
                claims.insert(claim, holder);
            }
        }
        Ok(Stored {
            state,
            log,
            claims,
            misfiled: Vec::new(), // nothing is kept beside a record but its key
        }
        .verify())
    }
}

fn unreadable(pair: &Pair, why: &str) -> Error {
    Error::Unreadable {
        key: pair.key.clone(),
        source: why.into(),
    }
}

/// What an organization's keys make together.
fn state(
    id: OrganizationId,
    organization: Option<&Pair>,
    records: &[Pair],
) -> Result<OrganizationState, Error> {
    let Some(organization) = organization else {
        return Ok(OrganizationState::absent(id));
    };
    let organization: Organization = organization.read()?;
    let records: Vec<Record> = records.iter().map(Pair::read).collect::<Result<_, _>>()?;
    Ok(OrganizationState::of(organization, records))
}

fn json(value: &impl Serialize) -> String {
    // Can't fail: these are structs with plain fields. Were it to, nobody could read the empty text.
    serde_json::to_string(value).unwrap_or_default()
}

impl Repository for EtcdRepository {
    type Error = Error;

    /// Everything of the organization, in one transaction that reads: one snapshot (promise 2). That is good enough for
    /// organizations of some hundred records. A store for large ones reads key by key, each at the revision of the first.
    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Error> {
        let commit = keys.iter().find_map(|key| match key {
            Key::Commit(commit) => Some(*commit),
            _ => None,
        });
        let besides = commit.map(|commit| Operation::Get(self.keys.commit(commit)));
        let (state, answer) = self.whole(id, besides)?;
        let made = answer.found.get(2).and_then(|found| found.first());
        let entry = match made.map(Pair::read).transpose()? {
            Some(made) => self.entry(&made)?,
            None => None,
        };
        Ok(Facts::select(&state, &entry, keys))
    }

    /// One transaction: on condition of the version, of the claims and of the id (promises 1 and 3), write. Otherwise read,
    /// in the same moment, which of them it was.
    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let (keys, id) = (&self.keys, commit.organization());
        let claims: Vec<&Claim> = commit
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Claim(claim) => Some(claim),
                _ => None,
            })
            .collect();
        let expected = json(&commit.expected);
        let is_next = if commit.expected == Version::ABSENT {
            Compare::Absent(keys.version(id))
        } else {
            Compare::Is(keys.version(id), expected.clone())
        };
        let is_free = claims
            .iter()
            .map(|claim| Compare::Absent(keys.claim(claim)));
        let is_new = Compare::Absent(keys.commit(commit.id()));
        let compare: Vec<Compare> = [is_next, is_new].into_iter().chain(is_free).collect();

        let made = Made {
            organization: id,
            version: commit.next.version,
        };
        let mut then = vec![
            Operation::Put(keys.version(id), json(&commit.next.version)),
            Operation::Put(keys.organization(Some(id)), json(&commit.next)),
            Operation::Put(keys.entry(id, commit.next.version), json(&commit.entry)),
            Operation::Put(keys.commit(commit.id()), json(&made)),
        ];
        // etcd takes no key twice in one transaction, and no two changes of a commit touch the same.
        then.extend(commit.changes.iter().map(|change| match change {
            Change::Put(record) => Operation::Put(keys.record(id, &record.id()), json(record)),
            Change::Delete(record) => Operation::Delete(keys.record(id, record)),
            Change::Claim(claim) => Operation::Put(keys.claim(claim), json(&id)),
            Change::Release(claim) => Operation::DeleteIf(keys.claim(claim), json(&id)),
        }));
        let mut otherwise = vec![Operation::Get(keys.version(id))];
        otherwise.extend(claims.iter().map(|claim| Operation::Get(keys.claim(claim))));

        let answer = self.gateway.compare(&compare, &then, &otherwise)?;
        if answer.succeeded {
            return Ok(Outcome::Committed);
        }
        let mut found = answer.found.iter();
        let version = found.next().and_then(|found| found.first());
        if version.map_or(json(&Version::ABSENT), |pair| pair.value.clone()) != expected {
            return Ok(Outcome::Conflict);
        }
        let mut holders = claims.into_iter().zip(found);
        let taken = holders.find(|(_, holder)| !holder.is_empty());
        Ok(taken.map_or(Outcome::IdUsed, |(claim, _)| Outcome::Taken(claim.clone())))
    }

    /// The keys on the path. Which workspace a domain is in is read off the domain: what comes second is read at the
    /// revision of the first, so that both are one snapshot.
    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Error> {
        let id = on.organization();
        let get = |record| Operation::Get(self.keys.record(id, &record));
        let there = |workspace| {
            let member = RecordId::WorkspaceMember(workspace, user);
            [get(RecordId::Workspace(workspace)), get(member)]
        };
        let mut asked = vec![
            Operation::Get(self.keys.organization(Some(id))),
            get(RecordId::Member(user)),
        ];
        match on {
            Resource::Organization(_) => {}
            Resource::Workspace(_, workspace) => asked.extend(there(workspace)),
            Resource::Domain(_, domain) => asked.push(get(RecordId::Domain(domain))),
        }
        let answer = self.gateway.read(&asked, None)?;
        let mut found = answer.found.into_iter().flatten();
        let Some(organization) = found.next().filter(|pair| {
            // Without an organization, the first that is found is something else.
            pair.key == self.keys.organization(Some(id))
        }) else {
            return Ok(None);
        };
        let mut records: Vec<Pair> = found.collect();
        if let Resource::Domain(..) = on {
            for pair in &records {
                if let Record::Domain(domain) = pair.read()? {
                    let path = there(domain.workspace);
                    let path = self.gateway.read(&path, Some(answer.revision))?;
                    records.extend(path.found.into_iter().flatten());
                    break;
                }
            }
        }
        Ok(state(id, Some(&organization), &records)?.held(user, on))
    }

    /// What etcd didn't take it has not written.
    fn wrote_nothing(&self, error: &Error) -> bool {
        matches!(error, Error::TooLarge { .. })
    }
}

/// For the suite, and for operators. What crosses organizations looks through everything: a store for a service writes
/// keys by user, by address and by name in the commit's transaction.
impl Directory for EtcdRepository {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Error> {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        if let List::Log { organization, .. } = list {
            let log = Operation::GetAll(self.keys.log(*organization));
            let found = self.gateway.read(&[log], None)?.found;
            let entries = found.iter().flatten().map(Pair::read);
            let items = entries.map(|entry| entry.map(Item::LogEntry));
            return Ok(page(list, items.collect::<Result<_, _>>()?, limit));
        }
        if let Some(organization) = list.organization() {
            let (state, _) = self.whole(organization, [])?;
            return Ok(state.list(list, limit));
        }
        let everything = [self.keys.organization(None), self.keys.records(None)];
        let found = self
            .gateway
            .read(&everything.map(Operation::GetAll), None)?
            .found;
        let [organizations, records] = found.as_slice() else {
            return Ok(Vec::new());
        };
        let mut items = Vec::new();
        for organization in organizations {
            let id = organization.read::<Organization>()?.id;
            let prefix = self.keys.records(Some(id));
            // Keys come in their order: an organization's are together.
            let from = records.partition_point(|pair| pair.key < prefix);
            let own = records.iter().skip(from);
            let own = own.take_while(|pair| pair.key.starts_with(&prefix));
            let own: Vec<Record> = own.map(Pair::read).collect::<Result<_, _>>()?;
            items.extend(across(
                &OrganizationState::of(organization.read()?, own),
                list,
            ));
        }
        Ok(page(list, items, limit))
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, Error> {
        let claim = Operation::Get(self.keys.claim(claim));
        let found = self.gateway.read(&[claim], None)?.found;
        found.iter().flatten().next().map(Pair::read).transpose()
    }
}

/// What a list across organizations has of one of them.
fn across(state: &OrganizationState, list: &List) -> Vec<Item> {
    let Some(organization) = state.organization() else {
        return Vec::new();
    };
    let summary = || organization.summary();
    match list {
        List::OrganizationsOf { user, .. } => {
            let member = state.member(*user).cloned().map(Record::Member);
            let item = member.map(|member| Item::Across(summary(), member));
            item.into_iter().collect()
        }
        List::InvitationsTo { email, .. } => {
            let invitations = state.open_invitations_to(email);
            let item = invitations.map(|invitation| {
                let workspace = invitation.target.workspace();
                let workspace = workspace.and_then(|workspace| state.workspace(workspace));
                let invitation = Record::Invitation(invitation.clone());
                match workspace {
                    Some(to) => {
                        Item::PairAcross(summary(), invitation, Record::Workspace(to.clone()))
                    }
                    None => Item::Across(summary(), invitation),
                }
            });
            item.collect()
        }
        List::OrganizationsNamed { prefix, .. } => {
            let name = organization.name.key();
            let item = name.as_str().starts_with(prefix.as_str());
            let item = item.then(|| Item::Named(name.clone(), summary()));
            item.into_iter().collect()
        }
        List::OrganizationsWithMember { email, .. } => {
            let is_one = state.members_with_email(email).next().is_some();
            let item = is_one.then(|| Item::Organization(summary()));
            item.into_iter().collect()
        }
        _ => vec![Item::Organization(summary())],
    }
}

/// The page that is asked for, of all that a list has.
fn page(list: &List, items: Vec<Item>, limit: usize) -> Vec<Item> {
    let after = list.after();
    let placed = items.into_iter().map(|item| (list.place_of(&item), item));
    let mut page: Vec<_> = placed.filter(|(place, _)| *place > after).collect();
    page.sort_by(|(one, _), (other, _)| one.cmp(other));
    page.into_iter().map(|(_, item)| item).take(limit).collect()
}
