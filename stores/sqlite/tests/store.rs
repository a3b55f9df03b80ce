//! What the store promises, held against a real file.

mod world;

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use tenancy::{commands::*, store::*, *};
use tenancy_sqlite::{Error, MIGRATIONS, Options, SqliteRepository, VerifyError};
use world::*;

/// All that a store holds is one type, whatever runs its calls.
fn everywhere(check: impl Fn(&Place)) {
    check(&Place::new(quick()));
    check(&Place::new(threaded()));
    check(&Place::new(Options::default()));
}

#[test]
fn a_whole_life_is_kept_and_verified() {
    everywhere(|place| {
        let tenancy = place.tenancy();
        let acme = acme(&tenancy);
        let api = domain(&tenancy, acme, "acme-api");
        join(&tenancy, acme, "bob", WorkspaceRole::Developer);
        join(&tenancy, acme, "cy", WorkspaceRole::Reader);

        let on_api = (acme.organization, api);
        let configure = DomainAction::Configure;
        let check = |who: &str| block_on(tenancy.check(&actor(who), on_api, configure)).unwrap();
        assert!(check("ann").is_allowed());
        assert!(check("bob").is_allowed());
        assert!(matches!(check("cy"), Decision::Forbidden { .. }));
        assert_eq!(check("eve"), Decision::Hidden);

        let remove = RemoveMember {
            organization: acme.organization,
            user: user("bob"),
        };
        let gone = block_on(tenancy.execute(&actor("ann"), remove))
            .unwrap()
            .output;
        assert_eq!(
            gone.workspaces,
            [(acme.workspace, WorkspaceRole::Developer)]
        );
        assert_eq!(check("bob"), Decision::Hidden);

        let delete = DeleteDomain {
            organization: acme.organization,
            domain: api,
        };
        block_on(tenancy.execute(&actor("ann"), delete)).unwrap();
        let claim = Claim::DomainName(domain_name("acme-api"));
        let store = tenancy.repository();
        assert_eq!(
            block_on(store.holder(&claim)).unwrap(),
            Some(acme.organization)
        );
        block_on(store.verify(acme.organization)).unwrap();
    });
}

#[test]
fn reopening_keeps_everything() {
    everywhere(|place| {
        let tenancy = place.tenancy();
        let acme = acme(&tenancy);
        join(&tenancy, acme, "bob", WorkspaceRole::Admin);
        let before = block_on(tenancy.repository().load(acme.organization, &[])).unwrap();
        drop(tenancy);

        let store = place.open();
        let keys = [Key::Person(user("bob"))];
        let facts = block_on(store.load(acme.organization, &keys))
            .unwrap()
            .unwrap();
        assert_eq!(
            Some(facts.organization),
            before.map(|facts| facts.organization)
        );
        assert_eq!(facts.records.len(), 3); // the member, the membership, its workspace
        block_on(store.verify(acme.organization)).unwrap();
    });
}

