//! Migrations, the check at start, and `verify`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::databases::people::{acme, join, new_domain, tenancy};
use crate::databases::{Database, connect, tested};
use sqlx::{AssertSqlSafe, Executor as _, PgPool, Row as _};
use tenancy::store::{Claim, Drift, RecordId};
use tenancy::{DomainName, OrganizationId, WorkspaceRole};
use tenancy_postgres::statements::{self, StoredRow};
use tenancy_postgres::{PostgresRepository, SchemaError, migrate, migrate_within};

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
        assert_eq!(made(&pool).await, 2);
        check_schema(&pool).await.unwrap();
        migrate(&pool).await.unwrap();
        assert_eq!(made(&pool).await, 2);
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
        assert_eq!(made(&pool).await, 2);
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
fn tables_that_this_version_cannot_live_with_are_refused() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        let newer = "INSERT INTO tenancy.migrations (step, oldest) VALUES (7, 3)";
        pool.execute(newer).await.unwrap();
        for result in [check_schema(&pool).await, migrate(&pool).await] {
            let Err(SchemaError::Newer {
                found,
                oldest,
                known,
            }) = result
            else {
                panic!("{result:?}");
            };
            assert_eq!((found, oldest, known), (7, 3, 2));
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

/// As the library folds them, where their summary can be read; a name in ASCII also where a host runs the steps itself.
#[test]
fn organizations_of_before_are_filed_under_their_names() {
    tested(async {
        let made = [
            ("Acme", "acme", "acme"),
            ("STRASSENBAU  Süd", "strassenbau  süd", "strassenbau süd"),
            ("Straße", "straße", "strasse"),
        ];
        for by_itself in [false, true] {
            let database = Database::empty().await;
            let pool = database.pool(1).await;
            let first = statements::MIGRATIONS.first().unwrap();
            let before = "CREATE SCHEMA tenancy; CREATE TABLE tenancy.migrations
                (step integer PRIMARY KEY, oldest integer NOT NULL, made_at timestamptz NOT NULL DEFAULT now());
                INSERT INTO tenancy.migrations (step, oldest) VALUES (1, 1)";
            pool.execute(before).await.unwrap();
            pool.execute(first.sql).await.unwrap();
            let insert = "INSERT INTO tenancy.organizations (id, version, status, summary, record)
                VALUES ($1, 1, 1, $2::text::json, '{}')";
            let summaries = made.map(|(name, ..)| {
                serde_json::json!({
                    "id": OrganizationId::new(), "version": 1, "status": "active", "name": name, "admins": 1,
                    "created_at": "2026-11-23T12:00:00.123Z",
                })
            });
            let unreadable = serde_json::json!({"admins": 1});
            // More than are read at a time.
            for (number, summary) in
                (1_u128..).zip(summaries.into_iter().chain(vec![unreadable; 1_500]))
            {
                let id = uuid::Uuid::from_u128(number << 64);
                let row = sqlx::query(insert).bind(id).bind(summary.to_string());
                row.execute(&pool).await.unwrap();
            }
            if by_itself {
                migrate(&pool).await.unwrap();
                check_schema(&pool).await.unwrap();
            } else {
                let second = statements::MIGRATIONS.get(1).unwrap();
                pool.execute(second.sql).await.unwrap();
            }
            let names =
                "SELECT name_key FROM tenancy.organizations WHERE name_key IS NOT NULL ORDER BY id";
            let names = sqlx::query(names).fetch_all(&pool).await.unwrap();
            let names: Vec<String> = names.iter().map(|row| row.get(0)).collect();
            let due = made.map(|(_, sql, core)| if by_itself { core } else { sql });
            assert_eq!(names, due);
        }
    });
}

/// What a later version adds doesn't keep this one from starting, or from working.
#[test]
fn an_older_program_starts_on_a_newer_schema_that_it_can_live_with() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        let addition =
            "ALTER TABLE tenancy.members ADD COLUMN suspended boolean NOT NULL DEFAULT false;
            CREATE INDEX ON tenancy.members (suspended);
            CREATE TABLE tenancy.custom_roles (id uuid PRIMARY KEY);
            INSERT INTO tenancy.migrations (step, oldest) VALUES (3, 2)";
        pool.execute(addition).await.unwrap();
        check_schema(&pool).await.unwrap();
        migrate(&pool).await.unwrap();
        let tenancy = tenancy(pool.clone());
        let acme = acme(&tenancy).await;
        join(&tenancy, acme, "bob", WorkspaceRole::Developer).await;
        let store = tenancy.repository();
        store.verify(acme.organization).await.unwrap();
    });
}

