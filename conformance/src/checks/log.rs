//! **The log: every commit, once, in order, under its id.**

use serde::Deserialize;
use serde::de::IntoDeserializer;
use tenancy::commands::RequestDigest;
use tenancy::store::{Key, Outcome, Repository, Unread};
use tenancy::text::TextLine;
use tenancy::{Author, CommitId, Event, LogPart, RevocationReason, UserId};

use crate::harness::Harness;
use crate::model::{same, whole};
use crate::report::Verdict;
use crate::world::{World, company, invoicing, joined, renamed};

/// "What the log keeps: id, time, author, events": each entry as it was committed, oldest first, in pages.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn log_entries_are_what_was_committed<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id, world.organization()] {
        for limit in [1, 2, 3, 1_000] {
            let store = world.either(limit as usize);
            world
                .model
                .list_agrees(&*store, &whole::log(id), limit)
                .await?;
        }
    }
    Ok(())
}

/// "The log entry of this commit": found under its id by every handle, for ever; an id that was never used
/// finds none, and nothing is found unless it is asked for.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn log_commits_are_found_by_their_id<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id] {
        for entry in world.model.log_of(id) {
            for store in [&world.one, &world.other] {
                world
                    .model
                    .facts_agree(&**store, id, &[Key::Commit(entry.id)])
                    .await?;
            }
        }
        let unknown = Key::Commit(CommitId::from_uuid(world.random.uuid()));
        world.model.facts_agree(&*world.one, id, &[unknown]).await?;
        world.model.facts_agree(&*world.one, id, &[]).await?;
    }
    Ok(())
}

/// "an id stands for one request in the whole deployment": what one organization's commit has used, another's
/// can't use, not even to create it, and whoever asks for it finds the entry that has it.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn log_ids_are_of_the_whole_deployment<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (ann, bob) = (world.user(), world.user());
    let (acme, first) = world.found("Acme", ann).await?;
    let (rival, second) = world.found("Rival", bob).await?;
    let mine = world.propose(acme, vec![renamed(first, "Acme", "Acme 2")?])?;
    world.commit(&mine).await?;
    let new = world.organization();
    let founding = vec![
        Event::OrganizationCreated {
            name: tenancy::Name::new("New")?,
            workspace_quota: 1,
            limits: tenancy::Limits::UNLIMITED,
        },
        joined(bob, "bob@rival.example", tenancy::OrganizationRole::Admin)?,
    ];
    let theirs = [
        world.propose(rival, vec![renamed(second, "Rival", "Rival 2")?])?,
        world.propose(new, founding)?,
    ];
    for mut theirs in theirs {
        theirs.entry.id = mine.id();
        world.commit(&theirs).await?; // it is not made
    }
    for store in [&world.one, &world.other] {
        for id in [acme, rival, new] {
            let keys = [Key::Commit(mine.id())];
            world.model.facts_agree(&**store, id, &keys).await?;
        }
        world.model.everything_agrees(&**store).await?;
    }
    Ok(())
}

/// "the same id again means the same commit": made again, it is a conflict, and the log has it once.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn log_a_commit_made_again_is_not_made_twice<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let commit = world.propose(acme.id, vec![renamed(acme.first, "Payments", "Paiements")?])?;
    world.commit(&commit).await?;
    for store in [&world.one, &world.other] {
        same(
            "the outcome",
            &store.commit(&commit).await?,
            &Outcome::Conflict,
        )?;
    }
    world.model.logs_agree(&*world.one, 100).await?;
    world.model.records_agree(&*world.other, acme.id).await
}

/// "The digest of the whole request, by which a repetition is recognised": any 32 bytes, and none; of a request of
/// several commands, which they were and what each did.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn log_keeps_the_request<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let mixed = "0123456789abcdef".repeat(4);
    let digests = [
        Some("0".repeat(64)),
        Some("f".repeat(64)),
        None,
        Some(format!("{}1", "0".repeat(63))),
        Some(format!("0e{}", "1".repeat(62))),
        Some("7".repeat(64)),
        Some(mixed.clone()),
        Some(mixed), // the same request under another id
    ];
    let part = |command: &str, events| LogPart {
        command: command.to_owned(),
        events,
    };
    let mut parts = vec![
        vec![part("edit_contract", 1), part("edit_contract", 0)],
        vec![part("of_a_later_version", 0), part("edit_contract", 1)],
    ];
    for digits in digests {
        let mut commit = world.propose(acme.id, vec![Event::ContractEdited { contract: None }])?;
        commit.entry.request = digits.as_deref().map(digest).transpose()?;
        commit.entry.parts = parts.pop().unwrap_or_default();
        world.commit(&commit).await?;
        for store in [&world.one, &world.other] {
            let keys = [Key::Commit(commit.id())];
            world.model.facts_agree(&**store, acme.id, &keys).await?;
        }
    }
    world
        .model
        .list_agrees(&*world.one, &whole::log(acme.id), 3)
        .await
}