/// Every key brings what the reference brings, and perhaps some of it twice.
#[test]
fn keys_bring_what_the_reference_brings() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    let api = domain(&tenancy, acme, "acme-api");
    let gone = domain(&tenancy, acme, "acme-gone");
    join(&tenancy, acme, "bob", WorkspaceRole::Developer);
    let ann = actor("ann");
    let organization = acme.organization;
    let delete = DeleteDomain {
        organization,
        domain: gone,
    };
    block_on(tenancy.execute(&ann, delete)).unwrap();
    let other = block_on(tenancy.execute(
        &ann,
        CreateWorkspace {
            organization,
            name: name("Straßenbau"),
        },
    ));
    let other = other.unwrap().output;
    let mut invitations = Vec::new();
    for (workspace, who) in [(acme.workspace, "dora"), (other, "dora"), (other, "bob")] {
        let invite = InviteToWorkspace {
            organization,
            workspace,
            email: email(&format!("{who}@acme.example")),
            role: WorkspaceRole::Reader,
        };
        let invited = block_on(tenancy.execute(&ann, invite)).unwrap().output;
        invitations.push(invited.invitation);
    }
    let last = block_on(tenancy.execute(
        &ann,
        RevokeInvitation {
            organization,
            invitation: invitations[0],
        },
    ));
    let last = last.unwrap().commit;

    let store = tenancy.repository();
    let log = block_on(store.log(organization, Version::ABSENT, limit(1000))).unwrap();
    let state = OrganizationState::replay(organization, &log).unwrap();
    let mut keys = vec![
        Key::Commit(last),
        Key::Commit(CommitId::new()),
        Key::OpenInvitations(None),
        Key::WorkspaceNamed(name("STRASSENBAU").key()),
        Key::WorkspaceNamed(name("nothing").key()),
        Key::DomainNamed(domain_name("acme-api")),
        Key::DomainNamed(domain_name("acme-gone")),
    ];
    for who in ["ann", "bob", "dora", "eve"] {
        let (who, email) = (user(who), email(&format!("{who}@acme.example")));
        keys.extend([
            Key::Path(who, organization.into()),
            Key::Path(who, (organization, acme.workspace).into()),
            Key::Path(who, (organization, WorkspaceId::new()).into()),
            Key::Path(who, (organization, api).into()),
            Key::Path(who, (organization, gone).into()),
            Key::Person(who),
            Key::SentBy(who),
            Key::Address(email.key().clone(), None),
            Key::Address(email.key().clone(), Some(acme.workspace)),
        ]);
        for invitation in &invitations {
            keys.push(Key::Invitation(*invitation, Some(who)));
        }
    }
    for workspace in [acme.workspace, other] {
        keys.push(Key::OpenInvitations(Some(workspace)));
    }
    for key in keys {
        let keys = std::slice::from_ref(&key);
        let found = block_on(store.load(organization, keys)).unwrap().unwrap();
        let expected = Facts::select(&state, &log, keys).unwrap();
        assert_eq!(found.organization, expected.organization);
        assert_eq!(found.committed, expected.committed, "{key:?}");
        let by_id = |records: Vec<Record>| -> Vec<Record> {
            let ids: BTreeSet<_> = records.iter().map(Record::id).collect();
            let find = |id| records.iter().find(|record| record.id() == id).cloned();
            ids.into_iter().filter_map(find).collect()
        };
        assert_eq!(by_id(found.records), by_id(expected.records), "{key:?}");
    }
}

#[test]
fn of_two_handles_on_one_version_one_wins() {
    everywhere(|place| {
        let (one, two) = (place.tenancy(), place.tenancy());
        let acme = acme(&one);
        let prepare = |tenancy: &Tenancy<SqliteRepository>, to: &str| {
            let rename = RenameOrganization {
                organization: acme.organization,
                name: name(to),
            };
            let prepared = block_on(tenancy.prepare(&actor("ann"), rename)).unwrap();
            prepared.commit.unwrap()
        };
        let (first, second) = (prepare(&one, "First"), prepare(&two, "Second"));
        assert_eq!(
            block_on(one.repository().commit(&first)).unwrap(),
            Outcome::Committed
        );
        let before = dump(place);
        assert_eq!(
            block_on(two.repository().commit(&second)).unwrap(),
            Outcome::Conflict
        );
        assert_eq!(dump(place), before);
    });
}

#[test]
fn an_organization_is_created_once() {
    let place = Place::new(quick());
    let store = place.open();
    let commit = creation("Acme");
    assert_eq!(block_on(store.commit(&commit)).unwrap(), Outcome::Committed);
    let before = dump(&place);
    assert_eq!(block_on(store.commit(&commit)).unwrap(), Outcome::Conflict);
    assert_eq!(dump(&place), before);
}

#[test]
fn a_taken_claim_changes_nothing() {
    everywhere(|place| {
        let tenancy = place.tenancy();
        let (one, two) = (acme(&tenancy), acme(&tenancy));
        domain(&tenancy, one, "acme-api");
        let create = CreateDomain {
            organization: two.organization,
            workspace: two.workspace,
            name: domain_name("acme-api"),
            kind: DomainKind::Production,
        };
        let commit = block_on(tenancy.prepare(&actor("ann"), create))
            .unwrap()
            .commit
            .unwrap();
        let before = dump(place);
        let taken = Outcome::Taken(Claim::DomainName(domain_name("acme-api")));
        assert_eq!(
            block_on(tenancy.repository().commit(&commit)).unwrap(),
            taken
        );
        assert_eq!(dump(place), before);
    });
}

#[test]
fn racing_threads_and_handles_lose_nothing() {
    for options in [quick(), threaded()] {
        let place = Place::new(options);
        let acme = acme(&place.tenancy());
        let organization = acme.organization;
        std::thread::scope(|scope| {
            for racer in 0..6 {
                let tenancy = place.tenancy().with_attempts(limit(10_000));
                scope.spawn(move || {
                    for turn in 0..10 {
                        let name = name(&format!("{racer} {turn}"));
                        let create = CreateWorkspace { organization, name };
                        block_on(tenancy.execute(&actor("ann"), create)).unwrap();
                    }
                });
            }
        });
        let store = place.open();
        let facts = block_on(store.load(organization, &[])).unwrap().unwrap();
        assert_eq!(facts.organization.version, Version::new(61));
        assert_eq!(facts.organization.counts.workspaces, 61);
        block_on(store.verify(organization)).unwrap();
    }
}

