//! **What is stored comes back as it was, to the letter.**

use tenancy::{
    CompanyInformation, DomainKind, DomainName, EmailAddress, Event, InvitationTarget, Key, Line,
    Name, OrganizationRole, TokenHash, WorkspaceRole,
};

use crate::harness::Harness;
use crate::model::{KeyKind, List};
use crate::report::Verdict;
use crate::world::{World, at, given, invoicing, joined, renamed};

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
        "a_b",
        "a%b",
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
    names.push(format!("a{}", "\u{301}\u{302}".repeat(49))); // marks upon marks
    names.push("ΐ".repeat(100)); // one character of a name, three of its key
    names.push("x".repeat(100));
    names
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
        let Ok(name) = Name::new(&text) else { continue };
        if world.model.state(id).workspace_named(&name.key()).is_some() {
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
        .list_agrees(&*world.other, id, List::Workspaces, 5)
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
            if let Ok(name) = Name::new(&text) {
                let keys = [Key::WorkspaceNamed(name.key())];
                world.model.facts_agree(&*world.other, id, &keys).await?;
            }
        }
    }
    world
        .model
        .list_agrees(&*world.one, id, List::Log, 100)
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
        "ann%lee@example.com",
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
        let Ok(email) = EmailAddress::new(text) else {
            continue;
        };
        let (user, invitation) = (world.user(), world.invitation());
        let mut events = vec![
            Event::MemberJoined {
                user,
                email: Some(email.clone()),
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
        from: None,
        to: Some(EmailAddress::new("BOB@Acme.Example")?),
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
            .invitations_to_agree(&*world.one, &address, 100)
            .await?;
    }
    world
        .model
        .list_agrees(&*world.other, acme.id, List::Log, 100)
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

/// Times to the millisecond, from 1970 to the year 9999: a member's, a workspace's, a domain's, a retired
/// name's, an invitation's two, the organization's own, the log's.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_times_keep_their_milliseconds<H: Harness>(harness: &H) -> Verdict {
    let edges = [
        0,
        1,
        999,
        1_000,
        951_782_399_999,     // the end of 28 February 2000
        1_709_251_199_999,   // the end of a leap day
        2_147_483_647_999,   // the last second of 32 bits
        2_147_483_648_001,   // and the next
        4_294_967_295_999,   // the same, unsigned
        253_402_300_799_999, // the last millisecond of the year 9999
    ];
    let mut world = World::new(harness).await;
    for (number, edge) in edges.into_iter().enumerate() {
        let id = world.organization();
        let (ann, bob, workspace) = (world.user(), world.user(), world.workspace());
        let (domain, old, invitation) = (world.domain(), world.domain(), world.invitation());
        let (name, gone) = (
            format!("t{number}"),
            DomainName::new(&format!("gone{number}"))?,
        );
        let sent = Event::InvitationSent {
            invitation,
            email: EmailAddress::new("eve@elsewhere.example")?,
            target: InvitationTarget::Organization {
                role: OrganizationRole::Admin,
            },
            inviter: ann,
            token_hash: world.token_hash(),
            expires_at: at(edge),
        };
        let kind = DomainKind::Production;
        let events = vec![
            Event::OrganizationCreated {
                name: Name::new("Acme")?,
                workspace_quota: 1,
            },
            joined(ann, "ann@acme.example", OrganizationRole::Admin)?,
            joined(bob, "bob@acme.example", OrganizationRole::Member)?,
            Event::WorkspaceCreated {
                workspace,
                name: Name::new("First")?,
            },
            given(workspace, bob, WorkspaceRole::Reader),
            Event::DomainCreated {
                domain,
                workspace,
                name: DomainName::new(&name)?,
                kind,
            },
            Event::DomainCreated {
                domain: old,
                workspace,
                name: gone.clone(),
                kind,
            },
            sent,
        ];
        let commit = world.propose_at(id, at(edge), events)?;
        world.commit(&commit).await?;
        let deleted = vec![Event::DomainDeleted {
            domain: old,
            workspace,
            name: gone,
        }];
        let commit = world.propose_at(id, at(edge), deleted)?;
        world.commit(&commit).await?;
        world.model.records_agree(&*world.one, id).await?;
        world
            .model
            .list_agrees(&*world.other, id, List::Log, 10)
            .await?;
        world
            .model
            .list_agrees(
                &*world.other,
                id,
                List::Members(tenancy::RoleSet::all()),
                10,
            )
            .await?;
        world
            .model
            .list_agrees(&*world.other, id, List::Invitations(None), 10)
            .await?;
    }
    Ok(())
}

