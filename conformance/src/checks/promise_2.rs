//! **Facts are never older than their version.**

use std::sync::Arc;

use tenancy::store::{Commit, Facts, Key, Outcome, Record, Repository};
use tenancy::{
    DomainId, DomainKind, DomainName, EmailAddress, Event, InvitationTarget, OrganizationRole,
    Resource, WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::{KeyKind, same};
use crate::report::{Failure, Verdict};
use crate::tasks::{Pace, all, start};
use crate::world::{Acme, World, at, given, joined, renamed, taken};

/// "Every record that `load` returns, and every absence it implies, holds at the version that it
/// returns": after each commit, by both handles.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_2_facts_follow_every_commit<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let mut name = "Payments".to_owned();
    for number in 0..5 {
        let (next, user) = (format!("Payments {number}"), world.user());
        let mut events = vec![
            renamed(acme.first, &name, &next)?,
            joined(user, "new@x.example", OrganizationRole::Member)?,
            given(acme.first, user, WorkspaceRole::Reader),
        ];
        if number == 2 {
            events.push(taken(acme.second, acme.bob, WorkspaceRole::Developer));
        }
        name = next;
        world.happen(acme.id, events).await?;
        for store in [&world.one, &world.other] {
            world.model.records_agree(&**store, acme.id).await?;
            world
                .model
                .each_key_agrees(&**store, acme.id, KeyKind::WorkspaceNamed)
                .await?;
        }
    }
    Ok(())
}

/// "It may not come from an earlier one": each commit writes its own version into a workspace, a member
/// and an invitation, while readers load without pause. What they read may be newer than the version that
/// comes with it, never older.
///
/// This finds locking reads (`FOR UPDATE` under READ COMMITTED), versions that are read last, and pools
/// that mix replicas.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_2_no_read_is_torn<H: Harness>(harness: &H) -> Verdict {
    let torn = |chapter: &Chapter, facts: &Facts, _: u64| {
        let version = facts.organization.version.get();
        for record in &facts.records {
            let (what, written) = match record {
                Record::Workspace(workspace) if workspace.id == chapter.acme.first => {
                    ("a workspace", number(workspace.name.as_str()))
                }
                Record::Member(member) if member.user == chapter.acme.bob => {
                    ("a member", number(member.email.as_str()))
                }
                Record::Invitation(invitation) if invitation.id == chapter.acme.invitation => {
                    let written = invitation.expires_at.timestamp_millis();
                    ("an invitation", u64::try_from(written).unwrap_or(0))
                }
                _ => continue,
            };
            if written < version {
                return Err(Failure::new(format!(
                    "{what} of version {written} came with version {version}"
                )));
            }
        }
        if facts.records.len() < 3 {
            return Err(Failure::new(format!(
                "at version {version} records are missing"
            )));
        }
        Ok(())
    };
    read_while_writing(harness, torn).await
}

/// "and every absence it implies": each commit creates a domain and deletes the one before, while readers
/// ask for both. What version 7 created is there at 7 or gone since, never not yet there.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_2_no_absence_is_torn<H: Harness>(harness: &H) -> Verdict {
    let torn = |chapter: &Chapter, facts: &Facts, asked: u64| {
        let version = facts.organization.version.get();
        for asked in asked.saturating_sub(ASKED_BEFORE)..=asked.saturating_add(ASKED_AFTER) {
            if asked <= chapter.first || asked > version {
                continue;
            }
            let name = chapter.domain(asked)?;
            let lives = facts
                .records
                .iter()
                .any(|record| matches!(record, Record::Domain(domain) if domain.name == name));
            let retired = facts.records.iter().any(
                |record| matches!(record, Record::RetiredDomainName(domain) if domain.name == name),
            );
            if lives && asked < version {
                return Err(Failure::new(format!(
                    "`{name}` was deleted by version {}, but came with version {version}",
                    asked.saturating_add(1)
                )));
            }
            if !lives && !retired {
                return Err(Failure::new(format!(
                    "`{name}` was created by version {asked}, but is missing at version {version}"
                )));
            }
        }
        Ok(())
    };
    read_while_writing(harness, torn).await
}

/// For how many versions before and after the last one seen a reader asks.
const ASKED_BEFORE: u64 = 1;
const ASKED_AFTER: u64 = 4;

/// What the writer writes, and the readers know of it.
#[derive(Clone)]
struct Chapter {
    acme: Acme,
    /// The version at which the writing begins.
    first: u64,
}

