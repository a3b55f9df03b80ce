//! Names and addresses that a database may take for one another, or cut, or turn.

use tenancy::store::Key;
use tenancy::{DomainKind, DomainName, EmailAddress, Event, Name, OrganizationRole, WorkspaceRole};

use crate::harness::Harness;
use crate::model::{KeyKind, whole};
use crate::report::{Failure, Verdict};
use crate::world::{World, given, invoicing, renamed};

/// Names that a database may take for one another, or cut, or turn.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "straße",
        "ﬁne",
        "Zoe",
        "Zoë",
        "İstanbul",
        "ıstanbul",
        "ΒΆΣΙΣ",
        "ςς",
        "李",
        "👩‍👩‍👧‍👦 Lab",
        "𝔸cme",
        "𐐀",
        "Ａcme",
        "Acme",
        "Аcme",
        "a b",
        "a_b", // a pattern, for `LIKE`
        "axb",
        "a%b",
        "axxb",
        "a*b", // for `GLOB`
        "a?b",
        "a'b",
        "a\"b",
        "a\\b",
        "a;b",
        "a--b",
        "(a)",
        "{a}",
        "[a]",
        "null",
        "NaN",
        "0",
        "00",
        "1e3",
        "true",
        "$1",
        "?",
        ":a",
        "한글",
        "नमस्ते",
        "سلام",
        "שלום",
        "é́",
        "q̣̇",
        "😀😃",
        "\u{10FFFD}",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    names.push("😀".repeat(100)); // 400 bytes
    names.push(format!("a{}", "\u{301}\u{302}".repeat(4)).repeat(11)); // as many marks on a letter as there may be
    names.push("ΐ".repeat(100)); // one character of a name, three of its key
    names.push("x".repeat(100));
    names
}

/// What the library refuses probes nothing: a check must not pass over it.
fn accepted<T, E: core::fmt::Display>(text: &str, made: Result<T, E>) -> Result<T, Failure> {
    made.map_err(|error| Failure::new(format!("the check asks with `{text}`: {error}")))
}

/// Names and their keys "compare byte for byte: no case folding, no trimming, no locale".
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_names_compare_byte_for_byte<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, _) = world.found("First", ann).await?;
    for text in names() {
        let name = accepted(&text, Name::new(&text))?;
        if world.model.state(id).workspace_named(&name.key()).is_some() {
            // Another writing of one that is there: it comes into an organization of its own.
            let (elsewhere, _) = world.found(&text, ann).await?;
            world.model.records_agree(&*world.one, elsewhere).await?;
            continue;
        }
        let workspace = world.workspace();
        let events = vec![
            Event::OrganizationRenamed {
                from: name.clone(),
                to: name.clone(),
            },
            Event::WorkspaceCreated { workspace, name },
        ];
        world.happen(id, events).await?;
    }
    world
        .model
        .each_key_agrees(&*world.one, id, KeyKind::WorkspaceNamed)
        .await?;
    world
        .model
        .list_agrees(&*world.other, &whole::workspaces(id), 5)
        .await?;
    // Keys that are near to one that is there, and yet no workspace's.
    for text in names() {
        let near = [
            text.to_lowercase(),
            text.to_uppercase(),
            format!("{text}a"),
            format!("{text} a"),
        ];
        for text in near {
            if text.chars().count() > Name::MAX_LENGTH {
                continue; // of a name as long as can be there is no longer one
            }
            let name = accepted(&text, Name::new(&text))?;
            let keys = [Key::WorkspaceNamed(name.key())];
            world.model.facts_agree(&*world.other, id, &keys).await?;
        }
    }
    world
        .model
        .list_agrees(&*world.one, &whole::log(id), 100)
        .await
}

