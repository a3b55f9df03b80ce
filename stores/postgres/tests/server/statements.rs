//! The texts that are made of parts: each part by itself is a statement that the server takes, and every kind of
//! record is put, found and deleted by the text made for it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::databases::people::{acme, email, prepared, tenancy, user};
use crate::databases::{Database, tested};
use sqlx::{AssertSqlSafe, Executor as _, PgPool, Row as _, SqlStr};
use tenancy::commands::RenameOrganization;
use tenancy::store::{
    Change, Claim, Commit, Directory as _, FormerMember, Kind, Later, Outcome, Record, RecordId,
    Repository as _,
};
use tenancy::{CommitId, DomainName, OrganizationId, Version, WorkspaceId};
use tenancy_postgres::PostgresRepository;
use tenancy_postgres::statements::{self, StoredRow};

/// A record of each kind: the library's golden files, how every record looks in JSON, for ever.
fn records() -> Vec<Record> {
    let golden = [
        include_str!("../../../../tests/golden/records/member.json"),
        include_str!("../../../../tests/golden/records/workspace-invoiced.json"),
        include_str!("../../../../tests/golden/records/workspace_member.json"),
        include_str!("../../../../tests/golden/records/domain.json"),
        include_str!("../../../../tests/golden/records/retired_domain_name.json"),
        include_str!("../../../../tests/golden/records/invitation-to_a_workspace.json"),
        include_str!("../../../../tests/golden/records/former_member.json"),
    ];
    let records: Vec<Record> = golden
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let kinds: Vec<Kind> = records.iter().map(|record| record.id().kind()).collect();
    assert_eq!(kinds, Kind::ALL);
    records
}

fn claim() -> Claim {
    Claim::DomainName(DomainName::new("acme-api").unwrap())
}

/// A commit of an organization that has one, with other changes.
fn with(commit: &Commit, changes: &[Change]) -> Commit {
    let mut commit = commit.clone();
    commit.changes = changes.to_vec();
    commit.entry.id = CommitId::new();
    commit
}

/// The next commit after one.
fn next(commit: &Commit, changes: &[Change]) -> Commit {
    let mut next = with(commit, changes);
    next.expected = commit.next.version;
    next.next.version = next.expected.next();
    next.entry.version = next.next.version;
    next
}

async fn renamed(pool: &PgPool) -> Commit {
    let tenancy = tenancy(pool.clone());
    let command = RenameOrganization {
        organization: acme(&tenancy).await.organization,
        name: crate::databases::people::name("Acme & Co"),
    };
    prepared(&tenancy, command).await
}

#[test]
fn every_part_by_itself_can_be_prepared() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(1).await;
        let advances = renamed(&pool).await;
        let mut creates = advances.clone();
        creates.expected = Version::ABSENT;
        let records = records();
        let puts = records.iter().map(|record| Change::Put(record.clone()));
        let deletes = records.iter().map(|record| Change::Delete(record.id()));
        let claims = [Change::Claim(claim()), Change::Release(claim())];
        let changes: Vec<Change> = puts.chain(deletes).chain(claims).collect();
        let mut sets: Vec<&[Change]> = changes.chunks(1).collect();
        sets.extend([&[][..], &changes]);
        let mut texts = std::collections::BTreeSet::new();
        for commit in [&advances, &creates] {
            for changes in &sets {
                let commit = with(commit, changes);
                texts.insert(statements::commit(&commit).text);
                let steps = statements::commit_in_steps(&commit);
                texts.insert(steps.turn.text);
                texts.extend(steps.rest.iter().map(|step| step.text));
            }
        }
        assert!(texts.len() > 2 * 16, "a text for each shape");
        let mut connection = pool.acquire().await.unwrap();
        for text in texts {
            let prepared = connection.prepare(SqlStr::from_static(text)).await;
            assert!(prepared.is_ok(), "{prepared:?}\n{text}");
        }
    });
}

/// A text says nothing of what the commit doesn't change, and is the same for every commit of its shape.
#[test]
fn a_text_has_the_parts_that_its_commit_needs() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(1).await;
        let rename = renamed(&pool).await;
        let text = statements::commit(&rename).text;
        for kind in Kind::ALL {
            assert!(
                !text.contains(&format!("tenancy.{} ", kind.table())),
                "{text}"
            );
        }
        assert!(!text.contains("claims"), "{text}");
        let again = statements::commit(&with(&rename, &[])).text;
        assert!(std::ptr::eq(text, again));
        for record in records() {
            let kind = record.id().kind();
            let put = statements::commit(&with(&rename, &[Change::Put(record)])).text;
            for other in Kind::ALL {
                let mentioned = put.contains(&format!("INTO tenancy.{} ", other.table()));
                assert_eq!(mentioned, other == kind, "{put}");
            }
        }
    });
}

async fn kept(pool: &PgPool, id: OrganizationId) -> Vec<Record> {
    let statement = statements::everything(id);
    let rows = sqlx::query(statement.text)
        .bind(id.as_uuid())
        .fetch_all(pool)
        .await
        .unwrap();
    let rows = rows.iter().map(|row| StoredRow {
        table: row.get(0),
        filed: row.get(1),
        record: row.get(2),
    });
    let stored = statements::stored(id, rows).unwrap();
    assert_eq!(stored.misfiled, []);
    let mut records: Vec<_> = stored.state.records().collect();
    records.sort_by_key(Record::id);
    records
}

