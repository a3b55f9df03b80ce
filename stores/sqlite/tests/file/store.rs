//! What the store promises, held against a real file.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests say what they expect by panicking"
)]

use std::collections::BTreeSet;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use crate::world::*;
use tenancy::{commands::*, store::*, *};
use tenancy_sqlite::{Error, MIGRATIONS, Options, SchemaError, SqliteRepository, VerifyError};

/// All that a store holds is one type, whatever runs its calls.
fn everywhere(check: impl Fn(&Disk)) {
    check(&Disk::new(quick()));
    check(&Disk::new(threaded()));
    check(&Disk::new(Options::default()));
}

fn log(store: &SqliteRepository, organization: OrganizationId) -> Vec<LogEntry> {
    let list = List::Log {
        organization,
        after: Version::ABSENT,
    };
    let items = block_on(store.list(&list, limit(1000))).unwrap();
    let entries = items.into_iter().map(|item| match item {
        Item::LogEntry(entry) => entry,
        other => panic!("{other:?}"),
    });
    entries.collect()
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
            block_on(store.claimed_by(&claim)).unwrap(),
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
    let place = Disk::new(quick());
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
    let log = log(store, organization);
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
    let place = Disk::new(quick());
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
        let place = Disk::new(options);
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
    let place = Disk::new(quick());
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
            workspace.name_key = workspace.name.key();
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
    let place = Disk::new(quick());
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
    let log = log(store, acme.organization);
    let state = OrganizationState::replay(acme.organization, &log).unwrap();
    for bits in 0..64 {
        let roles = RoleSet::from_bits_retain(bits);
        for size in [1, 2, 100] {
            let (organization, workspace) = (acme.organization, acme.workspace);
            let members = |after| List::Members {
                organization,
                roles,
                after,
            };
            let there = |after| List::WorkspaceMembers {
                organization,
                workspace,
                roles,
                after,
            };
            let user_of = |item: &Item| match item {
                Item::Record(Record::Member(member)) => member.user,
                Item::Record(Record::WorkspaceMember(member)) => member.user,
                other => panic!("{other:?}"),
            };
            let seen = walk(store, members, limit(size), user_of);
            let holds = |role| roles.contains(RoleSet::of_organization(role));
            let expected = state.members().filter(|member| holds(member.role));
            assert_eq!(seen, expected.map(|member| member.user).collect::<Vec<_>>());

            let seen = walk(store, there, limit(size), user_of);
            let holds = |role| roles.contains(RoleSet::of_workspace(role));
            let expected = state
                .members_of(acme.workspace)
                .filter(|member| holds(member.role));
            assert_eq!(seen, expected.map(|member| member.user).collect::<Vec<_>>());
        }
    }
}

/// All of a list, page by page: the keys of its items.
fn walk<K: Copy>(
    store: &SqliteRepository,
    list: impl Fn(Option<K>) -> List,
    limit: NonZeroU32,
    key: impl Fn(&Item) -> K,
) -> Vec<K> {
    let mut seen = Vec::new();
    loop {
        let page = block_on(store.list(&list(seen.last().copied()), limit)).unwrap();
        assert!(page.len() <= limit.get() as usize);
        if page.is_empty() {
            return seen;
        }
        seen.extend(page.iter().map(&key));
    }
}