/// A digest as it is read: only a request makes one otherwise.
fn digest(digits: &str) -> Result<RequestDigest, serde::de::value::Error> {
    RequestDigest::deserialize(digits.into_deserializer())
}

/// Every kind of event, of author and of command comes back as it was, also of those that only a later version
/// knows; entries of one event and of many.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn log_keeps_every_event_and_author<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let retired = tenancy::DomainName::new(&format!("{}-old", acme.domain_name))?;
    let token_hash = Some(world.token_hash());
    let target = tenancy::InvitationTarget::Organization {
        role: tenancy::OrganizationRole::Admin,
    };
    let events = vec![
        vec![Event::OrganizationRenamed {
            from: tenancy::Name::new("Acme")?,
            to: tenancy::Name::new("ÀCMÉ \u{1F4A3}")?,
        }],
        vec![
            Event::CompanyEdited {
                company: Some(company()?),
            },
            Event::CompanyEdited { company: None },
        ],
        vec![Event::InvoicingEdited {
            invoicing: Some(invoicing("Billing@ACME.example")?),
        }],
        vec![Event::ContractEdited {
            contract: Some(TextLine::new("\\n \\u0000 %s $1 ' \" `")?),
        }],
        vec![Event::WorkspaceInvoicingEdited {
            workspace: acme.first,
            invoicing: Some(invoicing("X@Y.example")?),
        }],
        vec![
            Event::DomainDeactivated {
                domain: acme.domain,
            },
            Event::DomainReactivated {
                domain: acme.domain,
            },
        ],
        vec![Event::DomainMoved {
            domain: acme.domain,
            from: acme.first,
            to: acme.second,
        }],
        vec![Event::DomainNameReleased { name: retired }],
        vec![Event::InvitationRenewed {
            invitation: acme.invitation,
            email: tenancy::EmailAddress::new("eve@elsewhere.example")?,
            target,
            inviter: acme.bob,
            token_hash,
            expires_at: crate::world::at(1),
        }],
        vec![Event::InvitationRevoked {
            invitation: acme.invitation,
            reason: RevocationReason::InviterLostAuthority,
        }],
        vec![Event::InvitationRevoked {
            invitation: acme.to_first,
            reason: RevocationReason::WorkspaceDeleted,
        }],
    ];
    let authors = [
        Author::Operator(TextLine::new("support: Jo (ticket \u{201C}7\u{201D})")?),
        Author::User(UserId::from_uuid(uuid::Uuid::nil())),
        Author::User(UserId::from_uuid(uuid::Uuid::max())),
        Author::Operator(TextLine::new(&"😀".repeat(200))?),
        Author::Unknown(later()),
    ];
    let commands = [
        "rename_workspace",
        "x",
        "of a host, with spaces at the end  ",
        "an_unusually_long_name_of_a_command_that_is_still_to_come_some_day",
    ];
    for (number, events) in events.into_iter().enumerate() {
        let mut commit = world.propose(acme.id, events)?;
        if let Some(author) = authors.iter().cycle().nth(number) {
            commit.entry.author = author.clone();
        }
        if let Some(command) = commands.iter().cycle().nth(number) {
            commit.entry.command = (*command).to_owned();
        }
        if number % 3 == 0 {
            commit.entry.events.push(Event::Unknown(later()));
        }
        world.commit(&commit).await?;
        world
            .model
            .facts_agree(&*world.one, acme.id, &[Key::Commit(commit.id())])
            .await?;
    }
    world
        .model
        .list_agrees(&*world.other, &whole::log(acme.id), 4)
        .await
}

/// What only a later version knows, with every sort of value in it.
fn later() -> Unread {
    let text = |text: &str| Unread::Text(text.to_owned());
    let values = vec![
        Unread::Null,
        Unread::Bool(true),
        Unread::Unsigned(u64::MAX),
        Unread::Signed(i64::MIN),
        Unread::Float(1.5_f64.to_bits()),
        text("\"\\u{1F4A3}"),
    ];
    Unread::Object(vec![
        ("v".to_owned(), Unread::Unsigned(1)),
        ("type".to_owned(), text("of_the_future")),
        ("values".to_owned(), Unread::List(values)),
    ])
}
