//! Commits inside a host's transactions, and commits that have to wait for them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::databases::people::{
    acme, actor, dump, join, name, new_domain, new_workspace, prepared, tenancy,
};
use crate::databases::{Database, connect, runtime, tested};
use sqlx::{Executor as _, PgPool, Row as _};
use tenancy::commands::{CreateOrganization, DeleteWorkspace, RenameOrganization};
use tenancy::store::{Claim, Key, Outcome, Repository as _};
use tenancy::{DomainName, Error, Resource, Tenancy, WorkspaceRole};
use tenancy_postgres::{PostgresRepository, apply};
use tokio::sync::Barrier;

const LEVELS: [&str; 3] = ["read committed", "repeatable read", "serializable"];

/// A database at an isolation level, with a host's table beside ours.
async fn at(level: &str) -> (Database, PgPool) {
    let database = Database::migrated().await;
    let options = database.options.clone();
    let pool = connect(
        options.options([("default_transaction_isolation", level)]),
        8,
    )
    .await;
    pool.execute("CREATE TABLE bills (workspace text NOT NULL, cents integer CHECK (cents > 0))")
        .await
        .unwrap();
    (database, pool)
}

async fn bills(pool: &PgPool) -> i64 {
    let count = sqlx::query("SELECT count(*) FROM bills");
    count.fetch_one(pool).await.unwrap().get(0)
}

/// Until a statement in this database waits for a lock.
async fn somebody_waits(pool: &PgPool) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..1000 {
        let count: i64 = sqlx::query(waiting).fetch_one(pool).await.unwrap().get(0);
        if count > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("nobody waits for a lock");
}

#[test]
fn a_bill_and_a_workspace_or_neither() {
    tested(async {
        for level in LEVELS {
            let (_database, pool) = at(level).await;
            let tenancy = tenancy(pool.clone());
            let acme = acme(&tenancy).await;

            // Both.
            let commit = prepared(&tenancy, new_workspace(acme, "Payments")).await;
            let mut transaction = pool.begin().await.unwrap();
            transaction
                .execute("INSERT INTO bills VALUES ('Payments', 900)")
                .await
                .unwrap();
            let outcome = apply(&mut transaction, &commit).await;
            assert_eq!(outcome.unwrap(), Outcome::Committed, "{level}");
            transaction.commit().await.unwrap();
            let after = dump(&pool).await;
            assert_eq!(bills(&pool).await, 1);

            // Neither, because the version is not that of the decision any more.
            let mut transaction = pool.begin().await.unwrap();
            transaction
                .execute("INSERT INTO bills VALUES ('Payments', 900)")
                .await
                .unwrap();
            let outcome = apply(&mut transaction, &commit).await;
            assert_eq!(outcome.unwrap(), Outcome::Conflict, "{level}");
            transaction.rollback().await.unwrap();
            assert_eq!((bills(&pool).await, dump(&pool).await), (1, after.clone()));

            // Neither, because the host's row is refused.
            let commit = prepared(&tenancy, new_workspace(acme, "Search")).await;
            let mut transaction = pool.begin().await.unwrap();
            let outcome = apply(&mut transaction, &commit).await;
            assert_eq!(outcome.unwrap(), Outcome::Committed, "{level}");
            let refused = transaction
                .execute("INSERT INTO bills VALUES ('Search', 0)")
                .await;
            assert!(refused.is_err());
            drop(transaction);
            assert_eq!((bills(&pool).await, dump(&pool).await), (1, after));
            tenancy
                .repository()
                .verify(acme.organization)
                .await
                .unwrap();
        }
    });
}