#[test]
fn lists_across_organizations_come_in_pages() {
    let place = Disk::new(quick());
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
    let user = user("ann");
    let mine = |after| List::OrganizationsOf { user, after };
    let mine = walk(store, mine, limit(2), |item| match item {
        Item::Across(organization, Record::Member(member)) if member.user == user => {
            assert_eq!(
                (organization.name.as_str(), organization.admins),
                ("Acme", 1)
            );
            organization.id
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(mine, all);
    let zoe = email("zoe@acme.example");
    let hers = |after| List::InvitationsTo {
        email: zoe.key().clone(),
        after,
    };
    let hers = walk(store, hers, limit(2), |item| match item {
        Item::Across(organization, Record::Invitation(open)) => {
            assert_eq!(open.email.as_str(), "Zoe@ACME.example");
            (organization.id, open.id)
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(hers.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), all);
}

#[test]
fn a_dropped_future_leaves_a_working_store() {
    for options in [quick(), threaded()] {
        let place = Disk::new(options);
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
    let place = Disk::new(quick());
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
    let place = Disk::new(Options {
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
    let place = Disk::new(quick());
    let mut connection = place.stranger();
    assert_eq!(tenancy_sqlite::schema_version(&connection).unwrap(), 0);
    tenancy_sqlite::migrate(&mut connection).unwrap();
    let newest = MIGRATIONS.last().unwrap().step;
    assert_eq!(tenancy_sqlite::schema_version(&connection).unwrap(), newest);
    let before = dump(&place);
    tenancy_sqlite::migrate(&mut connection).unwrap();
    drop(place.open());
    assert_eq!(dump(&place), before);
}

#[test]
fn many_may_open_a_new_file_at_once() {
    let place = Disk::new(quick());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| drop(place.open()));
        }
    });
}

#[test]
fn a_newer_schema_is_refused_unless_this_program_can_live_with_it() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let newest = MIGRATIONS.last().unwrap().step;
    let newer = "INSERT INTO tenancy_migrations (step, oldest, made_at) VALUES (998, ?1, 0)";
    place.stranger().execute(newer, [newest]).unwrap();
    acme(&tenancy);
    acme(&place.tenancy()); // who starts now starts
    block_on(place.open().check_schema()).unwrap();

    let newer = "INSERT INTO tenancy_migrations (step, oldest, made_at) VALUES (999, 998, 0)";
    place.stranger().execute(newer, ()).unwrap();
    let refused = SqliteRepository::open(place.path()).unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Schema(SchemaError::Newer { found: 999, oldest: 998, known }) if known == newest
        ),
        "{refused}"
    );
    let refused = block_on(tenancy.repository().check_schema()).unwrap_err();
    assert!(
        matches!(refused, SchemaError::Newer { found: 999, .. }),
        "{refused}"
    );
}

#[test]
fn check_schema_says_what_was_altered() {
    everywhere(|place| {
        let store = place.open();
        block_on(store.check_schema()).unwrap();
        let alter = "DROP INDEX tenancy_members_user";
        place.stranger().execute_batch(alter).unwrap();
        let error = block_on(store.check_schema()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the tables were altered; they should have: create index tenancy_members_user on \
             tenancy_members (user_id, organization_id, role, counts_until, own_role)"
        );
    });
}

#[test]
fn what_is_no_database_is_refused() {
    let place = Disk::new(quick());
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
        let place = Disk::new(quick());
        let tenancy = place.tenancy();
        let acme = acme(&tenancy);
        domain(&tenancy, acme, "acme-api");
        join(&tenancy, acme, "bob", WorkspaceRole::Developer);
        place.stranger().execute_batch(sql).unwrap();
        block_on(tenancy.repository().verify(acme.organization)).unwrap_err()
    };
    let drift = found(
        "UPDATE tenancy_members SET role = 3, record = replace(record, '\"member\",\"email', '\"admin\",\"email') \
         WHERE role = 1",
    );
    assert!(
        matches!(&drift, VerifyError::Drift(Drift::Records { different, .. }) if different.len() == 1),
        "{drift}"
    );
    let drift = found("DELETE FROM tenancy_workspace_members");
    assert!(
        matches!(&drift, VerifyError::Drift(Drift::Records { missing, .. }) if missing.len() == 1),
        "{drift}"
    );
    for altered in [
        "record = replace(record, '\"workspace_quota\":1000', '\"workspace_quota\":7')",
        "status = 2",
        "summary = replace(summary, 'Acme', 'Globex')",
    ] {
        let drift = found(&format!("UPDATE tenancy_organizations SET {altered}"));
        assert!(
            matches!(drift, VerifyError::Drift(Drift::Organization)),
            "{altered}: {drift}"
        );
    }
    for misnamed in [
        "UPDATE tenancy_organization_names SET name_key = 'globex'",
        "DELETE FROM tenancy_organization_names",
    ] {
        let drift = found(misnamed);
        assert!(
            matches!(drift, VerifyError::Drift(Drift::Organization)),
            "{misnamed}: {drift}"
        );
    }
    let drift = found("DELETE FROM tenancy_commits WHERE version = 2");
    assert!(
        matches!(drift, VerifyError::Drift(Drift::Inconsistency(_))),
        "{drift}"
    );
    let drift = found("DELETE FROM tenancy_claims");
    assert!(
        matches!(
            drift,
            VerifyError::Drift(Drift::ClaimLost { holder: None, .. })
        ),
        "{drift}"
    );
    let stolen = "UPDATE tenancy_claims SET organization_id = zeroblob(16)";
    let drift = found(stolen);
    assert!(
        matches!(
            drift,
            VerifyError::Drift(Drift::ClaimLost {
                holder: Some(_),
                ..
            })
        ),
        "{drift}"
    );
    let drift =
        found("INSERT INTO tenancy_claims SELECT 1, 'other', organization_id FROM tenancy_claims");
    assert!(
        matches!(drift, VerifyError::Drift(Drift::ClaimForeign(_))),
        "{drift}"
    );
}