#[test]
fn names_may_be_swapped_in_one_commit() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    let organization = acme.organization;
    let create = CreateWorkspace {
        organization,
        name: name("Other"),
    };
    let other = block_on(tenancy.execute(&actor("ann"), create))
        .unwrap()
        .output;
    let store = tenancy.repository();
    let keys = [acme.workspace, other].map(|id| Key::Path(user("ann"), (organization, id).into()));
    let facts = block_on(store.load(organization, &keys)).unwrap().unwrap();
    let rename = RenameOrganization {
        organization,
        name: name("Swapped"),
    };
    let mut commit = block_on(tenancy.prepare(&actor("ann"), rename))
        .unwrap()
        .commit
        .unwrap();
    for record in facts.records {
        if let Record::Workspace(mut workspace) = record {
            let other = if workspace.id == other {
                "Acme"
            } else {
                "Other"
            };
            workspace.name = name(other);
            commit
                .changes
                .push(Change::Put(Record::Workspace(workspace)));
        }
    }
    assert_eq!(commit.changes.len(), 2);
    assert_eq!(block_on(store.commit(&commit)).unwrap(), Outcome::Committed);
    let named = block_on(store.load(organization, &[Key::WorkspaceNamed(name("acme").key())]));
    let [Record::Workspace(workspace)] = &named.unwrap().unwrap().records[..] else {
        panic!("one workspace");
    };
    assert_eq!(workspace.id, other);
}

#[test]
fn pages_are_in_order_and_filtered_by_role() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    let people = ["bob", "cy", "dora", "eve", "finn"];
    for (who, role) in people
        .into_iter()
        .zip(WorkspaceRole::ALL.into_iter().cycle())
    {
        join(&tenancy, acme, who, role);
    }
    let promote = ChangeOrganizationRole {
        organization: acme.organization,
        user: user("cy"),
        role: OrganizationRole::Accounting,
    };
    block_on(tenancy.execute(&actor("ann"), promote)).unwrap();
    let store = tenancy.repository();
    let log = block_on(store.log(acme.organization, Version::ABSENT, limit(1000))).unwrap();
    let state = OrganizationState::replay(acme.organization, &log).unwrap();
    for bits in 0..64 {
        let roles = RoleSet::from_bits_retain(bits);
        for size in [1, 2, 100] {
            let mut seen = Vec::new();
            loop {
                let after = seen.last().copied();
                let page = store.members(acme.organization, roles, after, limit(size));
                let page = block_on(page).unwrap();
                assert!(page.len() <= size as usize);
                if page.is_empty() {
                    break;
                }
                seen.extend(page.iter().map(|member| member.user));
            }
            let holds = |role| roles.contains(RoleSet::of_organization(role));
            let expected = state.members().filter(|member| holds(member.role));
            assert_eq!(seen, expected.map(|member| member.user).collect::<Vec<_>>());

            let mut seen = Vec::new();
            loop {
                let (organization, workspace) = (acme.organization, acme.workspace);
                let after = seen.last().copied();
                let page =
                    store.workspace_members(organization, workspace, roles, after, limit(size));
                let page = block_on(page).unwrap();
                if page.is_empty() {
                    break;
                }
                seen.extend(page.iter().map(|member| member.user));
            }
            let holds = |role| roles.contains(RoleSet::of_workspace(role));
            let expected = state
                .members_of(acme.workspace)
                .filter(|member| holds(member.role));
            assert_eq!(seen, expected.map(|member| member.user).collect::<Vec<_>>());
        }
    }
}