/// A name of which only the writing changed is another name under the same key.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_names_keep_their_writing<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, workspace) = world.found("Acme", ann).await?;
    let mut before = "Acme";
    for name in [
        "ACME", "acme", "Ａcme", "Straße", "STRASSE", "strasse", "İ", "i̇", "Zoe", "ZOE",
    ] {
        let rename = vec![
            renamed(workspace, before, name)?,
            Event::OrganizationRenamed {
                from: Name::new(before)?,
                to: Name::new(name)?,
            },
        ];
        before = name;
        world.happen(id, rename).await?;
        world.model.records_agree(&*world.one, id).await?;
        world
            .model
            .each_key_agrees(&*world.other, id, KeyKind::WorkspaceNamed)
            .await?;
    }
    world.model.lists_agree(&*world.one, 100).await
}

/// Addresses are found by their normal form, byte for byte, and kept as they were typed.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_addresses_are_kept_as_typed<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let long = format!(
        "{}@{}.example",
        "l".repeat(64),
        ["d".repeat(60), "e".repeat(60), "f".repeat(55)].join(".")
    );
    let addresses = [
        "Ann.Lee@Example.COM",
        "ann.lee@example.com",
        "ann+lee@example.com",
        "annlee@example.com",
        "ANN_LEE@example.com",
        "annxlee@example.com",
        "ann*lee@example.com",
        "ann?lee@example.com",
        "dé@example.com",
        "DÉ@example.com",
        "Dé@EXAMPLE.com",
        "ß@example.com",
        "ss@example.com",
        "李@example.com",
        "k@example.com",
        "K@example.com",
        "Ann@Bücher.example",
        "ann@xn--bcher-kva.example",
        "o'brien@example.com",
        long.as_str(),
        "𝔞@example.com",
    ];
    for text in addresses {
        let email = accepted(text, EmailAddress::new(text))?;
        let (user, invitation) = (world.user(), world.invitation());
        let mut events = vec![
            Event::MemberJoined {
                user,
                email: email.clone(),
                role: OrganizationRole::Member,
            },
            given(acme.first, user, WorkspaceRole::Reader),
            Event::InvoicingEdited {
                invoicing: Some(invoicing(text)?),
            },
        ];
        if world
            .model
            .state(acme.id)
            .open_invitations_to(email.key())
            .next()
            .is_none()
        {
            events.push(world.sent(invitation, text, Some(acme.second), acme.ann)?);
        }
        world.happen(acme.id, events).await?;
        world.model.facts_agree(&*world.one, acme.id, &[]).await?;
    }
    // The same address in other letters: the same key, but not the same record.
    let retyped = Event::MemberEmailChanged {
        user: acme.bob,
        from: EmailAddress::new("bob@acme.example")?,
        to: EmailAddress::new("BOB@Acme.Example")?,
    };
    world.happen(acme.id, vec![retyped]).await?;
    world.model.records_agree(&*world.one, acme.id).await?;
    world
        .model
        .each_key_agrees(&*world.other, acme.id, KeyKind::Address)
        .await?;
    for address in world.model.addresses() {
        world
            .model
            .list_agrees(&*world.one, &whole::invitations_to(&address), 100)
            .await?;
    }
    world
        .model
        .list_agrees(&*world.other, &whole::log(acme.id), 100)
        .await
}

/// Domains' names, from one character to sixty-three bytes.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_domain_names_compare_byte_for_byte<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let (longest, almost) = ("z".repeat(63), "z".repeat(62));
    for name in [
        "a", "0", "00", "1e1", "null", "a-b", "ab", "a1", "a-1", &longest, &almost,
    ] {
        let (domain, kind) = (world.domain(), DomainKind::Sandbox);
        let (workspace, name) = (acme.second, DomainName::new(name)?);
        let created = Event::DomainCreated {
            domain,
            workspace,
            name: name.clone(),
            kind,
        };
        world.happen(acme.id, vec![created]).await?;
        if name.as_str().len() % 2 == 0 {
            let deleted = Event::DomainDeleted {
                domain,
                workspace,
                name,
            };
            world.happen(acme.id, vec![deleted]).await?;
        }
    }
    world
        .model
        .each_key_agrees(&*world.one, acme.id, KeyKind::DomainNamed)
        .await?;
    world.model.claims_agree(&*world.other).await
}