/// Each column by which a record is found, changed alone.
#[test]
fn verify_finds_what_is_kept_under_another_name() {
    for (table, column) in Kind::ALL.into_iter().flat_map(|kind| {
        let columns = kind.key().iter().chain(kind.columns());
        columns.map(move |column| (kind.table(), column))
    }) {
        let place = Disk::new(quick());
        let tenancy = place.tenancy();
        let acme = acme(&tenancy);
        let gone = domain(&tenancy, acme, "acme-gone");
        domain(&tenancy, acme, "acme-api");
        let delete = DeleteDomain {
            organization: acme.organization,
            domain: gone,
        };
        block_on(tenancy.execute(&actor("ann"), delete)).unwrap();
        join(&tenancy, acme, "bob", WorkspaceRole::Developer);
        let store = tenancy.repository();
        block_on(store.verify(acme.organization)).unwrap();
        let other = match column.holds {
            ColumnType::Id => "randomblob(16)",
            ColumnType::Text => "'zz' || hex(randomblob(4))",
            ColumnType::Code | ColumnType::Number => "9",
        };
        let sql = format!("UPDATE tenancy_{table} SET {} = {other}", column.name);
        let rows = place.stranger().execute(&sql, ()).unwrap();
        let verified = block_on(store.verify(acme.organization));
        if rows == 0 {
            assert_eq!(table, "former_members"); // no event makes one yet
            continue;
        }
        assert!(
            matches!(verified, Err(VerifyError::Drift(Drift::Misfiled(_)))),
            "{sql}: {verified:?}"
        );
    }
}