#[test]
fn lists_across_organizations_come_in_pages() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    let mut all: Vec<_> = (0..5).map(|_| acme(&tenancy).organization).collect();
    all.sort_unstable();
    for organization in &all {
        let invite = InviteToOrganization {
            organization: *organization,
            email: email("Zoe@ACME.example"),
            role: OrganizationRole::Member,
        };
        block_on(tenancy.execute(&actor("ann"), invite)).unwrap();
    }
    let store = tenancy.repository();
    let (mut mine, mut hers) = (Vec::new(), Vec::new());
    loop {
        let page = block_on(store.organizations_of(user("ann"), mine.last().copied(), limit(2)));
        let page = page.unwrap();
        if page.is_empty() {
            break;
        }
        mine.extend(page.iter().map(|(organization, _)| organization.id));
    }
    let zoe = email("zoe@acme.example");
    loop {
        let page =
            block_on(store.invitations_to(zoe.key(), hers.last().copied(), limit(2))).unwrap();
        if page.is_empty() {
            break;
        }
        hers.extend(
            page.iter()
                .map(|(organization, open)| (organization.id, open.id)),
        );
        assert!(
            page.iter()
                .all(|(_, open)| open.email.as_str() == "Zoe@ACME.example")
        );
    }
    assert_eq!(mine, all);
    assert_eq!(hers.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), all);
}

#[test]
fn a_dropped_future_leaves_a_working_store() {
    for options in [quick(), threaded()] {
        let place = Place::new(options);
        let tenancy = place.tenancy();
        let acme = acme(&tenancy);
        let mut context = Context::from_waker(Waker::noop());
        for turn in 0..50 {
            let create = CreateWorkspace {
                organization: acme.organization,
                name: name(&format!("{turn}")),
            };
            let ann = actor("ann");
            let mut future = Box::pin(tenancy.execute(&ann, create));
            for _ in 0..=turn % 3 {
                if future.as_mut().poll(&mut context).is_ready() {
                    break;
                }
            }
            drop(future);
            let check = tenancy.check(
                &ann,
                (acme.organization, acme.workspace),
                WorkspaceAction::Rename,
            );
            assert!(block_on(check).unwrap().is_allowed());
        }
        let store = tenancy.repository();
        block_on(store.verify(acme.organization)).unwrap();
    }
}

#[test]
fn in_place_every_future_is_ready_at_once() {
    let place = Place::new(quick());
    let store = place.open();
    let commit = creation("Acme");
    let mut context = Context::from_waker(Waker::noop());
    assert!(pin!(store.commit(&commit)).poll(&mut context).is_ready());
    let id = commit.organization();
    assert!(pin!(store.load(id, &[])).poll(&mut context).is_ready());
    let standing = store.standing(user("ann"), id.into());
    assert!(pin!(standing).poll(&mut context).is_ready());
}

#[test]
fn in_memory_it_works_without_a_file() {
    for options in [quick(), threaded()] {
        let store = SqliteRepository::open_with(":memory:", &options).unwrap();
        let tenancy = Tenancy::new(store.clone()).with_settings(roomy());
        let acme = acme(&tenancy);
        join(&tenancy, acme, "bob", WorkspaceRole::Developer);
        block_on(store.verify(acme.organization)).unwrap();
    }
}

#[test]
fn somebody_else_writing_for_too_long_is_a_conflict() {
    let place = Place::new(Options {
        busy_timeout: Duration::from_millis(20),
        ..quick()
    });
    let store = place.open();
    let stranger = place.stranger();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(
        block_on(store.commit(&creation("Acme"))).unwrap(),
        Outcome::Conflict
    );
    stranger.execute_batch("ROLLBACK").unwrap();
    assert_eq!(
        block_on(store.commit(&creation("Acme"))).unwrap(),
        Outcome::Committed
    );
}

#[test]
fn migrating_again_changes_nothing() {
    let place = Place::new(quick());
    let mut connection = place.stranger();
    assert_eq!(tenancy_sqlite::schema_version(&connection).unwrap(), 0);
    tenancy_sqlite::migrate(&mut connection).unwrap();
    let newest = MIGRATIONS.last().unwrap().0;
    assert_eq!(tenancy_sqlite::schema_version(&connection).unwrap(), newest);
    let before = dump(&place);
    tenancy_sqlite::migrate(&mut connection).unwrap();
    drop(place.open());
    assert_eq!(dump(&place), before);
}

#[test]
fn many_may_open_a_new_file_at_once() {
    let place = Place::new(quick());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| drop(place.open()));
        }
    });
}

#[test]
fn a_newer_schema_is_refused() {
    let place = Place::new(quick());
    drop(place.open());
    let newer = "INSERT INTO tenancy_migrations (version, applied_at) VALUES (999, 0)";
    place.stranger().execute_batch(newer).unwrap();
    let refused = SqliteRepository::open(place.path()).unwrap_err();
    let newest = MIGRATIONS.last().unwrap().0;
    assert!(
        matches!(refused, Error::NewerSchema { found: 999, known } if known == newest),
        "{refused}"
    );
}