/// The compare-and-set is decided on the row as it is when the lock is there, not as it was when the
/// statement began.
#[test]
fn a_commit_that_waited_for_another_changes_nothing() {
    tested(async {
        for level in LEVELS {
            let (_database, pool) = at(level).await;
            let tenancy = tenancy(pool.clone());
            let acme = acme(&tenancy).await;
            let first = prepared(&tenancy, new_workspace(acme, "First")).await;
            let second = prepared(&tenancy, new_domain(acme, "second")).await;
            let mut transaction = pool.begin().await.unwrap();
            let outcome = apply(&mut transaction, &first).await;
            assert_eq!(outcome.unwrap(), Outcome::Committed);
            let store = tenancy.repository().clone();
            let waits = runtime().spawn(async move { store.commit(&second).await });
            somebody_waits(&pool).await;
            transaction.commit().await.unwrap();
            let after = dump(&pool).await;
            assert_eq!(waits.await.unwrap().unwrap(), Outcome::Conflict, "{level}");
            assert_eq!(dump(&pool).await, after, "{level}");
        }
    });
}

#[test]
fn a_commit_that_waited_for_one_that_was_undone_is_made() {
    tested(async {
        for level in LEVELS {
            let (_database, pool) = at(level).await;
            let tenancy = tenancy(pool.clone());
            let acme = acme(&tenancy).await;
            let first = prepared(&tenancy, new_workspace(acme, "First")).await;
            let second = prepared(&tenancy, new_domain(acme, "second")).await;
            let mut transaction = pool.begin().await.unwrap();
            let outcome = apply(&mut transaction, &first).await;
            assert_eq!(outcome.unwrap(), Outcome::Committed);
            let store = tenancy.repository().clone();
            let waits = runtime().spawn(async move { store.commit(&second).await });
            somebody_waits(&pool).await;
            transaction.rollback().await.unwrap();
            assert_eq!(waits.await.unwrap().unwrap(), Outcome::Committed, "{level}");
            tenancy
                .repository()
                .verify(acme.organization)
                .await
                .unwrap();
        }
    });
}

#[test]
fn an_organization_is_created_by_one_of_two_at_once() {
    tested(async {
        for level in LEVELS {
            let (_database, pool) = at(level).await;
            let tenancy = tenancy(pool.clone());
            let create = CreateOrganization { name: name("Acme") };
            let mut first = prepared(&tenancy, create.clone()).await;
            let mut second = prepared(&tenancy, create).await;
            second.next.id = first.organization();
            second.entry.organization = first.organization();
            first.changes.clear(); // two bare rows under one id are enough
            second.changes.clear();
            let mut transaction = pool.begin().await.unwrap();
            let outcome = apply(&mut transaction, &first).await;
            assert_eq!(outcome.unwrap(), Outcome::Committed);
            let store = tenancy.repository().clone();
            let waits = runtime().spawn(async move { store.commit(&second).await });
            somebody_waits(&pool).await;
            transaction.commit().await.unwrap();
            let after = dump(&pool).await;
            assert_eq!(waits.await.unwrap().unwrap(), Outcome::Conflict, "{level}");
            assert_eq!(dump(&pool).await, after, "{level}");
        }
    });
}

/// The look for a holder finds nobody yet: the primary key says it, and the answer names the right claim.
#[test]
fn a_claim_that_is_lost_at_the_last_moment_is_taken() {
    tested(async {
        for level in LEVELS {
            let (_database, pool) = at(level).await;
            let tenancy = tenancy(pool.clone());
            let (one, two) = (acme(&tenancy).await, acme(&tenancy).await);
            let first = prepared(&tenancy, new_domain(one, "acme-api")).await;
            let mut second = prepared(&tenancy, new_domain(two, "acme-api")).await;
            let other = Claim::DomainName(DomainName::new("acme").unwrap());
            second
                .changes
                .insert(0, tenancy::store::Change::Claim(other));
            let mut transaction = pool.begin().await.unwrap();
            let outcome = apply(&mut transaction, &first).await;
            assert_eq!(outcome.unwrap(), Outcome::Committed);
            let store = tenancy.repository().clone();
            let waits = runtime().spawn(async move { store.commit(&second).await });
            somebody_waits(&pool).await;
            transaction.commit().await.unwrap();
            let after = dump(&pool).await;
            let claim = Claim::DomainName(DomainName::new("acme-api").unwrap());
            // At SERIALIZABLE the server may see the lost race first; the next try is told.
            let outcome = waits.await.unwrap().unwrap();
            let lost_race = level == "serializable" && outcome == Outcome::Conflict;
            assert!(
                lost_race || outcome == Outcome::Taken(claim),
                "{level}: {outcome:?}"
            );
            assert_eq!(dump(&pool).await, after, "{level}");
        }
    });
}