/// "Since when they hold a role in it": another role, another address and another hash leave the times
/// as they were, and whatever else the event doesn't speak of.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_times_outlive_changes<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let token_hash = world.token_hash();
    let changes = vec![
        Event::OrganizationRoleChanged {
            user: acme.bob,
            from: OrganizationRole::Member,
            to: OrganizationRole::Accounting,
        },
        Event::WorkspaceRoleGiven {
            workspace: acme.first,
            user: acme.bob,
            role: WorkspaceRole::Admin,
            replaces: Some(WorkspaceRole::Developer),
        },
        renamed(acme.first, "Payments", "Paiements")?,
        Event::DomainDeactivated {
            domain: acme.domain,
        },
        Event::InvitationRenewed {
            invitation: acme.invitation,
            target: InvitationTarget::Workspace {
                workspace: acme.second,
                role: WorkspaceRole::Developer,
            },
            inviter: acme.bob,
            token_hash,
            expires_at: at(1_900_000_000_000),
        },
    ];
    for change in changes {
        world.happen(acme.id, vec![change]).await?;
        world.model.records_agree(&*world.one, acme.id).await?;
    }
    let reactivated = Event::DomainReactivated {
        domain: acme.domain,
    };
    world.happen(acme.id, vec![reactivated]).await?;
    world.model.everything_agrees(&*world.other).await
}

/// Optional fields, there and not there, on their own: company, invoicing, contract, a workspace's own
/// invoicing, a member's address.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_optional_fields_come_and_go<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let line = |text: &str| Line::new(text);
    let longest = "😀".repeat(200);
    let bare = CompanyInformation {
        legal_name: line("A")?,
        registration_number: None,
        vat_number: None,
        address: Vec::new(),
    };
    let full = CompanyInformation {
        legal_name: line(&longest)?,
        registration_number: Some(line("null")?),
        vat_number: Some(line("FR 12 345\\6789 \"x\" 'y' {z} [w],;")?),
        address: vec![line("1")?, line("1")?, line("a, b")?, line(&longest)?],
    };
    let mut plain = invoicing("Billing@Acme.example")?;
    plain.reference = None;
    plain.address.clear();
    let steps = [
        Event::CompanyEdited { company: None },
        Event::CompanyEdited {
            company: Some(bare),
        },
        Event::CompanyEdited {
            company: Some(full),
        },
        Event::InvoicingEdited { invoicing: None },
        Event::InvoicingEdited {
            invoicing: Some(plain.clone()),
        },
        Event::ContractEdited { contract: None },
        Event::ContractEdited {
            contract: Some(line(&longest)?),
        },
        Event::WorkspaceInvoicingEdited {
            workspace: acme.first,
            invoicing: Some(plain),
        },
        Event::WorkspaceInvoicingEdited {
            workspace: acme.first,
            invoicing: Some(invoicing("W@x.example")?),
        },
        Event::WorkspaceInvoicingEdited {
            workspace: acme.first,
            invoicing: None,
        },
        Event::MemberEmailChanged {
            user: acme.bob,
            from: None,
            to: None,
        },
    ];
    for step in steps {
        world.happen(acme.id, vec![step]).await?;
        world.model.records_agree(&*world.one, acme.id).await?;
        world
            .model
            .organizations_of_agree(&*world.other, acme.ann, 10)
            .await?;
    }
    world.model.everything_agrees(&*world.other).await
}

/// Numbers as large as they get, and as small: quotas of 0 and of 4,294,967,295.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_numbers_reach_their_ends<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let half = u32::MAX >> 1;
    for to in [0, 1, half, half.saturating_add(1), u32::MAX] {
        let set = Event::WorkspaceQuotaSet {
            from: u32::MAX,
            to,
            workspaces: u32::MAX,
        };
        world.happen(acme.id, vec![set]).await?;
        world.model.facts_agree(&*world.one, acme.id, &[]).await?;
        world
            .model
            .organizations_of_agree(&*world.other, acme.ann, 10)
            .await?;
    }
    world
        .model
        .list_agrees(&*world.one, acme.id, List::Log, 100)
        .await
}

/// The counts of the organization and of its workspaces, which the core keeps and "a store only writes".
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_counts_are_kept<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let (acme, neighbour) = world.crowd().await?;
    for id in [acme.id, neighbour.id] {
        world.model.records_agree(&*world.one, id).await?;
        world
            .model
            .list_agrees(&*world.other, id, List::Workspaces, 100)
            .await?;
        world.model.state(id).validate()?;
    }
    Ok(())
}