#[test]
fn every_kind_is_put_found_and_deleted() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        for store in [
            PostgresRepository::new(pool.clone()),
            PostgresRepository::in_steps(pool.clone()),
        ] {
            let mut commit = renamed(&pool).await;
            let id = commit.organization();
            let before = kept(&pool, id).await;
            let mut records = records();
            let of_a_workspace =
                include_str!("../../../../tests/golden/records/former_member-of_a_workspace.json");
            records.push(serde_json::from_str(of_a_workspace).unwrap());
            let puts: Vec<_> = records.iter().cloned().map(Change::Put).collect();
            commit.changes = [&puts[..], &[Change::Claim(claim())]].concat();
            assert_eq!(store.commit(&commit).await.unwrap(), Outcome::Committed);
            let mut expected = [&before[..], &records].concat();
            expected.sort_by_key(Record::id);
            assert_eq!(kept(&pool, id).await, expected);
            assert_eq!(store.claimed_by(&claim()).await.unwrap(), Some(id));

            // Put again, changed: the row is replaced as a whole, its columns too.
            let mut changed = records.clone();
            for record in &mut changed {
                match record {
                    Record::Member(member) => member.email = email("ann@elsewhere.example"),
                    Record::Domain(domain) => domain.status = tenancy::DomainStatus::Deactivated,
                    Record::Workspace(workspace) => {
                        workspace.name = crate::databases::people::name("Ledger");
                        workspace.name_key = workspace.name.key();
                        workspace.invoicing = None;
                    }
                    _ => {}
                }
            }
            let puts: Vec<_> = changed.iter().cloned().map(Change::Put).collect();
            let commit = next(&commit, &puts);
            assert_eq!(store.commit(&commit).await.unwrap(), Outcome::Committed);
            let mut expected = [&before[..], &changed].concat();
            expected.sort_by_key(Record::id);
            assert_eq!(kept(&pool, id).await, expected);

            let ids: Vec<RecordId> = records.iter().map(Record::id).collect();
            let deletes: Vec<_> = ids.into_iter().map(Change::Delete).collect();
            let release = [&deletes[..], &[Change::Release(claim())]].concat();
            let commit = next(&commit, &release);
            assert_eq!(store.commit(&commit).await.unwrap(), Outcome::Committed);
            assert_eq!(kept(&pool, id).await, before);
            assert_eq!(store.claimed_by(&claim()).await.unwrap(), None);
        }
    });
}

/// What one record gives up another takes, in one commit.
#[test]
fn a_name_changes_hands_in_one_commit() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        let store = PostgresRepository::new(pool.clone());
        let mut commit = renamed(&pool).await;
        let id = commit.organization();
        let workspaces = kept(&pool, id).await;
        let Some(Record::Workspace(old)) = workspaces
            .into_iter()
            .find(|record| matches!(record, Record::Workspace(_)))
        else {
            panic!("it has a workspace");
        };
        let mut new = old.clone();
        new.id = WorkspaceId::new();
        commit.changes = vec![
            Change::Put(Record::Workspace(new.clone())),
            Change::Delete(RecordId::Workspace(old.id)),
        ];
        assert_eq!(store.commit(&commit).await.unwrap(), Outcome::Committed);
        let kept = kept(&pool, id).await;
        assert!(kept.contains(&Record::Workspace(new)));
        assert!(!kept.contains(&Record::Workspace(old)));
    });
}

/// A7: `jsonb` would sort a record's fields, write spaces between them and numbers anew.
#[test]
fn a7_records_are_kept_as_they_were_written_letter_by_letter() {
    tested(async {
        for in_steps in [false, true] {
            let database = Database::migrated().await;
            let pool = database.pool(2).await;
            let store = if in_steps {
                PostgresRepository::in_steps(pool.clone())
            } else {
                PostgresRepository::new(pool.clone())
            };
            let mut commit = renamed(&pool).await;
            let mut written = Vec::new();
            for record in records() {
                let text = serde_json::to_string(&record).unwrap();
                let later =
                    r#""of_the_future":{"z":1e300,"a":[-0.0,1.50,1e-7,"\u0001\u00e9\""]}}}"#;
                let text = format!("{},{later}", text.strip_suffix("}}").unwrap());
                let record: Record = serde_json::from_str(&text).unwrap();
                let text = serde_json::to_string(&record).unwrap();
                written.push((record.id().kind().table(), text));
                commit.changes.push(Change::Put(record));
            }
            assert_eq!(store.commit(&commit).await.unwrap(), Outcome::Committed);
            for (table, text) in written {
                let question = format!("SELECT record::text FROM tenancy.{table}");
                let rows = sqlx::query(AssertSqlSafe(question));
                let rows = rows.fetch_all(&pool).await.unwrap();
                let kept: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
                assert!(kept.contains(&text), "{text} is kept as {kept:#?}");
            }
        }
    });
}

/// A leap second has no place of its own in most clocks: what was written comes back, to the millisecond.
#[test]
fn a_leap_second_is_kept_as_it_was_written() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        let store = PostgresRepository::new(pool.clone());
        let mut commit = renamed(&pool).await;
        let leap = "2016-12-31T23:59:60.500Z".parse().unwrap();
        let former = Record::FormerMember(FormerMember {
            user: user("bob"),
            workspace: None,
            departed_at: leap,
            departed_in: commit.next.version,
            later: Later::default(),
        });
        commit.entry.at = leap;
        commit.next.created_at = leap;
        commit.changes = vec![Change::Put(former.clone())];
        assert_eq!(store.commit(&commit).await.unwrap(), Outcome::Committed);
        let id = commit.organization();
        let keys = [
            tenancy::store::Key::Person(user("bob")),
            tenancy::store::Key::Commit(commit.id()),
        ];
        let facts = store.load(id, &keys).await.unwrap().unwrap();
        assert_eq!(facts.records, [former]);
        assert_eq!(facts.organization.created_at, leap);
        assert_eq!(facts.committed.unwrap().at, leap);
    });
}