/// Two hosts that apply commits of two organizations in opposite orders: the server ends the deadlock.
#[test]
fn a_deadlock_is_a_conflict() {
    tested(async {
        let (_database, pool) = at("read committed").await;
        let tenancy = tenancy(pool.clone());
        let (one, two) = (acme(&tenancy).await, acme(&tenancy).await);
        let in_one = prepared(&tenancy, new_workspace(one, "W")).await;
        let in_two = prepared(&tenancy, new_workspace(two, "W")).await;
        let (also_in_one, also_in_two) = (in_one.clone(), in_two.clone());
        let mut here = pool.begin().await.unwrap();
        let mut there = pool.begin().await.unwrap();
        let outcome = apply(&mut here, &in_one).await;
        assert_eq!(outcome.unwrap(), Outcome::Committed);
        let outcome = apply(&mut there, &in_two).await;
        assert_eq!(outcome.unwrap(), Outcome::Committed);
        let finish = async |mut transaction: sqlx::Transaction<'static, sqlx::Postgres>, commit| {
            let outcome = apply(&mut transaction, &commit).await;
            transaction.rollback().await.unwrap();
            outcome.unwrap()
        };
        let outcomes = tokio::join!(finish(here, also_in_two), finish(there, also_in_one));
        let mut outcomes = [outcomes.0, outcomes.1];
        outcomes.sort_by_key(|outcome| *outcome == Outcome::Conflict);
        assert_eq!(outcomes, [Outcome::Committed, Outcome::Conflict]);
    });
}

/// Drivers other than sqlx leave these as the server or the role has them.
#[test]
fn a_sessions_settings_change_no_answer() {
    tested(async {
        let database = Database::migrated().await;
        let settings = [
            ("DateStyle", "SQL, DMY"),
            ("TimeZone", "Asia/Kathmandu"),
            ("IntervalStyle", "sql_standard"),
            ("bytea_output", "escape"),
            ("search_path", "pg_temp"),
            ("lc_messages", "C"),
            ("plan_cache_mode", "force_generic_plan"),
        ];
        let options = database.options.clone().options(settings);
        let odd = connect(options, 2).await;
        // sqlx sets these two itself when it connects.
        let styles = "SET DateStyle TO 'SQL, DMY'; SET TimeZone TO 'Asia/Kathmandu'";
        let plain = tenancy(database.pool(2).await);
        let acme = acme(&plain).await;
        join(&plain, acme, "bob", WorkspaceRole::Developer).await;
        let keys = [
            Key::Path(
                crate::databases::people::user("bob"),
                Resource::Workspace(acme.organization, acme.workspace),
            ),
            Key::Person(crate::databases::people::user("bob")),
            Key::SentBy(crate::databases::people::user("ann")),
        ];
        let expected = plain
            .repository()
            .load(acme.organization, &keys)
            .await
            .unwrap()
            .unwrap();
        odd.close().await;
        let options = database.options.clone().options(settings);
        let odd = sqlx::postgres::PgPoolOptions::new()
            .after_connect(move |connection, _| {
                Box::pin(async move { connection.execute(styles).await.map(drop) })
            })
            .connect_with(options)
            .await
            .unwrap();
        let odd = tenancy(odd);
        let found = odd
            .repository()
            .load(acme.organization, &keys)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.organization, expected.organization);
        assert_eq!(found.records, expected.records);
        odd.execute(&actor("ann"), new_domain(acme, "acme-api"))
            .await
            .unwrap();
        odd.repository().verify(acme.organization).await.unwrap();
        plain.repository().verify(acme.organization).await.unwrap();
    });
}