/// A host's long transaction on a table of ours, and a migration that needs the table.
#[test]
fn a_migration_does_not_wait_for_a_lock_for_ever() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(3).await;
        let mut transaction = pool.begin().await.unwrap();
        transaction
            .execute("LOCK TABLE tenancy.migrations IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let patience = Duration::from_millis(50);
        let refused = migrate_within(&pool, patience).await.unwrap_err();
        assert!(
            matches!(refused, SchemaError::Locked { waited } if waited == patience),
            "{refused:?}"
        );
        assert_eq!(
            refused.to_string(),
            "a step of the schema `tenancy` waited for a lock for 50 ms, and was given up"
        );
        transaction.rollback().await.unwrap();
        migrate_within(&pool, patience).await.unwrap();
    });
}

/// What would make a commit write more than it says, or less.
#[test]
fn what_no_step_makes_is_refused() {
    tested(async {
        let additions = [
            (
                "CREATE UNIQUE INDEX one_each ON tenancy.members (email_key, organization_id)",
                "unique index members.one_each btree (email_key, organization_id)",
            ),
            (
                "CREATE TABLE users (id uuid PRIMARY KEY);
                 ALTER TABLE tenancy.members ADD CONSTRAINT of_ours FOREIGN KEY (user_id)
                     REFERENCES users (id) ON DELETE CASCADE",
                "foreign key members.of_ours FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE",
            ),
            (
                "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
                 CREATE TRIGGER swallow BEFORE INSERT ON tenancy.claims FOR EACH ROW EXECUTE FUNCTION nothing()",
                "trigger claims.swallow",
            ),
            (
                "ALTER TABLE tenancy.members ADD CONSTRAINT roles CHECK (role < 4)",
                "check members.roles (role < 4)",
            ),
            (
                "CREATE RULE swallow AS ON UPDATE TO tenancy.claims DO INSTEAD NOTHING",
                "rule claims.swallow",
            ),
            (
                "ALTER TABLE tenancy.members ADD CONSTRAINT apart EXCLUDE (email_key WITH =)",
                "exclusion members.apart EXCLUDE USING btree (email_key WITH =)",
            ),
            (
                "ALTER TABLE tenancy.members ADD COLUMN nickname text NOT NULL",
                "column members.nickname text not null",
            ),
            (
                "ALTER TABLE tenancy.members ADD COLUMN number int DEFAULT 1",
                "column members.number integer default 1",
            ),
            (
                "ALTER TABLE tenancy.members ADD COLUMN number int GENERATED ALWAYS AS IDENTITY",
                "column members.number integer not null identity",
            ),
            (
                "ALTER TABLE tenancy.members ADD COLUMN one int GENERATED ALWAYS AS (1 / role) STORED",
                "column members.one integer generated (1 / role)",
            ),
            (
                "CREATE TABLE guests () INHERITS (tenancy.members)",
                "heir guests of members",
            ),
            (
                "CREATE TABLE parents (); ALTER TABLE tenancy.members INHERIT parents",
                "parent parents of members",
            ),
        ];
        for (addition, definition) in additions {
            let database = Database::migrated().await;
            let pool = database.pool(1).await;
            pool.execute(addition).await.unwrap();
            let result = check_schema(&pool).await;
            let Err(SchemaError::Foreign { definition: said }) = result else {
                panic!("{addition}: {result:?}");
            };
            assert_eq!(said, definition);
            // A program of a newer step may know it.
            let newer = "INSERT INTO tenancy.migrations (step, oldest) VALUES (3, 2)";
            pool.execute(newer).await.unwrap();
            check_schema(&pool).await.unwrap();
        }
        // An index that only makes the host's own questions faster is nobody's business.
        let database = Database::migrated().await;
        let pool = database.pool(1).await;
        pool.execute("CREATE INDEX ON tenancy.members (role, user_id)")
            .await
            .unwrap();
        // Nor is a column that is filled with nothing.
        pool.execute("ALTER TABLE tenancy.members ADD COLUMN nickname text")
            .await
            .unwrap();
        check_schema(&pool).await.unwrap();
    });
}

