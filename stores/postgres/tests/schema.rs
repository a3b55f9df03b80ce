//! Migrations, the check at start, and `verify`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod databases;
mod support;

use databases::people::{acme, join, new_domain, tenancy};
use databases::{Database, connect, tested};
use sqlx::{AssertSqlSafe, Executor as _, PgPool, Row as _};
use tenancy::store::{Claim, Drift, RecordId};
use tenancy::{DomainName, OrganizationId, WorkspaceRole};
use tenancy_postgres::{PostgresRepository, SchemaError, VerifyError, migrate};

/// As a service asks it at its start, for either form of a commit.
async fn check_schema(pool: &PgPool) -> Result<(), SchemaError> {
    let one_statement = PostgresRepository::new(pool.clone());
    let in_steps = PostgresRepository::in_steps(pool.clone());
    let answers = [
        one_statement.check_schema().await,
        in_steps.check_schema().await,
    ];
    // Not `Debug`, which shows the first statement that fails: each form has its own.
    let said =
        |answer: &Result<_, SchemaError>| answer.as_ref().map_err(ToString::to_string).copied();
    assert_eq!(said(&answers[0]), said(&answers[1]));
    let [answer, _] = answers;
    answer
}

async fn made(pool: &PgPool) -> i64 {
    let steps = sqlx::query("SELECT count(*) FROM tenancy.migrations");
    steps.fetch_one(pool).await.unwrap().get(0)
}

#[test]
fn migrators_at_once_make_the_tables_once() {
    tested(async {
        let database = Database::empty().await;
        let pool = database.pool(10).await;
        assert!(matches!(
            check_schema(&pool).await,
            Err(SchemaError::Missing)
        ));
        let mut migrators = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let pool = pool.clone();
            migrators.spawn(async move { migrate(&pool).await });
        }
        for result in migrators.join_all().await {
            result.unwrap();
        }
        assert_eq!(made(&pool).await, 1);
        check_schema(&pool).await.unwrap();
        migrate(&pool).await.unwrap();
        assert_eq!(made(&pool).await, 1);
    });
}

/// Also when the default isolation would keep the one who waited from seeing what the other did.
#[test]
fn migrators_at_once_at_serializable() {
    tested(async {
        let database = Database::empty().await;
        let options = database.options.clone();
        let options = options.options([("default_transaction_isolation", "serializable")]);
        let pool = connect(options, 10).await;
        let results = tokio::join!(migrate(&pool), migrate(&pool), migrate(&pool));
        results.0.and(results.1).and(results.2).unwrap();
        assert_eq!(made(&pool).await, 1);
    });
}

#[test]
fn a_migration_that_fails_leaves_nothing() {
    tested(async {
        let database = Database::empty().await;
        let pool = database.pool(2).await;
        // Something of the host's is in the way of the last table.
        pool.execute("CREATE SCHEMA tenancy; CREATE TABLE tenancy.outbox ()")
            .await
            .unwrap();
        assert!(matches!(
            migrate(&pool).await,
            Err(SchemaError::Database(_))
        ));
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'tenancy'";
        let tables: i64 = sqlx::query(tables).fetch_one(&pool).await.unwrap().get(0);
        assert_eq!(tables, 1);
        assert!(matches!(
            check_schema(&pool).await,
            Err(SchemaError::Missing)
        ));
        pool.execute("DROP TABLE tenancy.outbox").await.unwrap();
        migrate(&pool).await.unwrap();
        check_schema(&pool).await.unwrap();
    });
}

#[test]
fn tables_of_another_version_are_refused() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        let newer = "INSERT INTO tenancy.migrations (step) VALUES (7)";
        pool.execute(newer).await.unwrap();
        let known = 1;
        for result in [check_schema(&pool).await, migrate(&pool).await] {
            let Err(SchemaError::Newer { found, known: k }) = result else {
                panic!("{result:?}");
            };
            assert_eq!((found, k), (7, known));
        }
        pool.execute("DELETE FROM tenancy.migrations")
            .await
            .unwrap();
        assert!(matches!(
            check_schema(&pool).await,
            Err(SchemaError::Missing)
        ));
    });
}

#[test]
fn tables_that_somebody_altered_are_refused() {
    tested(async {
        let alterations = [
            "ALTER TABLE tenancy.members DROP COLUMN since CASCADE",
            "ALTER TABLE tenancy.claims RENAME COLUMN key TO name",
            "DROP TABLE tenancy.outbox",
        ];
        let constraints = [
            ("commits", "commits_id", "organization_id, id"),
            ("claims", "claims_pkey", "scope, key"),
            ("members", "members_pkey", "organization_id, user_id"),
        ];
        let database = Database::migrated().await;
        let pool = database.pool(1).await;
        for (table, key, columns) in constraints {
            let alteration = format!("ALTER TABLE tenancy.{table} DROP CONSTRAINT {key}");
            pool.execute(AssertSqlSafe(alteration)).await.unwrap();
            let Err(SchemaError::Unconstrained { constraint }) = check_schema(&pool).await else {
                panic!("{key} is not missed");
            };
            assert_eq!(constraint, key);
            pool.execute(AssertSqlSafe(format!(
                "ALTER TABLE tenancy.{table} ADD CONSTRAINT {key} UNIQUE ({columns})"
            )))
            .await
            .unwrap();
            check_schema(&pool).await.unwrap();
        }
        for alteration in alterations {
            let database = Database::migrated().await;
            let pool = database.pool(1).await;
            check_schema(&pool).await.unwrap();
            pool.execute(alteration).await.unwrap();
            pool.close().await; // a service starts with fresh connections
            let pool = database.pool(1).await;
            let result = check_schema(&pool).await;
            assert!(
                matches!(result, Err(SchemaError::Altered(_))),
                "{alteration}: {result:?}"
            );
        }
    });
}