/// Token hashes, byte for byte: zeros, ones, and bytes that are no text.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_token_hashes_are_bytes<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let mut counting = [0; 32];
    for (byte, number) in counting.iter_mut().zip(0xD0_u8..) {
        *byte = number;
    }
    for bytes in [[0; 32], [0xFF; 32], [b'\''; 32], [0x80; 32], counting] {
        let renewed = Event::InvitationRenewed {
            invitation: acme.invitation,
            target: InvitationTarget::Organization {
                role: OrganizationRole::Accounting,
            },
            inviter: acme.ann,
            token_hash: TokenHash::from_bytes(bytes),
            expires_at: at(1_800_000_000_000),
        };
        world.happen(acme.id, vec![renewed]).await?;
        let found = world.model.state(acme.id);
        let facts = tenancy::Repository::load(
            &*world.one,
            acme.id,
            &[Key::Invitation(acme.invitation, None)],
        )
        .await?;
        let stored = facts
            .into_iter()
            .flat_map(|facts| facts.records)
            .find_map(|record| match record {
                tenancy::Record::Invitation(invitation) if invitation.id == acme.invitation => {
                    Some(*invitation.token_hash.as_bytes())
                }
                _ => None,
            });
        let expected = found
            .invitation(acme.invitation)
            .map(|i| *i.token_hash.as_bytes());
        crate::model::same("the token's hash", &stored, &expected)?;
        world.model.records_agree(&*world.other, acme.id).await?;
    }
    Ok(())
}

/// Every role, kind, status and state comes back as itself.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_every_variant_comes_back<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let mut events = Vec::new();
    let mut closing = Vec::new();
    for (number, role) in OrganizationRole::ALL.into_iter().enumerate() {
        let (user, invitation) = (world.user(), world.invitation());
        events.push(joined(user, &format!("o{number}@x.example"), role)?);
        events.push(Event::InvitationSent {
            invitation,
            email: EmailAddress::new(&format!("i{number}@x.example"))?,
            target: InvitationTarget::Organization { role },
            inviter: user,
            token_hash: world.token_hash(),
            expires_at: at(1_800_000_000_000),
        });
        closing.push(match number {
            0 => Event::InvitationAccepted { invitation, user },
            1 => Event::InvitationDeclined { invitation, user },
            _ => Event::InvitationRevoked {
                invitation,
                reason: tenancy::RevocationReason::AddressChanged,
            },
        });
    }
    for (number, role) in WorkspaceRole::ALL.into_iter().enumerate() {
        let (user, invitation) = (world.user(), world.invitation());
        events.push(joined(
            user,
            &format!("w{number}@x.example"),
            OrganizationRole::Member,
        )?);
        events.push(given(acme.first, user, role));
        events.push(Event::InvitationSent {
            invitation,
            email: EmailAddress::new(&format!("j{number}@x.example"))?,
            target: InvitationTarget::Workspace {
                workspace: acme.second,
                role,
            },
            inviter: user,
            token_hash: world.token_hash(),
            expires_at: at(1_800_000_000_000),
        });
    }
    for (number, kind) in [DomainKind::Sandbox, DomainKind::Production]
        .into_iter()
        .enumerate()
    {
        for (other, off) in [false, true].into_iter().enumerate() {
            let domain = world.domain();
            events.push(Event::DomainCreated {
                domain,
                workspace: acme.first,
                name: DomainName::new(&format!("k{number}{other}"))?,
                kind,
            });
            if off {
                closing.push(Event::DomainDeactivated { domain });
            }
        }
    }
    world.happen(acme.id, events).await?;
    world.happen(acme.id, closing).await?;
    world.model.records_agree(&*world.one, acme.id).await?;
    world
        .model
        .each_key_agrees(&*world.other, acme.id, KeyKind::Invitation)
        .await?;
    world.model.lists_agree(&*world.one, 100).await?;
    // And the organization's own: deleted, it stays as a row.
    let ann = world.user();
    let (id, workspace) = world.found("Short-lived", ann).await?;
    let role = WorkspaceRole::Admin;
    let deletion = vec![
        Event::WorkspaceRoleTaken {
            workspace,
            user: ann,
            role,
        },
        Event::WorkspaceDeleted {
            workspace,
            name: Name::new("Short-lived")?,
        },
        Event::MemberRemoved {
            user: ann,
            role: OrganizationRole::Admin,
        },
        Event::OrganizationDeleted {},
    ];
    world.happen(id, deletion).await?;
    world.model.records_agree(&*world.one, id).await?;
    world.model.standings_agree(&*world.other).await?;
    world
        .model
        .organizations_of_agree(&*world.one, ann, 10)
        .await
}