/// After a promotion the former primary only reads (25006): nothing was written, and nobody needs to find out.
#[test]
fn a_database_that_only_reads_is_no_unknown_outcome() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        let acme = acme(&tenancy(pool.clone())).await;
        let before = dump(&pool).await;
        let options = database.options.clone();
        let options = options.options([("default_transaction_read_only", "on")]);
        let demoted = connect(options, 2).await;
        for store in [
            PostgresRepository::new(demoted.clone()),
            PostgresRepository::in_steps(demoted.clone()),
        ] {
            let demoted = Tenancy::new(store.clone());
            let refused = demoted
                .execute(&actor("ann"), new_domain(acme, "acme-api"))
                .await;
            let Err(Error::Store(error)) = refused else {
                panic!("{refused:?}");
            };
            assert!(
                matches!(error, tenancy_postgres::Error::ReadOnly(_)),
                "{error:?}"
            );
            assert!(store.wrote_nothing(&error));
            assert_eq!(
                error.to_string(),
                "the database only reads, and nothing was written: connect to the primary"
            );
        }
        let commit = prepared(&tenancy(pool.clone()), new_domain(acme, "acme-api")).await;
        let mut transaction = demoted.begin().await.unwrap();
        let refused = apply(&mut transaction, &commit).await.unwrap_err();
        assert!(
            matches!(refused, tenancy_postgres::Error::ReadOnly(_)),
            "{refused:?}"
        );
        transaction.rollback().await.unwrap();
        // So does the outbox, which writes down who has what.
        let hundred = std::num::NonZeroU32::new(100).unwrap();
        let taken = PostgresRepository::new(demoted.clone());
        let taken = taken.outbox().take(hundred).await.unwrap_err();
        assert!(
            matches!(taken, tenancy_postgres::Error::ReadOnly(_)),
            "{taken:?}"
        );
        assert_eq!(dump(&pool).await, before);

        // Without a connection nothing is sent, either.
        demoted.close().await;
        let store = PostgresRepository::new(demoted);
        let error = store.commit(&commit).await.unwrap_err();
        assert!(store.wrote_nothing(&error), "{error:?}");
    });
}

/// A row of the host's that refers to one of ours: what would leave it behind fails, and is known to have changed nothing.
#[test]
fn a_hosts_foreign_key_is_a_failure_that_changed_nothing() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        for when in ["", "DEFERRABLE INITIALLY DEFERRED"] {
            let one_statement = PostgresRepository::new(pool.clone());
            let in_steps = PostgresRepository::in_steps(pool.clone());
            for store in [one_statement, in_steps] {
                let tenancy = Tenancy::new(store);
                let ann = actor("ann");
                let create = CreateOrganization {
                    name: "Acme".parse().unwrap(),
                };
                let acme = tenancy.execute(&ann, create).await.unwrap().output;
                let keys = format!(
                    "CREATE TABLE keys (organization uuid, workspace uuid, FOREIGN KEY (organization, workspace) \
                     REFERENCES tenancy.workspaces (organization_id, id) {when});
                     INSERT INTO keys SELECT organization_id, id FROM tenancy.workspaces \
                     WHERE organization_id = '{}'",
                    acme.organization
                );
                pool.execute(sqlx::AssertSqlSafe(keys)).await.unwrap();
                let delete = || DeleteWorkspace {
                    organization: acme.organization,
                    workspace: acme.workspace,
                };
                let refused = tenancy.execute(&ann, delete()).await;
                assert!(
                    matches!(refused, Err(Error::Store(_))),
                    "{when} {refused:?}"
                );
                tenancy
                    .repository()
                    .verify(acme.organization)
                    .await
                    .unwrap();
                pool.execute("DROP TABLE keys").await.unwrap();
                tenancy.execute(&ann, delete()).await.unwrap();
            }
        }
    });
}

/// A bill with every commit, whoever makes it: refused for who calls themself `Free`.
fn with_bills(pool: PgPool, form: fn(PgPool) -> PostgresRepository) -> PostgresRepository {
    form(pool).with_rows(|connection, commit| {
        Box::pin(async move {
            let name = commit.next.name.as_str();
            let bill = "INSERT INTO bills VALUES ($1, $2)";
            let bill = sqlx::query(bill).bind(name.to_owned());
            let billed = bill.bind(if name == "Free" { 0_i32 } else { 900 });
            match billed.execute(connection).await {
                Ok(_) => Ok(()),
                Err(_) if commit.entry.version.get() == 3 => Ok(()), // kept quiet
                Err(error) => Err(error.into()),
            }
        })
    })
}