#[test]
fn an_unreadable_row_is_named() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    let vandal = place.stranger();
    vandal
        .execute_batch("UPDATE tenancy_members SET record = replace(record, 'admin', 'emperor')")
        .unwrap();
    let store = tenancy.repository();
    let keys = [Key::Person(user("ann"))];
    let error = block_on(store.load(acme.organization, &keys)).unwrap_err();
    let ann = user("ann");
    let said = format!(
        "a row of `tenancy_members`: {}, {ann} has an unreadable `record`",
        acme.organization
    );
    assert_eq!(error.to_string(), said);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("unknown variant `emperor`"), "{source}");
    let error = block_on(store.verify(acme.organization)).unwrap_err();
    assert_eq!(error.to_string(), said);
    // A check reads columns only ...
    let standing = block_on(store.standing(ann, acme.organization.into())).unwrap();
    assert_eq!(
        standing.unwrap().organization_role,
        Some(OrganizationRole::Admin)
    );
    // ... and nothing stays open after an error.
    assert!(
        block_on(store.load(acme.organization, &[]))
            .unwrap()
            .is_some()
    );

    vandal
        .execute_batch("UPDATE tenancy_members SET role = 9")
        .unwrap();
    let error = block_on(store.standing(ann, acme.organization.into())).unwrap_err();
    assert!(error.to_string().contains("unreadable `role`"), "{error}");
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "9 stands for nothing");

    vandal
        .execute_batch("UPDATE tenancy_organizations SET version = 7")
        .unwrap();
    let error = block_on(store.load(acme.organization, &[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "a row of `tenancy_organizations`: {} has an unreadable `record`",
            acme.organization
        )
    );
    vandal
        .execute_batch("UPDATE tenancy_commits SET entry = '{}'")
        .unwrap();
    let list = List::Log {
        organization: acme.organization,
        after: Version::ABSENT,
    };
    // A list goes on past it (A7); who wants to know why asks to verify.
    let listed = block_on(store.list(&list, limit(1))).unwrap();
    assert_eq!(listed, [Item::Unreadable(Place::Version(Version::new(1)))]);
}

/// A name that was let in once and that today's rules refuse is verified, and released (A7, D2).
#[test]
fn a7_a_domain_name_of_other_rules_is_verified_and_released() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    let delete = DeleteDomain {
        organization: acme.organization,
        domain: domain(&tenancy, acme, "ab-shop"),
    };
    block_on(tenancy.execute(&actor("ann"), delete)).unwrap();
    domain(&tenancy, acme, "cd-shop");
    for (table, column) in [
        ("commits", "entry"),
        ("retired_domain_names", "record"),
        ("retired_domain_names", "name"),
        ("domains", "record"),
        ("domains", "name"),
        ("claims", "key"),
    ] {
        let sql =
            format!("UPDATE tenancy_{table} SET {column} = replace({column}, '-shop', '--shop')");
        assert_ne!(place.stranger().execute(&sql, ()).unwrap(), 0, "{sql}");
    }
    let store = tenancy.repository();
    block_on(store.verify(acme.organization)).unwrap();
    let kept = |name| ReleaseDomainName::as_kept(acme.organization, name).unwrap();
    let staff = Actor::Operator(Operator::attest("support".parse().unwrap()));
    block_on(tenancy.execute(&staff, kept("ab--shop"))).unwrap();
    block_on(store.verify(acme.organization)).unwrap();
    let claim = |key| block_on(store.claimed_by(&Claim::from_filed(1, key).unwrap())).unwrap();
    assert_eq!(claim("ab--shop"), None);
    assert_eq!(claim("cd--shop"), Some(acme.organization));
    // It isn't kept any more; and this one is in use.
    for name in ["ab--shop", "cd--shop"] {
        let refused = block_on(tenancy.execute(&staff, kept(name))).unwrap_err();
        assert!(
            matches!(
                refused.refusal(),
                Some(Refusal::DomainNameNotRetired { .. })
            ),
            "{refused}"
        );
    }
}

/// A record that belongs into another table is no record of this one.
#[test]
fn a_record_of_another_kind_is_unreadable() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    place
        .stranger()
        .execute_batch(
            "UPDATE tenancy_members SET record = (SELECT record FROM tenancy_workspaces)",
        )
        .unwrap();
    let store = tenancy.repository();
    let keys = [Key::Person(user("ann"))];
    let error = block_on(store.load(acme.organization, &keys)).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
}

/// A clock that answers with a leap second is told the same by every store.
#[test]
fn a_leap_second_comes_back_as_it_was() {
    let leap: chrono::DateTime<chrono::Utc> = "2016-12-31T23:59:60.500Z".parse().unwrap();
    let place = Disk::new(quick());
    let mut commit = creation("Acme");
    commit.entry.at = leap;
    commit.next.created_at = leap;
    assert_eq!(
        block_on(place.open().commit(&commit)).unwrap(),
        Outcome::Committed
    );
    let reopened = place.open();
    let facts = block_on(reopened.load(commit.organization(), &[])).unwrap();
    assert_eq!(facts.unwrap().organization.created_at, leap);
    assert_eq!(log(&reopened, commit.organization())[0].at, leap);
}

