//! Acme and its neighbours: what most checks begin with.
//!
//! Commits are made of events, as the core makes them ([`OrganizationState::apply_entry`] says what each
//! means), so every state here is one that the library could have made: names are unique, a workspace's
//! member is a member, the counts are right.

mod events;

pub(crate) use events::{
    company, deletion, founding, given, holds, invoicing, joined, kept, renamed, role, roles, taken,
};

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tenancy::store::{Commit, Later, Repository};
use tenancy::text::TextLine;
use tenancy::token::TokenHash;
use tenancy::{
    Author, CommitId, DomainId, DomainKind, DomainName, EmailAddress, Event, InvitationId,
    InvitationTarget, LogEntry, Name, OrganizationId, OrganizationRole, RevocationReason, UserId,
    WorkspaceId, WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::{Model, commit_between};
use crate::random::Random;
use crate::report::{Failure, Verdict};

/// A store, twice, and what it must hold.
pub(crate) struct World<R> {
    /// One handle.
    pub(crate) one: Arc<R>,
    /// Another on the same data.
    pub(crate) other: Arc<R>,
    pub(crate) model: Model,
    pub(crate) random: Random,
    now: i64,
}

/// The organization that [`World::acme`] makes: something of everything.
#[derive(Clone, Debug)]
pub(crate) struct Acme {
    pub(crate) id: OrganizationId,
    /// Admin.
    pub(crate) ann: UserId,
    /// Member, and Developer in both workspaces.
    pub(crate) bob: UserId,
    /// Accounting, and Reader in the second workspace.
    pub(crate) cy: UserId,
    pub(crate) first: WorkspaceId,
    pub(crate) second: WorkspaceId,
    /// A domain in the first workspace.
    pub(crate) domain: DomainId,
    /// Its name.
    pub(crate) domain_name: DomainName,
    /// Open, to the organization, sent by Ann.
    pub(crate) invitation: InvitationId,
    /// Open, to the first workspace, sent by Bob.
    pub(crate) to_first: InvitationId,
}

pub(crate) fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}

impl<R: Repository> World<R> {
    pub(crate) async fn new<H: Harness<Repository = R>>(harness: &H) -> Self {
        Self::with_seed(harness, 1).await
    }

    pub(crate) async fn with_seed<H: Harness<Repository = R>>(harness: &H, seed: u64) -> Self {
        let one = harness.fresh().await;
        let other = harness.another(&one).await;
        Self {
            one: Arc::new(one),
            other: Arc::new(other),
            model: Model::new(harness.lag()),
            random: Random::from_seed(seed),
            now: 1_700_000_000_123,
        }
    }

    /// The same data, opened again.
    pub(crate) fn reopened(one: R, other: R, model: Model, turn: u64) -> Self {
        Self {
            one: Arc::new(one),
            other: Arc::new(other),
            model,
            random: Random::from_seed(turn.wrapping_add(1_000)),
            now: 1_710_000_000_000,
        }
    }

    /// One handle or the other, in turn.
    pub(crate) fn either(&self, turn: usize) -> Arc<R> {
        Arc::clone(if turn % 2 == 0 {
            &self.one
        } else {
            &self.other
        })
    }

    pub(crate) fn tick(&mut self) -> DateTime<Utc> {
        self.now = self.now.saturating_add(1_007);
        at(self.now)
    }

    pub(crate) fn user(&mut self) -> UserId {
        UserId::from_uuid(self.random.uuid())
    }

    pub(crate) fn organization(&mut self) -> OrganizationId {
        OrganizationId::from_uuid(self.random.uuid())
    }

    pub(crate) fn workspace(&mut self) -> WorkspaceId {
        WorkspaceId::from_uuid(self.random.uuid())
    }

    pub(crate) fn domain(&mut self) -> DomainId {
        DomainId::from_uuid(self.random.uuid())
    }

    pub(crate) fn invitation(&mut self) -> InvitationId {
        InvitationId::from_uuid(self.random.uuid())
    }

    /// The commit that makes these events happen next. Nothing is written.
    pub(crate) fn propose(
        &mut self,
        id: OrganizationId,
        events: Vec<Event>,
    ) -> Result<Commit, Failure> {
        let at = self.tick();
        self.propose_at(id, at, events)
    }

    pub(crate) fn propose_at(
        &mut self,
        id: OrganizationId,
        at: DateTime<Utc>,
        events: Vec<Event>,
    ) -> Result<Commit, Failure> {
        let before = self.model.state(id);
        let entry = LogEntry {
            organization: id,
            version: before.version().next(),
            id: CommitId::from_uuid(self.random.uuid()),
            at,
            author: Author::User(UserId::from_external("conformance")),
            command: "conformance".to_owned(),
            parts: Vec::new(),
            request: None,
            events,
            later: Later::default(),
        };
        let mut after = before.clone();
        after.apply_entry(&entry)?;
        commit_between(&before, &after, entry)
    }

