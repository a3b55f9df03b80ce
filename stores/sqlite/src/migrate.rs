//! The tables: how a file comes to have them, and whether it has them.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use tenancy::store::OrganizationSummary;

use crate::statements;

/// One step on the way to the tables of today.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Migration {
    /// Its number, from 1.
    pub step: u32,
    /// The oldest step that a program may know and still work on the tables after this one: its own number,
    /// unless it only adds what older programs neither read nor need to write.
    pub oldest: u32,
    /// What it does.
    pub sql: &'static str,
}

/// The steps, oldest first.
///
/// [`SqliteRepository::open`](crate::SqliteRepository::open) makes those that a file lacks. A host that
/// prefers its own migration tool may copy the text, and then has to keep `tenancy_migrations` as
/// [`migrate`] does. A step that was released never changes.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        step: 1,
        oldest: 1,
        sql: include_str!("migrations/0001_tables.sql"),
    },
    Migration {
        step: NAMES,
        oldest: NAMES,
        sql: include_str!("migrations/0002_finding.sql"),
    },
];

/// The step that files organizations under their names, which programs have to go on with.
const NAMES: u32 = 2;

/// The list of the steps that were made.
pub(crate) const LIST: &str = "CREATE TABLE IF NOT EXISTS tenancy_migrations (\
        step    INTEGER NOT NULL PRIMARY KEY, \
        oldest  INTEGER NOT NULL, \
        made_at INTEGER NOT NULL\
    ) STRICT";