#[test]
fn what_is_no_database_is_refused() {
    let place = Place::new(quick());
    std::fs::write(place.path(), "this is a letter, and no database at all").unwrap();
    let refused = SqliteRepository::open(place.path()).unwrap_err();
    assert!(matches!(refused, Error::Open { .. }), "{refused}");
    let refused = SqliteRepository::open(place.directory.path()).unwrap_err();
    assert!(matches!(refused, Error::Open { .. }), "{refused}");
    // A name that SQLite would take for a nameless file, gone when it is closed.
    let refused = SqliteRepository::open("").unwrap_err();
    assert!(matches!(refused, Error::NoWal { .. }), "{refused}");
}

#[test]
fn verify_finds_what_strangers_wrote() {
    let found = |sql: &str| {
        let place = Place::new(quick());
        let tenancy = place.tenancy();
        let acme = acme(&tenancy);
        domain(&tenancy, acme, "acme-api");
        join(&tenancy, acme, "bob", WorkspaceRole::Developer);
        place.stranger().execute_batch(sql).unwrap();
        block_on(tenancy.repository().verify(acme.organization)).unwrap_err()
    };
    let drift = found("UPDATE tenancy_members SET role = 2 WHERE role = 0");
    assert!(
        matches!(&drift, VerifyError::Drift(Drift::Records { different, .. }) if different.len() == 1),
        "{drift}"
    );
    let drift = found("DELETE FROM tenancy_workspace_members");
    assert!(
        matches!(&drift, VerifyError::Drift(Drift::Records { missing, .. }) if missing.len() == 1),
        "{drift}"
    );
    let drift = found("UPDATE tenancy_organizations SET workspace_quota = 7");
    assert!(
        matches!(drift, VerifyError::Drift(Drift::Organization)),
        "{drift}"
    );
    let drift = found("DELETE FROM tenancy_commits WHERE version = 2");
    assert!(
        matches!(drift, VerifyError::Drift(Drift::Inconsistency(_))),
        "{drift}"
    );
    let drift = found("DELETE FROM tenancy_claims");
    assert!(
        matches!(drift, VerifyError::ClaimLost { holder: None, .. }),
        "{drift}"
    );
    let drift =
        found("INSERT INTO tenancy_claims SELECT 0, 'other', organization_id FROM tenancy_claims");
    assert!(matches!(drift, VerifyError::ClaimForeign { .. }), "{drift}");
}

#[test]
fn an_unreadable_row_is_named() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    let vandal = place.stranger();
    vandal
        .execute_batch("PRAGMA ignore_check_constraints = ON; UPDATE tenancy_members SET role = 9")
        .unwrap();
    let store = tenancy.repository();
    let keys = [Key::Person(user("ann"))];
    let error = block_on(store.load(acme.organization, &keys)).unwrap_err();
    let ann = user("ann");
    assert_eq!(
        error.to_string(),
        format!(
            "a row of `tenancy_members`: {}, {ann} has an unreadable `role`",
            acme.organization
        )
    );
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "9 stands for nothing");
    let error = block_on(store.standing(ann, acme.organization.into())).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    // And nothing stays open after an error.
    assert!(
        block_on(store.load(acme.organization, &[]))
            .unwrap()
            .is_some()
    );

    vandal
        .execute_batch("UPDATE tenancy_organizations SET name = ' '")
        .unwrap();
    let error = block_on(store.load(acme.organization, &[])).unwrap_err();
    assert!(error.to_string().contains("unreadable `name`"), "{error}");
}

#[test]
fn a_commit_that_contradicts_itself_is_not_written() {
    let place = Place::new(quick());
    let store = place.open();
    let before = dump(&place);
    let mut wrong = creation("Acme");
    wrong.next.version = Version::new(7);
    let refused = block_on(store.commit(&wrong)).unwrap_err();
    assert!(matches!(refused, Error::InvalidCommit(_)), "{refused}");
    let mut wrong = creation("Acme");
    wrong.entry.organization = OrganizationId::new();
    let refused = block_on(store.commit(&wrong)).unwrap_err();
    assert!(matches!(refused, Error::InvalidCommit(_)), "{refused}");
    let mut fine = creation("Acme");
    fine.entry.at += std::time::Duration::from_nanos(1);
    let refused = block_on(store.commit(&fine)).unwrap_err();
    assert!(matches!(refused, Error::InvalidCommit(_)), "{refused}");
    assert_eq!(dump(&place), before);
}