    /// Makes these events happen: the store must commit.
    pub(crate) async fn happen(&mut self, id: OrganizationId, events: Vec<Event>) -> Verdict {
        let commit = self.propose(id, events)?;
        self.commit(&commit).await
    }

    /// Commits, now by one handle, now by the other: the store must agree with the model on what becomes
    /// of it.
    pub(crate) async fn commit(&mut self, commit: &Commit) -> Verdict {
        let expected = self.model.apply(commit);
        let store = if self.random.one_in(2) {
            &self.one
        } else {
            &self.other
        };
        let outcome = store.commit(commit).await?;
        if outcome == expected {
            return Ok(());
        }
        Err(Failure::new(format!(
            "the outcome of a commit on version {} ({:?}) is {outcome:?}, but should be {expected:?}",
            commit.expected, commit.entry.events
        )))
    }

    /// An organization with its first workspace and its Admin.
    pub(crate) async fn found(
        &mut self,
        name: &str,
        ann: UserId,
    ) -> Result<(OrganizationId, WorkspaceId), Failure> {
        let (id, workspace) = (self.organization(), self.workspace());
        self.found_as(id, workspace, name, ann).await?;
        Ok((id, workspace))
    }

    pub(crate) async fn found_as(
        &mut self,
        id: OrganizationId,
        workspace: WorkspaceId,
        name: &str,
        ann: UserId,
    ) -> Verdict {
        self.happen(id, founding(name, workspace, ann)?).await
    }

    /// An organization with something of everything, a few things gone again, made by several commits.
    pub(crate) async fn acme(&mut self) -> Result<Acme, Failure> {
        let ids = self.acme_ids();
        self.acme_as(&ids).await?;
        Ok(ids)
    }

    /// Another organization with the same ids, and the same people.
    pub(crate) async fn twin(&mut self, of: &Acme) -> Result<Acme, Failure> {
        let twin = Acme {
            id: self.organization(),
            domain_name: DomainName::new("twin")?,
            ..of.clone()
        };
        self.acme_as(&twin).await?;
        Ok(twin)
    }

    /// Ids for an [`acme`](Self::acme). Its domain's name is taken from its id.
    pub(crate) fn acme_ids(&mut self) -> Acme {
        let domain = self.domain();
        let text = format!("d{}", domain.as_uuid().simple());
        let fallback = || DomainName::new("d");
        let domain_name = DomainName::new(&text).or_else(|_| fallback());
        Acme {
            id: self.organization(),
            ann: self.user(),
            bob: self.user(),
            cy: self.user(),
            first: self.workspace(),
            second: self.workspace(),
            domain,
            #[expect(clippy::expect_used, reason = "`d` and hexadecimal digits are a label")]
            domain_name: domain_name.expect("a domain's name"),
            invitation: self.invitation(),
            to_first: self.invitation(),
        }
    }

    pub(crate) async fn acme_as(&mut self, acme: &Acme) -> Verdict {
        let Acme {
            id,
            ann,
            bob,
            cy,
            first,
            second,
            domain,
            ..
        } = *acme;
        let (gone, closed, dora) = (self.domain(), self.invitation(), self.user());
        let mut retired = acme.domain_name.as_str().to_owned();
        retired.push_str("-old");
        let retired = DomainName::new(&retired)?;
        self.happen(
            id,
            vec![
                Event::OrganizationCreated {
                    name: Name::new("Acme")?,
                    workspace_quota: 5,
                    limits: tenancy::Limits::UNLIMITED,
                },
                joined(ann, "Ann@acme.example", OrganizationRole::Admin)?,
                Event::WorkspaceCreated {
                    workspace: first,
                    name: Name::new("Payments")?,
                },
                given(first, ann, WorkspaceRole::Admin),
            ],
        )
        .await?;
        self.happen(
            id,
            vec![
                Event::CompanyEdited {
                    company: Some(company()?),
                },
                Event::InvoicingEdited {
                    invoicing: Some(invoicing("billing@acme.example")?),
                },
                Event::ContractEdited {
                    contract: Some(TextLine::new("contract 7")?),
                },
                Event::WorkspaceCreated {
                    workspace: second,
                    name: Name::new("Straßenbau Süd")?,
                },
                joined(bob, "bob@acme.example", OrganizationRole::Member)?,
                joined(cy, "cy@elsewhere.example", OrganizationRole::Accounting)?,
                joined(dora, "dora@acme.example", OrganizationRole::Member)?,
                given(first, bob, WorkspaceRole::Developer),
                given(second, bob, WorkspaceRole::Developer),
                given(second, cy, WorkspaceRole::Reader),
                given(second, dora, WorkspaceRole::Admin),
            ],
        )
        .await?;
        let sent = [
            self.sent(acme.invitation, "eve@elsewhere.example", None, ann)?,
            self.sent(acme.to_first, "bob@acme.example", Some(first), bob)?,
            self.sent(closed, "eve@elsewhere.example", Some(second), ann)?,
        ];
        let domains = [
            Event::DomainCreated {
                domain,
                workspace: first,
                name: acme.domain_name.clone(),
                kind: DomainKind::Production,
            },
            Event::DomainCreated {
                domain: gone,
                workspace: second,
                name: retired.clone(),
                kind: DomainKind::Sandbox,
            },
        ];
        self.happen(id, domains.into_iter().chain(sent).collect())
            .await?;
        self.happen(
            id,
            vec![
                Event::DomainDeleted {
                    domain: gone,
                    workspace: second,
                    name: retired,
                },
                Event::InvitationRevoked {
                    invitation: closed,
                    reason: RevocationReason::Requested,
                },
                taken(second, dora, WorkspaceRole::Admin),
                Event::MemberRemoved {
                    user: dora,
                    role: OrganizationRole::Member,
                },
            ],
        )
        .await
    }