impl Chapter {
    fn domain(&self, version: u64) -> Result<DomainName, Failure> {
        let name = format!("v{version}-{}", self.acme.id.as_uuid().simple());
        Ok(DomainName::new(&name)?)
    }
}

/// The first number in a text.
fn number(text: &str) -> u64 {
    let digits = text.chars().skip_while(|c| !c.is_ascii_digit());
    let digits: String = digits.take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

async fn read_while_writing<H: Harness>(
    harness: &H,
    torn: impl Fn(&Chapter, &Facts, u64) -> Verdict + Clone + Send + Sync + 'static,
) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let first = world.model.state(acme.id).version().get();
    let chapter = Chapter { acme, first };
    let commits = chapters(
        &mut world,
        &chapter,
        40_u32.saturating_mul(harness.thoroughness()),
    )?;
    let pace = Arc::new(Pace::default());
    let mut readers = Vec::new();
    for reader in 0..2 {
        let (chapter, torn, reading) = (chapter.clone(), torn.clone(), pace.reader());
        let store = world.either(reader);
        readers.push(start(harness, async move {
            let mut seen = chapter.first;
            loop {
                let last = reading.is_last();
                let Some(facts) = read(&*store, &chapter, seen).await? else {
                    return Err(Failure::new("the organization is gone"));
                };
                if facts.organization.version.get() > chapter.first {
                    torn(&chapter, &facts, seen)?;
                }
                let version = facts.organization.version.get();
                if version < seen {
                    return Err(Failure::new(format!("version {version} came after {seen}")));
                }
                seen = version;
                if last {
                    return Ok(());
                }
                reading.done().await;
            }
        }));
    }
    let stores = [world.either(0), world.either(1)];
    let writing = pace.writer();
    let writer = start(harness, async move {
        let mut reads = 0;
        for (commit, store) in commits.into_iter().zip(stores.iter().cycle()) {
            reads = writing.until_read(reads).await;
            same(
                "the outcome",
                &store.commit(&commit).await?,
                &Outcome::Committed,
            )?;
        }
        drop(writing);
        Ok::<_, Failure>(())
    });
    readers.push(writer);
    for task in all(readers).await? {
        task?;
    }
    Ok(())
}

async fn read<R: Repository>(
    store: &R,
    chapter: &Chapter,
    seen: u64,
) -> Result<Option<Facts>, Failure> {
    let acme = &chapter.acme;
    let mut keys = vec![
        Key::Path(acme.bob, Resource::Workspace(acme.id, acme.first)),
        Key::Invitation(acme.invitation, None),
    ];
    for asked in seen.saturating_sub(ASKED_BEFORE)..=seen.saturating_add(ASKED_AFTER) {
        keys.push(Key::DomainNamed(chapter.domain(asked)?));
    }
    Ok(store.load(acme.id, &keys).await?)
}

fn chapters<R: Repository>(
    world: &mut World<R>,
    chapter: &Chapter,
    versions: u32,
) -> Result<Vec<Commit>, Failure> {
    let Acme {
        id,
        ann,
        bob,
        first,
        invitation,
        ..
    } = chapter.acme;
    let mut commits = Vec::new();
    let mut name = "Payments".to_owned();
    let mut before: Option<(DomainId, DomainName)> = None;
    for version in (chapter.first.saturating_add(1)..).take(versions.try_into().unwrap_or(0)) {
        let next = format!("v{version}");
        let (domain, domain_name) = (world.domain(), chapter.domain(version)?);
        let mut events = vec![
            renamed(first, &name, &next)?,
            Event::MemberEmailChanged {
                user: bob,
                from: EmailAddress::new("bob@acme.example")?,
                to: EmailAddress::new(&format!("v{version}@x.example"))?,
            },
            Event::InvitationRenewed {
                invitation,
                email: EmailAddress::new("eve@elsewhere.example")?,
                target: InvitationTarget::Organization {
                    role: OrganizationRole::Member,
                },
                inviter: ann,
                token_hash: Some(world.token_hash()),
                expires_at: at(i64::try_from(version).unwrap_or(0)),
            },
            Event::DomainCreated {
                domain,
                workspace: first,
                name: domain_name.clone(),
                kind: DomainKind::Sandbox,
            },
        ];
        if let Some((domain, name)) = before.replace((domain, domain_name)) {
            events.push(Event::DomainDeleted {
                domain,
                workspace: first,
                name,
            });
        }
        name = next;
        let commit = world.propose(id, events)?;
        let _ = world.model.apply(&commit);
        commits.push(commit);
    }
    Ok(commits)
}