/// `TENANCY_BLESS=1` writes the file anew, after a new step.
#[test]
fn the_definitions_are_those_that_the_steps_make() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(1).await;
        let rows = sqlx::query(include_str!("../../migrations/definitions.sql"))
            .fetch_all(&pool)
            .await
            .unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let defined = lines.join("\n") + "\n";
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/definitions.txt");
        if std::env::var_os("TENANCY_BLESS").is_some() {
            std::fs::write(file, &defined).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), defined);
    });
}

/// A key, a column or an index that has another definition under its old name.
#[test]
fn tables_that_somebody_altered_are_refused() {
    tested(async {
        let alterations = [
            (
                "ALTER TABLE tenancy.commits DROP CONSTRAINT commits_id",
                "unique key commits.commits_id (id)",
            ),
            (
                "ALTER TABLE tenancy.claims DROP CONSTRAINT claims_pkey;
                 ALTER TABLE tenancy.claims ADD CONSTRAINT claims_pkey PRIMARY KEY (organization_id, scope, key)",
                "primary key claims.claims_pkey (scope, key)",
            ),
            (
                "ALTER TABLE tenancy.domains DROP CONSTRAINT domains_name;
                 ALTER TABLE tenancy.domains ADD CONSTRAINT domains_name UNIQUE (name, organization_id, id)",
                "unique key domains.domains_name (name, organization_id)",
            ),
            (
                "ALTER TABLE tenancy.members ALTER email_key TYPE text COLLATE \"POSIX\"",
                "column members.email_key text collate C",
            ),
            (
                "ALTER TABLE tenancy.members DROP COLUMN role CASCADE",
                "column members.role smallint not null",
            ),
            (
                "DROP INDEX tenancy.invitations_email",
                "index invitations.invitations_email btree (email_key, organization_id, id) WHERE (state = 1)",
            ),
            (
                "DROP INDEX tenancy.outbox_due; CREATE INDEX outbox_due ON tenancy.outbox
                     USING brin (due_at, organization_id, alone) WHERE due_at < 'infinity'",
                "index outbox.outbox_due btree (due_at, organization_id, alone) \
                 WHERE (due_at < 'infinity'::timestamp with time zone)",
            ),
            (
                "DROP INDEX tenancy.members_user;
                 CREATE INDEX members_user ON tenancy.members (user_id, organization_id DESC)",
                "index members.members_user btree (user_id, organization_id)",
            ),
            (
                "DROP INDEX tenancy.members_email; CREATE INDEX members_email ON tenancy.members
                     (email_key COLLATE \"POSIX\", organization_id) WHERE email_key IS NOT NULL",
                "index members.members_email btree (email_key, organization_id) WHERE (email_key IS NOT NULL)",
            ),
            (
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tenancy.members_user'::regclass",
                "index members.members_user btree (user_id, organization_id)",
            ),
            (
                "DROP TABLE tenancy.outbox",
                "column outbox.alone bigint not null default 0",
            ),
            (
                "ALTER TABLE tenancy.claims SET UNLOGGED",
                "table claims",
            ),
            (
                "ALTER TABLE tenancy.members ENABLE ROW LEVEL SECURITY",
                "table members",
            ),
            (
                "ALTER TABLE tenancy.members FORCE ROW LEVEL SECURITY",
                "table members",
            ),
            (
                "ALTER TABLE tenancy.outbox ALTER due_at SET DEFAULT 'infinity'",
                "column outbox.due_at timestamp with time zone not null default statement_timestamp()",
            ),
            (
                "ALTER TABLE tenancy.outbox ALTER attempts DROP DEFAULT",
                "column outbox.attempts integer not null default 0",
            ),
            (
                "ALTER TABLE tenancy.members ALTER own_role SET DEFAULT 7",
                "column members.own_role bigint",
            ),
            (
                "ALTER TABLE tenancy.members DROP COLUMN counts_until;
                 ALTER TABLE tenancy.members ADD COLUMN counts_until bigint GENERATED ALWAYS AS (role) STORED",
                "column members.counts_until bigint",
            ),
            (
                "ALTER TABLE tenancy.commits DROP CONSTRAINT commits_id;
                 ALTER TABLE tenancy.commits ADD CONSTRAINT commits_id UNIQUE (id) DEFERRABLE",
                "unique key commits.commits_id (id)",
            ),
            (
                "ALTER TABLE tenancy.claims DROP CONSTRAINT claims_pkey;
                 ALTER TABLE tenancy.claims ADD CONSTRAINT claims_pkey PRIMARY KEY (scope, key)
                     DEFERRABLE INITIALLY DEFERRED",
                "primary key claims.claims_pkey (scope, key)",
            ),
            (
                "DROP VIEW tenancy.members_view",
                "view column members_view.email text",
            ),
        ];
        for (alteration, definition) in alterations {
            let database = Database::migrated().await;
            let pool = database.pool(1).await;
            check_schema(&pool).await.unwrap();
            pool.execute(alteration).await.unwrap();
            pool.close().await; // a service starts with fresh connections
            let pool = database.pool(1).await;
            let result = check_schema(&pool).await;
            let Err(SchemaError::Altered { definition: said }) = result else {
                panic!("{alteration}: {result:?}");
            };
            assert_eq!(said, definition, "{alteration}");
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
        let globex = crate::databases::people::acme(&tenancy).await;
        join(&tenancy, acme, "bob", WorkspaceRole::Developer).await;
        let ann = crate::databases::people::actor("ann");
        for (of, called) in [(acme, "acme-api"), (globex, "globex-api")] {
            let command = new_domain(of, called);
            tenancy.execute(&ann, command).await.unwrap();
        }
        let store = tenancy.repository();
        for id in [
            acme.organization,
            globex.organization,
            OrganizationId::new(),
        ] {
            store.verify(id).await.unwrap();
        }

        let bob = crate::databases::people::user("bob");
        let claim = Claim::DomainName(DomainName::new("acme-api").unwrap());
        let (id, other) = (acme.organization, globex.organization);
        let found = async |write: String| {
            let mut transaction = pool.begin().await.unwrap();
            let written = transaction.execute(AssertSqlSafe(write)).await.unwrap();
            assert_ne!(written.rows_affected(), 0);
            let rows = sqlx::query(statements::everything(id).text)
                .bind(id.as_uuid())
                .fetch_all(&mut *transaction)
                .await
                .unwrap();
            transaction.rollback().await.unwrap();
            let rows = rows.iter().map(|row| StoredRow {
                table: row.get(0),
                filed: row.get(1),
                record: row.get(2),
            });
            statements::stored(id, rows).map(|stored| stored.verify())
        };
        let of_bob = format!("WHERE organization_id = '{id}' AND user_id = '{bob}'");
        let of_acme = format!("WHERE organization_id = '{id}'");
        let drift = async |write: String| found(write).await.unwrap().unwrap_err();

        let lost = drift(format!("DELETE FROM tenancy.members {of_bob}")).await;
        assert!(
            matches!(&lost, Drift::Records { missing, .. } if missing == &[RecordId::Member(bob)]),
            "{lost:?}"
        );
        let promoted = drift(format!(
            "UPDATE tenancy.members SET record = replace(record::text, '\"member\",', '\"admin\",')::json {of_bob}"
        ))
        .await;
        assert!(
            matches!(&promoted, Drift::Records { different, .. } if different == &[RecordId::Member(bob)]),
            "{promoted:?}"
        );
        for column in ["role = 3", "email_key = 'x'", "user_id = gen_random_uuid()"] {
            let write = format!("UPDATE tenancy.members SET {column} {of_bob}");
            assert_eq!(
                drift(write).await,
                Drift::Misfiled(RecordId::Member(bob)),
                "{column}"
            );
        }
        let renamed = drift(format!(
            "UPDATE tenancy.workspaces SET name_key = 'x' {of_acme}"
        ))
        .await;
        assert_eq!(
            renamed,
            Drift::Misfiled(RecordId::Workspace(acme.workspace))
        );
        let elsewhere = format!("UPDATE tenancy.domains SET workspace_id = id {of_acme}");
        assert!(matches!(
            drift(elsewhere).await,
            Drift::Misfiled(RecordId::Domain(_))
        ));
        let reopened = format!("UPDATE tenancy.invitations SET state = 1 {of_acme}");
        assert!(matches!(
            drift(reopened).await,
            Drift::Misfiled(RecordId::Invitation(_))
        ));
        for column in [
            "version = 9",
            "status = 2",
            "summary = '{\"admins\": 9}'",
            "name_key = 'globex'",
            "name_key = NULL",
            "record = (record::jsonb || '{\"workspace_quota\": 9}')::json",
        ] {
            let write = format!("UPDATE tenancy.organizations SET {column} WHERE id = '{id}'");
            assert_eq!(drift(write).await, Drift::Organization, "{column}");
        }
        // What a later version says in a summary is none of this one's business (A7).
        let summary = format!(
            "UPDATE tenancy.organizations SET summary = (summary::jsonb || '{{\"plan\": 7}}')::json WHERE id = '{id}'"
        );
        assert_eq!(found(summary).await.unwrap(), Ok(()));
        // A name that today's rules refuse is a name (A7).
        let of_other_rules = format!(
            "WITH logged AS (UPDATE tenancy.commits SET entry = replace(entry::text, 'acme-api', 'ac--api')::json {of_acme}),
                  claimed AS (UPDATE tenancy.claims SET key = 'ac--api' WHERE key = 'acme-api')
             UPDATE tenancy.domains SET name = 'ac--api', record = replace(record::text, 'acme-api', 'ac--api')::json
             {of_acme} AND name = 'acme-api'"
        );
        assert_eq!(found(of_other_rules).await.unwrap(), Ok(()));
        let forgotten = format!("DELETE FROM tenancy.commits {of_acme} AND version = 2");
        assert!(matches!(drift(forgotten).await, Drift::Inconsistency(_)));
        let unclaimed = drift("DELETE FROM tenancy.claims WHERE key = 'acme-api'".to_owned()).await;
        assert_eq!(
            unclaimed,
            Drift::ClaimLost {
                claim: claim.clone(),
                holder: None
            }
        );
        let stolen = drift(format!(
            "UPDATE tenancy.claims SET organization_id = '{other}' WHERE key = 'acme-api'"
        ))
        .await;
        assert_eq!(
            stolen,
            Drift::ClaimLost {
                claim,
                holder: Some(other)
            }
        );
        let hoarded = format!("INSERT INTO tenancy.claims VALUES (1, 'acme-www', '{id}')");
        assert!(matches!(drift(hoarded).await, Drift::ClaimForeign(_)));

        // What can't be read is named by its row.
        let commits = [
            ("id = gen_random_uuid()", "kept under a version or an id"),
            (
                "entry = '{}'",
                "column `entry` of a row of `tenancy.commits` can't be read: [2, ",
            ),
        ];
        for (column, says) in commits {
            let write = format!("UPDATE tenancy.commits SET {column} {of_acme} AND version = 2");
            let said = found(write).await.unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
        let said = found(format!(
            "UPDATE tenancy.members SET record = '{{\"member\": {{}}}}' {of_bob}"
        ))
        .await;
        assert_eq!(
            said.unwrap_err().to_string(),
            format!(
                "column `record` of a row of `tenancy.members` can't be read: [\"{bob}\", 1, \"bob@acme.example\", null, null]"
            )
        );
    });
}

/// Views, for a host's own SQL.
#[test]
fn views_tell_what_is_in_the_records() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let tenancy = tenancy(pool.clone());
        let acme = acme(&tenancy).await;
        join(&tenancy, acme, "bob", WorkspaceRole::Developer).await;
        let ann = crate::databases::people::actor("ann");
        let command = new_domain(acme, "acme-api");
        tenancy.execute(&ann, command).await.unwrap();
        let questions = [
            "SELECT concat_ws(' ', status, name, workspaces, domains, members, admins, invitations,
                 workspace_quota, created_at > '2026-01-01') FROM tenancy.organizations_view",
            "SELECT concat_ws(' ', role, email, since > '2026-01-01') FROM tenancy.members_view WHERE role = 'member'",
            "SELECT concat_ws(' ', name, domains, members, created_at > '2026-01-01') FROM tenancy.workspaces_view",
            "SELECT concat_ws(' ', role, since > '2026-01-01') FROM tenancy.workspace_members_view",
            "SELECT concat_ws(' ', name, kind, status, created_at > '2026-01-01') FROM tenancy.domains_view",
            "SELECT concat_ws(' ', email, role, state, expires_at - sent_at) FROM tenancy.invitations_view",
            "SELECT concat_ws(' ', version, command, at > '2026-01-01', events->0->>'type')
                 FROM tenancy.commits_view WHERE version = 4",
            "SELECT (count(*) + (SELECT count(*) FROM tenancy.retired_domain_names_view))::text
                 FROM tenancy.former_members_view",
        ];
        let mut told = Vec::new();
        for question in questions {
            let row = sqlx::query(question).fetch_one(&pool).await.unwrap();
            told.push(row.get::<String, _>(0));
        }
        assert_eq!(
            told,
            [
                "active Acme 1 1 2 1 0 100000 t",
                "member bob@acme.example t",
                "Acme 1 1 t",
                "developer t",
                "acme-api sandbox active t",
                "bob@acme.example developer accepted 7 days",
                "4 create_domain t domain_created",
                "0",
            ]
        );
    });
}