    /// Acme, fuller: people with the same address, invitations to members and to strangers, by several
    /// inviters, in every state; and a neighbour with the same people and ids.
    pub(crate) async fn crowd(&mut self) -> Result<(Acme, Acme), Failure> {
        let acme = self.acme().await?;
        let neighbour = Acme {
            id: self.organization(),
            domain_name: DomainName::new(&format!("n-{}", self.random.next()))?,
            ..acme.clone()
        };
        self.acme_as(&neighbour).await?;
        for (of, people) in [(&acme, 5), (&neighbour, 2)] {
            self.fill(of, people).await?;
        }
        Ok((acme, neighbour))
    }

    async fn fill(&mut self, of: &Acme, people: usize) -> Verdict {
        let Acme {
            id,
            ann,
            bob,
            cy,
            first,
            second,
            ..
        } = *of;
        let third = self.workspace();
        let mut events = vec![
            Event::WorkspaceCreated {
                workspace: third,
                name: Name::new("payments 2")?,
            },
            Event::MemberEmailChanged {
                user: cy,
                from: EmailAddress::new("cy@elsewhere.example")?,
                to: EmailAddress::new("BOB@acme.example")?, // Bob's, too
            },
            given(third, cy, WorkspaceRole::Admin),
        ];
        let roles = OrganizationRole::ALL
            .into_iter()
            .cycle()
            .zip(WorkspaceRole::ALL.into_iter().cycle());
        for (number, (role, workspace_role)) in (0..people).zip(roles) {
            let user = self.user();
            events.push(joined(user, &format!("Person{number}@acme.example"), role)?);
            events.push(given(first, user, workspace_role));
            if number % 2 == 0 {
                events.push(given(third, user, workspace_role));
            }
            let name = format!("c{number}-{}", self.random.next());
            events.push(Event::DomainCreated {
                domain: self.domain(),
                workspace: if number % 2 == 0 { first } else { third },
                name: DomainName::new(&name)?,
                kind: if number % 2 == 0 {
                    DomainKind::Sandbox
                } else {
                    DomainKind::Production
                },
            });
        }
        self.happen(id, events).await?;
        let addresses = [
            "bob@acme.example",
            "person0@acme.example",
            "eve@elsewhere.example",
            "Ann@acme.example",
        ];
        let mut events = Vec::new();
        let mut closing = Vec::new();
        for (number, address) in addresses.into_iter().cycle().take(16).enumerate() {
            let invitation = self.invitation();
            let inviter = *self.random.pick(&[ann, bob, cy]).unwrap_or(&ann);
            // Acme has open ones to Eve (organization) and to Bob (first workspace) already.
            let to = match number {
                0..4 => Some(third),
                4..8 => Some(second),
                8 | 10 => continue,
                8..12 => None,
                _ => Some(first),
            };
            if number == 12 {
                continue;
            }
            events.push(self.sent(invitation, address, to, inviter)?);
            closing.extend(match number {
                1 => Some(Event::InvitationAccepted {
                    invitation,
                    user: bob,
                }),
                4 => Some(Event::InvitationDeclined {
                    invitation,
                    user: bob,
                }),
                11 => Some(Event::InvitationRevoked {
                    invitation,
                    reason: RevocationReason::Requested,
                }),
                _ => None,
            });
        }
        self.happen(id, events).await?;
        self.happen(id, closing).await
    }

    /// An invitation to the organization as Member, or to a workspace as Reader.
    pub(crate) fn sent(
        &mut self,
        invitation: InvitationId,
        email: &str,
        to: Option<WorkspaceId>,
        inviter: UserId,
    ) -> Result<Event, Failure> {
        let target = match to {
            None => InvitationTarget::Organization {
                role: OrganizationRole::Member,
            },
            Some(workspace) => InvitationTarget::Workspace {
                workspace,
                role: WorkspaceRole::Reader,
            },
        };
        let expires_at = at(self.now.saturating_add(7 * 24 * 3_600_000));
        Ok(Event::InvitationSent {
            invitation,
            email: EmailAddress::new(email)?,
            target,
            inviter,
            token_hash: Some(self.token_hash()),
            expires_at,
        })
    }

    pub(crate) fn token_hash(&mut self) -> TokenHash {
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            [*byte, ..] = self.random.next().to_be_bytes();
        }
        TokenHash::from_bytes(bytes)
    }
}