#[test]
fn a_database_that_cannot_keep_names_is_refused() {
    tested(async {
        let database = Database::in_encoding("SQL_ASCII").await;
        let pool = database.pool(1).await;
        for result in [check_schema(&pool).await, migrate(&pool).await] {
            assert!(
                matches!(&result, Err(SchemaError::Encoding(e)) if e == "SQL_ASCII"),
                "{result:?}"
            );
        }
    });
}

/// What a foreign write does, and what `verify` says.
#[test]
fn foreign_writes_are_found() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let tenancy = tenancy(pool.clone());
        let acme = acme(&tenancy).await;
        let globex = databases::people::acme(&tenancy).await;
        join(&tenancy, acme, "bob", WorkspaceRole::Developer).await;
        let ann = databases::people::actor("ann");
        tenancy
            .execute(&ann, new_domain(acme, "acme-api"))
            .await
            .unwrap();
        tenancy
            .execute(&ann, new_domain(globex, "globex-api"))
            .await
            .unwrap();
        let store = tenancy.repository();
        store.verify(acme.organization).await.unwrap();
        store.verify(globex.organization).await.unwrap();
        store.verify(OrganizationId::new()).await.unwrap();

        let bob = databases::people::user("bob");
        let claim = Claim::DomainName(DomainName::new("acme-api").unwrap());
        let id = acme.organization;
        let found = async |write: String| {
            let mut transaction = pool.begin().await.unwrap();
            let written = transaction.execute(AssertSqlSafe(write)).await.unwrap();
            assert_ne!(written.rows_affected(), 0);
            let text: String = sqlx::query(tenancy_postgres::statements::EVERYTHING)
                .bind(id.as_uuid())
                .fetch_one(&mut *transaction)
                .await
                .unwrap()
                .get(0);
            transaction.rollback().await.unwrap();
            let everything = tenancy_postgres::statements::everything(&text).unwrap();
            everything.verify(id).unwrap_err()
        };
        let lost = found(format!(
            "DELETE FROM tenancy.members WHERE user_id = '{bob}'"
        ))
        .await;
        assert!(
            matches!(&lost, VerifyError::Drift(Drift::Records { missing, .. }) if missing == &[RecordId::Member(bob)]),
            "{lost:?}"
        );
        let promoted = found(format!(
            "UPDATE tenancy.members SET role = 3 WHERE user_id = '{bob}'"
        ))
        .await;
        assert!(
            matches!(&promoted, VerifyError::Drift(Drift::Records { different, .. }) if different == &[RecordId::Member(bob)]),
            "{promoted:?}"
        );
        let counted = found(format!(
            "UPDATE tenancy.organizations SET members = 9 WHERE id = '{id}'"
        ))
        .await;
        assert!(
            matches!(counted, VerifyError::Drift(Drift::Organization)),
            "{counted:?}"
        );
        let forgotten = found(format!(
            "DELETE FROM tenancy.commits WHERE organization_id = '{id}' AND version = 2"
        ))
        .await;
        assert!(
            matches!(forgotten, VerifyError::Drift(Drift::Inconsistency(_))),
            "{forgotten:?}"
        );
        let misfiled = found(format!(
            "UPDATE tenancy.workspaces SET name_key = 'x' WHERE organization_id = '{id}'"
        ))
        .await;
        assert!(
            matches!(&misfiled, VerifyError::Misfiled { record: RecordId::Workspace(w) } if *w == acme.workspace),
            "{misfiled:?}"
        );
        let unclaimed = found("DELETE FROM tenancy.claims WHERE key = 'acme-api'".to_owned()).await;
        assert!(
            matches!(&unclaimed, VerifyError::ClaimLost { claim: c, holder: None } if *c == claim),
            "{unclaimed:?}"
        );
        let stolen = found(format!(
            "UPDATE tenancy.claims SET organization_id = '{}' WHERE key = 'acme-api'",
            globex.organization
        ))
        .await;
        assert!(
            matches!(&stolen, VerifyError::ClaimLost { holder: Some(h), .. } if *h == globex.organization),
            "{stolen:?}"
        );
        let hoarded = found(format!(
            "INSERT INTO tenancy.claims VALUES (1, 'acme-www', '{id}')"
        ))
        .await;
        assert!(
            matches!(hoarded, VerifyError::ClaimForeign { .. }),
            "{hoarded:?}"
        );
    });
}