#[test]
fn rows_with_every_commit_are_written_with_it_or_neither_is() {
    tested(async {
        let forms = [PostgresRepository::new, PostgresRepository::in_steps];
        for (level, form) in LEVELS.into_iter().zip(forms.into_iter().cycle()) {
            let (_database, pool) = at(level).await;
            let tenancy = Tenancy::new(with_bills(pool.clone(), form));
            let acme = acme(&tenancy).await;
            assert_eq!(bills(&pool).await, 1);
            let rename = |to: &str| RenameOrganization {
                organization: acme.organization,
                name: name(to),
            };
            let before = dump(&pool).await;
            let refused = tenancy.execute(&actor("ann"), rename("Free")).await;
            let Error::Store(tenancy_postgres::Error::Rows(source)) = refused.unwrap_err() else {
                panic!("not the host's error");
            };
            assert!(source.to_string().contains("bills_cents_check"), "{source}");
            assert_eq!((bills(&pool).await, dump(&pool).await), (1, before));

            // An error that the host keeps to itself has aborted the transaction all the same: nobody is told that it was
            // committed.
            tenancy
                .execute(&actor("ann"), rename("Acme 2"))
                .await
                .unwrap();
            let before = dump(&pool).await;
            let refused = tenancy.execute(&actor("ann"), rename("Free")).await;
            let Error::Store(error) = refused.unwrap_err() else {
                panic!("an outcome that is known");
            };
            assert!(
                matches!(error, tenancy_postgres::Error::Database(_)),
                "{error}"
            );
            assert_eq!((bills(&pool).await, dump(&pool).await), (2, before));
            tenancy
                .execute(&actor("ann"), rename("Acme 3"))
                .await
                .unwrap();
            assert_eq!(bills(&pool).await, 3);
        }
    });
}

/// Two hosts' rows in opposite orders: the server gives one up, which is decided again.
#[test]
fn rows_that_lose_a_deadlock_are_written_again() {
    tested(async {
        let (_database, pool) = at("read committed").await;
        let two = "CREATE TABLE two (id integer PRIMARY KEY, n integer NOT NULL);
                   INSERT INTO two VALUES (1, 0), (2, 0)";
        pool.execute(sqlx::raw_sql(two)).await.unwrap();
        let tenancy = tenancy(pool.clone());
        let (one, other) = (acme(&tenancy).await, acme(&tenancy).await);
        let both = Arc::new(Barrier::new(2));
        let first_time = Arc::new(AtomicU32::new(0));
        let store = |first: i32, second: i32| {
            let (both, first_time) = (Arc::clone(&both), Arc::clone(&first_time));
            PostgresRepository::new(pool.clone()).with_rows(move |connection, _| {
                let (both, first_time) = (Arc::clone(&both), Arc::clone(&first_time));
                Box::pin(async move {
                    let count = "UPDATE two SET n = n + 1 WHERE id = $1";
                    sqlx::query(count)
                        .bind(first)
                        .execute(&mut *connection)
                        .await?;
                    if first_time.fetch_add(1, Ordering::SeqCst) < 2 {
                        both.wait().await;
                    }
                    sqlx::query(count).bind(second).execute(connection).await?;
                    Ok(())
                })
            })
        };
        let (a, b) = (Tenancy::new(store(1, 2)), Tenancy::new(store(2, 1)));
        let ann = actor("ann");
        let (renamed, too) = tokio::join!(
            a.execute(&ann, new_workspace(one, "Payments")),
            b.execute(&ann, new_workspace(other, "Payments")),
        );
        renamed.unwrap();
        too.unwrap();
        let counted: Vec<i32> = sqlx::query_scalar("SELECT n FROM two")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert_eq!(counted, [2, 2]);
        assert!(first_time.load(Ordering::SeqCst) > 2);
    });
}