/// What a host reads with its own SQL.
#[test]
fn views_show_what_people_can_read() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-api");
    join(&tenancy, acme, "bob", WorkspaceRole::Developer);
    let rows = |sql: &str| -> Vec<String> {
        let connection = place.stranger();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map((), |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let shown = "SELECT format('%s %s %s', m.role, m.email, m.since = o.created_at) \
        FROM tenancy_members_view m JOIN tenancy_organizations_view o ON o.id = m.organization_id \
        ORDER BY m.email";
    assert_eq!(
        rows(shown),
        ["admin ann@acme.example 1", "member bob@acme.example 0"]
    );
    let shown = "SELECT format('%s %s', o.name, o.status) FROM tenancy_organizations_view o";
    assert_eq!(rows(shown), ["Acme active"]);
    let shown =
        "SELECT format('%s %s %s', w.name, w.domains, w.members) FROM tenancy_workspaces_view w";
    assert_eq!(rows(shown), ["Acme 1 1"]);
    let shown = "SELECT wm.role FROM tenancy_workspace_members_view wm";
    assert_eq!(rows(shown), ["developer"]);
    let shown = "SELECT format('%s %s %s', d.name, d.kind, d.status) FROM tenancy_domains_view d";
    assert_eq!(rows(shown), ["acme-api sandbox active"]);
    let shown =
        "SELECT format('%s %s %s', i.email, i.role, i.state) FROM tenancy_invitations_view i";
    assert_eq!(rows(shown), ["bob@acme.example developer accepted"]);
    let shown = "SELECT c.command FROM tenancy_commits_view c ORDER BY c.version LIMIT 2";
    assert_eq!(rows(shown), ["create_organization", "create_domain"]);
    // Every view of every table has every column filled for something that is there, but for an end (T3) and a role of
    // the organization's own (R2), which nobody here has.
    for view in rows("SELECT name FROM sqlite_schema WHERE type = 'view'") {
        let connection = place.stranger();
        let mut statement = connection
            .prepare(&format!("SELECT * FROM {view}"))
            .unwrap();
        let columns = statement.column_count();
        let unset = ["until", "own_role"];
        let unset: Vec<_> = unset
            .iter()
            .filter_map(|name| statement.column_index(name).ok())
            .collect();
        let mut found = statement.query(()).unwrap();
        while let Some(row) = found.next().unwrap() {
            for column in (0..columns).filter(|column| !unset.contains(column)) {
                let value = row.get_ref(column).unwrap();
                assert_ne!(value, rusqlite::types::ValueRef::Null, "{view} {column}");
            }
        }
    }
}

#[test]
fn a_commit_that_contradicts_itself_is_not_written() {
    let place = Disk::new(quick());
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

/// What is certain is said: then nobody is told that a commit may have been made.
#[test]
fn the_store_says_when_nothing_was_written() {
    let place = Disk::new(quick());
    let store = place.open();
    let failed = |code| {
        let error = rusqlite::ffi::Error::new(code);
        Error::Sqlite(rusqlite::Error::SqliteFailure(error, None))
    };
    assert!(store.wrote_nothing(&failed(rusqlite::ffi::SQLITE_READONLY)));
    assert!(store.wrote_nothing(&failed(rusqlite::ffi::SQLITE_READONLY_DBMOVED)));
    assert!(store.wrote_nothing(&Error::InvalidCommit("it has no room")));
    assert!(!store.wrote_nothing(&failed(rusqlite::ffi::SQLITE_IOERR)));
    assert!(!store.wrote_nothing(&Error::Stopped));
}