/// The tables are not those that this version of the crate needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// There are no tables: [`migrate()`] was never run on this file.
    #[error("the tables are missing: run `tenancy_sqlite::migrate`")]
    Missing,
    /// Steps are missing.
    #[error(
        "the tables are at step {found}, and this program needs step {needed}: run `tenancy_sqlite::migrate`"
    )]
    Older {
        /// The last step that was made.
        found: u32,
        /// The last step of this version.
        needed: u32,
    },
    /// A newer version of this crate made the tables, and this one can't live with them. Deploy the newer one.
    #[error(
        "the tables are at step {found}, which needs a program that knows step {oldest}; this one knows \
         steps up to {known}: deploy a newer version"
    )]
    Newer {
        /// The last step that was made.
        found: u32,
        /// The oldest step that a program must know to live with it.
        oldest: u32,
        /// The last step of this version.
        known: u32,
    },
    /// The steps were made, but a table, an index or a view isn't as they make it: something else altered it.
    #[error("the tables were altered; they should have: {definition}")]
    Altered {
        /// What is missing, or is there in another form.
        definition: String,
    },
    /// A trigger or a unique index that no step makes is on the tables: a commit would write more than it
    /// says, or less.
    #[error("the tables were altered; they should not have: {definition}")]
    Foreign {
        /// What is there.
        definition: String,
    },
    /// The tables are of a newer version, which this one should be able to live with, and have what this one knows, but
    /// a statement of this one can't be prepared.
    #[error("the tables were altered: a statement can't be prepared")]
    Refused(#[source] rusqlite::Error),
    /// A step failed. The file is as it was before.
    #[error("migration {step} failed")]
    Step {
        /// Which one.
        step: u32,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// SQLite failed.
    #[error("SQLite failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The store didn't get as far as to ask.
    #[error(transparent)]
    Store(Box<crate::Error>),
}

/// Brings the tables of a database up to date, in one transaction. There is nothing to do, and nothing is
/// written, if they already are.
///
/// All names begin with `tenancy_`: the tables can live in the host's own file. Which steps were made is kept
/// in `tenancy_migrations`, apart from the host's own migrations.
///
/// Each step says which older programs can live with it. One of those starts on the newer tables, so that a
/// deployment can be taken back.
///
/// # Errors
///
/// - [`SchemaError::Newer`]: a newer version made the tables, and this one can't live with them.
/// - [`SchemaError::Step`]: a step failed; the database is as it was.
/// - [`SchemaError::Sqlite`]: SQLite failed.
pub fn migrate(connection: &mut Connection) -> Result<(), SchemaError> {
    migrate_by(connection, MIGRATIONS)
}

/// The last step that a database has made; 0 if it has none.
///
/// # Errors
///
/// [`SchemaError::Sqlite`]: SQLite failed.
pub fn schema_version(connection: &Connection) -> Result<u32, SchemaError> {
    Ok(Made::find(connection)?.last)
}

fn migrate_by(connection: &mut Connection, steps: &[Migration]) -> Result<(), SchemaError> {
    if Made::find(connection)?.is_enough_for(steps)? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(LIST)?;
    // Again, as somebody else may have been first.
    let made = Made::find(&transaction)?;
    if made.is_enough_for(steps)? {
        return Ok(());
    }
    for Migration { step, oldest, sql } in steps.iter().filter(|next| next.step > made.last) {
        transaction
            .execute_batch(sql)
            .and_then(|()| match *step {
                NAMES => fold_names(&transaction),
                _ => Ok(()),
            })
            .and_then(|()| {
                transaction.execute(
                    "INSERT INTO tenancy_migrations (step, oldest, made_at) VALUES (?1, ?2, ?3)",
                    (*step, *oldest, now_millis()),
                )
            })
            .map_err(|source| SchemaError::Step {
                step: *step,
                source,
            })?;
    }
    transaction.commit()?;
    Ok(())
}

/// Files what organizations there are under their names as the core folds them. One whose summary can't be read waits
/// for its next commit.
fn fold_names(connection: &Connection) -> Result<(), rusqlite::Error> {
    let mut put = connection.prepare(statements::NAME.text())?;
    let mut all = connection.prepare("SELECT id, summary FROM tenancy_organizations")?;
    let mut rows = all.query(())?;
    while let Some(row) = rows.next()? {
        let id: [u8; 16] = row.get(0)?;
        let summary = serde_json::from_str::<OrganizationSummary>(row.get_ref(1)?.as_str()?);
        if let Ok(summary) = summary {
            put.execute((id, summary.name.key().as_str()))?;
        }
    }
    Ok(())
}

/// Whether the tables are as this version needs them.
pub(crate) fn check(connection: &Connection) -> Result<(), SchemaError> {
    check_by(connection, MIGRATIONS)
}

fn check_by(connection: &Connection, steps: &[Migration]) -> Result<(), SchemaError> {
    let made = Made::find(connection)?;
    if made.last == 0 {
        return Err(SchemaError::Missing);
    }
    if !made.is_enough_for(steps)? {
        return Err(SchemaError::Older {
            found: made.last,
            needed: known(steps),
        });
    }
    let is_newer = made.last > known(steps);
    let mut reference = Connection::open_in_memory()?;
    migrate_by(&mut reference, steps)?;
    let (mut found, due) = (definitions(connection)?, definitions(&reference)?);
    for (name, due) in due {
        let found = found.remove(&name);
        let is_as_due = match &found {
            Some(found) if is_newer => found.extends(&due),
            // Views are for a host's own SQL: a newer one may show more, or be another.
            None if is_newer => due.kind == "view",
            found => found.as_ref() == Some(&due),
        };
        if !is_as_due {
            return Err(SchemaError::Altered {
                definition: due.sql,
            });
        }
    }
    if is_newer {
        // What newer steps make besides isn't known here. What this version asks for must be there all the same.
        return prepared(connection);
    }
    // A host's own index or table is its own affair, but not what changes the meaning of a commit.
    match found.into_values().find(Definition::changes_commits) {
        Some(foreign) => Err(SchemaError::Foreign {
            definition: foreign.sql,
        }),
        None => Ok(()),
    }
}

fn prepared(connection: &Connection) -> Result<(), SchemaError> {
    for statement in statements::every() {
        connection
            .prepare(statement.text())
            .map_err(SchemaError::Refused)?;
    }
    Ok(())
}

/// How a table, an index, a view or a trigger is defined.
#[derive(Debug, PartialEq, Eq)]
struct Definition {
    kind: String,
    table: String,
    sql: String,
}

impl Definition {
    /// Whether it is what another one is, and perhaps more, as a newer step adds: columns to a table.
    fn extends(&self, due: &Self) -> bool {
        if (&self.kind, &self.table) != (&due.kind, &due.table) {
            return false;
        }
        if self.kind != "table" {
            return self.kind == "view" || self.sql == due.sql;
        }
        let (Some((head, items, tail)), Some((due_head, due_items, due_tail))) =
            (parts(&self.sql), parts(&due.sql))
        else {
            return self.sql == due.sql;
        };
        (head, tail) == (due_head, due_tail) && due_items.iter().all(|due| items.contains(due))
    }

    /// Whether it writes, or forbids, beside what a commit says.
    fn changes_commits(&self) -> bool {
        self.kind == "trigger" || self.sql.starts_with("create unique index ")
    }
}

fn definitions(connection: &Connection) -> Result<BTreeMap<String, Definition>, rusqlite::Error> {
    let mut statement = connection.prepare(
        "SELECT name, type, tbl_name, sql FROM sqlite_schema \
         WHERE sql IS NOT NULL AND (name GLOB 'tenancy_*' OR tbl_name GLOB 'tenancy_*')",
    )?;
    let rows = statement.query_map((), |row| {
        let sql: String = row.get(3)?;
        let definition = Definition {
            kind: row.get(1)?,
            table: row.get(2)?,
            sql: normal(&sql),
        };
        Ok((row.get(0)?, definition))
    })?;
    rows.collect()
}

/// A definition without comments and white space that mean nothing. No name in ours depends on its case, and
/// no text in it.
fn normal(sql: &str) -> String {
    let lines = sql.lines().map(|line| {
        let code = line.split_once("--").map_or(line, |(code, _)| code);
        code.split_whitespace()
    });
    let words: Vec<&str> = lines.flatten().collect();
    words.join(" ").to_ascii_lowercase()
}

/// What stands before a table's parentheses, its columns and constraints, and what stands behind.
fn parts(sql: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (head, rest) = sql.split_once('(')?;
    let (inside, tail) = rest.rsplit_once(')')?;
    let mut depth = 0_i32;
    let items = inside.split(|character| {
        match character {
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && character == ','
    });
    Some((head, items.map(str::trim).collect(), tail))
}

/// The steps that a database has made.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    /// The last one; 0 if there are none.
    last: u32,
    /// The oldest that a program must know to live with all of them.
    oldest: u32,
}

impl Made {
    fn find(connection: &Connection) -> Result<Self, rusqlite::Error> {
        let list = connection
            .query_row(
                "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'tenancy_migrations'",
                (),
                |_| Ok(()),
            )
            .optional()?;
        if list.is_none() {
            return Ok(Self { last: 0, oldest: 0 });
        }
        connection.query_row(
            "SELECT coalesce(max(step), 0), coalesce(max(oldest), 0) FROM tenancy_migrations",
            (),
            |row| {
                Ok(Self {
                    last: row.get(0)?,
                    oldest: row.get(1)?,
                })
            },
        )
    }

    /// Whether a program that knows these steps has none to make.
    fn is_enough_for(&self, steps: &[Migration]) -> Result<bool, SchemaError> {
        let known = known(steps);
        if self.oldest > known {
            return Err(SchemaError::Newer {
                found: self.last,
                oldest: self.oldest,
                known,
            });
        }
        Ok(self.last >= known)
    }
}

fn known(steps: &[Migration]) -> u32 {
    steps.iter().map(|next| next.step).max().unwrap_or(0)
}

/// The system's clock, in milliseconds.
pub(crate) fn now_millis() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step that only adds a table that older programs don't need.
    const ADDS: Migration = Migration {
        step: 3,
        oldest: 2,
        sql: "CREATE TABLE tenancy_notes (id INTEGER PRIMARY KEY)",
    };

    /// A step after which older programs would write too little.
    const CHANGES: Migration = Migration {
        step: 4,
        oldest: 4,
        sql: "ALTER TABLE tenancy_members ADD COLUMN nickname TEXT",
    };

    fn made_with(more: &[Migration]) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps = [MIGRATIONS, more].concat();
        migrate_by(&mut connection, &steps).unwrap();
        check_by(&connection, &steps).unwrap();
        connection
    }

    #[test]
    fn a_program_lives_with_a_newer_step_that_only_adds() {
        let mut connection = made_with(&[ADDS]);
        migrate(&mut connection).unwrap();
        check(&connection).unwrap();
        let made = Made::find(&connection).unwrap();
        assert_eq!(made, Made { last: 3, oldest: 2 }); // and takes nothing back
    }

    #[test]
    fn a_program_refuses_a_newer_step_that_it_cannot_live_with() {
        let mut connection = made_with(&[ADDS, CHANGES]);
        let due = |error| {
            matches!(
                error,
                SchemaError::Newer {
                    found: 4,
                    oldest: 4,
                    known: 2
                }
            )
        };
        assert!(due(check(&connection).unwrap_err()));
        assert!(due(migrate(&mut connection).unwrap_err()));
    }

    #[test]
    fn a_newer_schema_must_still_have_what_this_program_asks_for() {
        let connection = made_with(&[ADDS]);
        connection
            .execute_batch("DROP INDEX tenancy_members_email")
            .unwrap();
        let error = check(&connection).unwrap_err();
        assert!(matches!(error, SchemaError::Altered { .. }), "{error}");
    }

    /// A newer step adds: what was there stays as it was.
    #[test]
    fn on_a_newer_schema_definitions_are_compared_too() {
        let added = "ALTER TABLE tenancy_members ADD COLUMN nickname TEXT CHECK (length(nickname) IN (1, 2)); \
            CREATE UNIQUE INDEX tenancy_members_nickname ON tenancy_members (organization_id, nickname); \
            CREATE TRIGGER tenancy_notes_made AFTER INSERT ON tenancy_notes BEGIN SELECT 1; END; \
            DROP VIEW tenancy_members_view; \
            CREATE VIEW tenancy_members_view AS SELECT user_id, nickname FROM tenancy_members; \
            DROP VIEW tenancy_domains_view";
        let adds = Migration {
            sql: added,
            ..CHANGES
        };
        let adds = [ADDS, Migration { oldest: 2, ..adds }];
        check(&made_with(&adds)).unwrap();
        for altered in [
            "DROP INDEX tenancy_members_user",
            "DROP INDEX tenancy_workspaces_name; \
             CREATE UNIQUE INDEX tenancy_workspaces_name ON tenancy_workspaces (organization_id, id, name_key)",
            "DROP INDEX tenancy_domains_name; \
             CREATE INDEX tenancy_domains_name ON tenancy_domains (organization_id, name)",
            "DROP TABLE tenancy_claims; \
             CREATE TABLE tenancy_claims (scope INTEGER, key TEXT, organization_id BLOB)",
            "PRAGMA writable_schema = ON; \
             UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL CHECK (version > 0)', 'NOT NULL') \
                 WHERE name = 'tenancy_organizations'; \
             PRAGMA writable_schema = RESET",
            "PRAGMA writable_schema = ON; \
             UPDATE sqlite_schema SET sql = replace(sql, 'STRICT, ', '') WHERE name = 'tenancy_members'; \
             PRAGMA writable_schema = RESET",
        ] {
            let connection = made_with(&adds);
            connection.execute_batch(altered).unwrap();
            let error = check(&connection).unwrap_err();
            assert!(
                matches!(error, SchemaError::Altered { .. }),
                "{altered}: {error}"
            );
        }
    }

    /// As the core folds them, where their summary can be read; a name in ASCII also where a host runs the steps itself.
    #[test]
    fn organizations_of_before_are_filed_under_their_names() {
        let made = [
            ("Acme", Some("acme"), Some("acme")),
            (
                "STRASSENBAU  Süd",
                Some("strassenbau  süd"),
                Some("strassenbau süd"),
            ),
            ("Straße", Some("straße"), Some("strasse")),
        ];
        for by_itself in [false, true] {
            let mut connection = Connection::open_in_memory().unwrap();
            migrate_by(&mut connection, &MIGRATIONS[..1]).unwrap();
            let insert = "INSERT INTO tenancy_organizations (id, version, status, summary, record) \
                VALUES (?1, 1, 1, ?2, '')";
            for (number, (name, ..)) in (1..).zip(made) {
                let id = uuid::Uuid::from_u128(number);
                let summary = serde_json::json!({
                    "id": id, "version": 1, "status": "active", "name": name, "admins": 1,
                    "created_at": "2026-11-23T12:00:00.123Z",
                });
                let row = (id.into_bytes(), summary.to_string());
                connection.execute(insert, row).unwrap();
            }
            for (number, unreadable) in (100..).zip(["{}", "no JSON"]) {
                let id = uuid::Uuid::from_u128(number).into_bytes();
                connection.execute(insert, (id, unreadable)).unwrap();
            }
            if by_itself {
                migrate(&mut connection).unwrap();
            } else {
                connection.execute_batch(MIGRATIONS[1].sql).unwrap();
            }
            let names = "SELECT name_key FROM tenancy_organization_names ORDER BY organization_id";
            let mut names = connection.prepare(names).unwrap();
            let names = names.query_map((), |row| row.get::<_, Option<String>>(0));
            let names: Vec<_> = names.unwrap().map(Result::unwrap).collect();
            let due = made.map(|(_, sql, core)| if by_itself { core } else { sql });
            assert_eq!(names, due.map(|name| name.map(str::to_owned)));
        }
    }

    #[test]
    fn a_tables_definition_has_parts() {
        let sql =
            "create table a ( b text check (b in ('x', 'y')), c blob, primary key (b, c) ) strict";
        let (head, items, tail) = parts(sql).unwrap();
        assert_eq!((head, tail), ("create table a ", " strict"));
        let due = [
            "b text check (b in ('x', 'y'))",
            "c blob",
            "primary key (b, c)",
        ];
        assert_eq!(items, due);
        assert_eq!(parts("create view a as select 1"), None);
    }

    #[test]
    fn steps_that_are_missing_are_said() {
        let mut connection = Connection::open_in_memory().unwrap();
        let error = check(&connection).unwrap_err();
        assert!(matches!(error, SchemaError::Missing), "{error}");
        migrate(&mut connection).unwrap();
        let error = check_by(&connection, &[MIGRATIONS, &[ADDS]].concat()).unwrap_err();
        assert!(
            matches!(
                error,
                SchemaError::Older {
                    found: 2,
                    needed: 3
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let mut connection = made_with(&[]);
        let fails = Migration {
            sql: "CREATE TABLE tenancy_notes (id INTEGER PRIMARY KEY); CREATE TABLE tenancy_members (id)",
            ..ADDS
        };
        let error = migrate_by(&mut connection, &[MIGRATIONS, &[fails]].concat()).unwrap_err();
        assert!(
            matches!(error, SchemaError::Step { step: 3, .. }),
            "{error}"
        );
        check(&connection).unwrap();
    }

    #[test]
    fn definitions_are_compared_and_not_names() {
        for altered in [
            "DROP INDEX tenancy_members_user",
            "DROP INDEX tenancy_workspaces_name; \
             CREATE UNIQUE INDEX tenancy_workspaces_name ON tenancy_workspaces (organization_id, id)",
            "DROP INDEX tenancy_domains_name; \
             CREATE INDEX tenancy_domains_name ON tenancy_domains (organization_id, name)",
            "DROP TABLE tenancy_claims; \
             CREATE TABLE tenancy_claims (scope INTEGER, key TEXT, organization_id BLOB)",
            "DROP VIEW tenancy_members_view",
            "ALTER TABLE tenancy_members ADD COLUMN nickname TEXT",
        ] {
            let connection = made_with(&[]);
            connection.execute_batch(altered).unwrap();
            let error = check(&connection).unwrap_err();
            assert!(
                matches!(error, SchemaError::Altered { .. }),
                "{altered}: {error}"
            );
        }
    }

    #[test]
    fn what_changes_the_meaning_of_a_commit_is_found() {
        for foreign in [
            "CREATE TRIGGER t AFTER INSERT ON tenancy_members BEGIN DELETE FROM tenancy_claims; END",
            "CREATE UNIQUE INDEX one_name ON tenancy_members (organization_id, email_key)",
        ] {
            let connection = made_with(&[]);
            connection.execute_batch(foreign).unwrap();
            let error = check(&connection).unwrap_err();
            assert!(
                matches!(error, SchemaError::Foreign { .. }),
                "{foreign}: {error}"
            );
        }
    }

    #[test]
    fn what_a_host_adds_beside_the_tables_is_its_own() {
        let connection = made_with(&[]);
        connection
            .execute_batch(
                "CREATE TABLE invoices (id INTEGER PRIMARY KEY); \
                 CREATE INDEX by_version ON tenancy_organizations (version)",
            )
            .unwrap();
        check(&connection).unwrap();
    }

    #[test]
    fn spelling_that_means_nothing_is_no_difference() {
        assert_eq!(
            normal("CREATE TABLE a ( -- a table\n  b TEXT\n)"),
            normal("create table a (   b text )")
        );
    }
}
