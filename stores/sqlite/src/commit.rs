//! Writing a commit: all of it or nothing.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, Params, Transaction, params_from_iter};
use serde::Serialize;
use tenancy::store::{Change, Claim, Commit, Kind, Logged, Outcome, Record, RecordId};
use tenancy::{OrganizationId, Version};

use crate::error::{Error, is_busy};
use crate::migrate::now_millis;
use crate::rows::{Cells, cell, one};
use crate::statements::{self, Statement};

/// Writes a commit in a transaction of the host's, together with rows of its own: both or neither.
///
/// Decide with [`Tenancy::prepare`](tenancy::Tenancy::prepare), which writes nothing; then, on a
/// connection of the host's to the same file, begin an `IMMEDIATE` transaction, apply the commit, write
/// the host's rows, and commit. **Unless the answer is [`Outcome::Committed`], roll back**: prepare again
/// after a [`Conflict`](Outcome::Conflict), say no after [`Taken`](Outcome::Taken) and
/// [`IdUsed`](Outcome::IdUsed). If it isn't
/// `Committed`, nothing of this commit was written; after an error, some of it may have been.
///
/// ```
/// use rusqlite::{Connection, TransactionBehavior};
/// use tenancy::store::{Commit, Outcome};
/// use tenancy_sqlite::Error;
///
/// /// Whether it was done; if not, prepare again.
/// fn with_invoice(host: &mut Connection, commit: &Commit, cents: i64) -> Result<bool, Error> {
///     // IMMEDIATE: a transaction that reads first and writes then may find out too late that it can't.
///     let transaction = host.transaction_with_behavior(TransactionBehavior::Immediate)?;
///     if tenancy_sqlite::apply(&transaction, commit)? != Outcome::Committed {
///         return Ok(false); // dropping the transaction rolls back
///     }
///     transaction.execute("INSERT INTO invoices (cents) VALUES (?1)", [cents])?;
///     transaction.commit()?; // only now it is done
///     Ok(true)
/// }
/// ```
///
/// How safe it is on disk is the connection's: give it `PRAGMA synchronous = FULL`.
///
/// # Many commits in one transaction
///
/// Apply as many as you like, to bring in organizations of another system, say
/// ([`Commit::replayed`](tenancy::store::Commit::replayed)), and wait for the disk once. A commit that isn't made
/// (a [`Conflict`](Outcome::Conflict): the organization is there already) leaves the transaction as it was, so the
/// others may go on and be committed. After an error, roll back: nothing of the transaction is kept, and it may be
/// repeated as a whole.
///
/// ```
/// use rusqlite::{Connection, TransactionBehavior};
/// use tenancy::store::{Commit, Outcome};
///
/// /// How many were made; the others were there.
/// fn load(host: &mut Connection, commits: &[Commit]) -> Result<usize, Box<dyn std::error::Error>> {
///     let mut made = 0;
///     for together in commits.chunks(1000) {
///         let transaction = host.transaction_with_behavior(TransactionBehavior::Immediate)?;
///         for commit in together {
///             match tenancy_sqlite::apply(&transaction, commit)? {
///                 Outcome::Committed => made += 1,
///                 Outcome::Conflict => {}
///                 refused => return Err(format!("{}: {refused:?}", commit.organization()).into()),
///             }
///         }
///         transaction.commit()?;
///     }
///     Ok(made)
/// }
/// ```
///
/// Nobody else writes the file meanwhile: whoever wants to waits, and after
/// [`busy_timeout`](crate::Options::busy_timeout) has lost a race. The example `bulk_load` loads a whole export.
///
/// # Errors
///
/// - [`Error::InvalidCommit`], [`Error::Json`]: it can't be written.
/// - [`Error::Sqlite`]: SQLite failed.
///
/// Roll back.
pub fn apply(transaction: &Transaction<'_>, commit: &Commit) -> Result<Outcome, Error> {
    busy_is_conflict(write(transaction, commit))
}

/// Writes a commit in a transaction of its own.
pub(crate) fn commit(connection: &Connection, commit: &Commit) -> Result<Outcome, Error> {
    commit_with(connection, commit, |_| Ok(()))
}

/// Writes a commit in a transaction of its own, and what the host writes with it.
pub(crate) fn commit_with(
    connection: &Connection,
    commit: &Commit,
    rows: impl FnOnce(&Connection) -> Result<(), Box<dyn std::error::Error + Send + Sync>>,
) -> Result<Outcome, Error> {
    busy_is_conflict(in_transaction(
        connection,
        &statements::BEGIN_WRITE,
        |connection| {
            let outcome = write(connection, commit)?;
            let end = match outcome {
                Outcome::Committed => {
                    rows(connection).map_err(Error::Rows)?;
                    End::Commit
                }
                Outcome::Conflict | Outcome::Taken(_) | Outcome::IdUsed => End::Rollback,
            };
            Ok((outcome, end))
        },
    ))
}

/// SQLite gives up waiting only where nothing was applied: before the transaction began, or at a statement
/// or a `COMMIT` that then was rolled back.
fn busy_is_conflict(outcome: Result<Outcome, Error>) -> Result<Outcome, Error> {
    match outcome {
        Err(Error::Sqlite(error)) if is_busy(&error) => Ok(Outcome::Conflict),
        other => other,
    }
}

/// How a transaction ends.
pub(crate) enum End {
    Commit,
    Rollback,
}

/// Runs something in a transaction that never outlives it, whatever happens.
pub(crate) fn in_transaction<T>(
    connection: &Connection,
    begin: &Statement,
    work: impl FnOnce(&Connection) -> Result<(T, End), Error>,
) -> Result<T, Error> {
    run(connection, begin, ())?;
    let open = Open { connection };
    let (answer, end) = work(connection)?;
    match end {
        End::Commit => run(connection, &statements::COMMIT, ())?,
        End::Rollback => run(connection, &statements::ROLLBACK, ())?,
    };
    drop(open);
    Ok(answer)
}

/// A transaction that has begun. Dropped with it still open, after an error or a panic, it rolls back.
struct Open<'c> {
    connection: &'c Connection,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() {
            // If even that fails the connection is beyond repair, and the next use of it says so.
            let _ = self.connection.execute_batch(statements::ROLLBACK.text());
        }
    }
}

/// Runs a statement that brings no rows; how many it changed.
pub(crate) fn run(
    connection: &Connection,
    statement: &Statement,
    parameters: impl Params,
) -> Result<usize, Error> {
    Ok(connection
        .prepare_cached(statement.text())?
        .execute(parameters)?)
}

/// The commit's statements, in whatever transaction is open.
fn write(connection: &Connection, commit: &Commit) -> Result<Outcome, Error> {
    well_formed(commit)?;
    let id = commit.next.id.as_uuid().into_bytes();
    let mut to = Latest::of(connection);
    // Before anything is written, so that a host's transaction is clean whatever the answer.
    let taken = first_taken(connection, &commit.changes)?;
    let refused = match taken {
        Some(taken) => Some(Outcome::Taken(taken)),
        None if log(&mut to, commit)? == 1 => None,
        None => Some(Outcome::IdUsed),
    };
    if let Some(refused) = refused {
        return Ok(if version_of(connection, &id)? == commit.expected {
            refused
        } else {
            Outcome::Conflict
        });
    }
    if compare_and_set(&mut to, commit)? != 1 {
        return Ok(Outcome::Conflict);
    }
    write_changes(&mut to, commit)?;
    Ok(Outcome::Committed)
}

/// A statement of a commit, or of the outbox, for any driver of SQLite.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Its text. `?1` is the first of the values.
    pub text: &'static str,
    /// The values that are bound to it, in order.
    pub values: Vec<Value>,
}

/// The statements that write a commit, in their order; what a host must have asked before is said at
/// [`tables::writes`](crate::tables::writes).
pub(crate) fn writes(commit: &Commit) -> Result<Vec<Write>, Error> {
    well_formed(commit)?;
    let mut to = Vec::new();
    log(&mut to, commit)?;
    compare_and_set(&mut to, commit)?;
    write_changes(&mut to, commit)?;
    Ok(to)
}

/// Where statements go: to a connection, or into a list.
pub(crate) trait Writes {
    /// How many rows it changed; in a list, one that it will change.
    fn write<'a>(
        &mut self,
        statement: &'static Statement,
        cells: impl IntoIterator<Item = ValueRef<'a>>,
    ) -> Result<usize, Error>;
}

impl Writes for Latest<'_> {
    fn write<'a>(
        &mut self,
        statement: &'static Statement,
        cells: impl IntoIterator<Item = ValueRef<'a>>,
    ) -> Result<usize, Error> {
        let cells = cells.into_iter().map(ToSqlOutput::Borrowed);
        Ok(self
            .statement(statement)?
            .execute(params_from_iter(cells))?)
    }
}

impl Writes for Vec<Write> {
    fn write<'a>(
        &mut self,
        statement: &'static Statement,
        cells: impl IntoIterator<Item = ValueRef<'a>>,
    ) -> Result<usize, Error> {
        let owned = |cell: ValueRef<'_>| Value::try_from(cell);
        let values = cells.into_iter().map(owned).collect::<Result<_, _>>();
        self.push(Write {
            text: statement.text(),
            values: values.map_err(rusqlite::Error::from)?,
        });
        Ok(1)
    }
}

/// Whether the commit agrees with itself.
fn well_formed(commit: &Commit) -> Result<(), Error> {
    let Commit {
        expected,
        next,
        entry,
        ..
    } = commit;
    if next.version != expected.next()
        || (entry.organization, entry.version) != (next.id, next.version)
    {
        return Err(Error::InvalidCommit(
            "its versions or organizations contradict each other",
        ));
    }
    // A leap second has more than a thousand milliseconds, all of them whole.
    if entry.at.timestamp_subsec_nanos() % 1_000_000 != 0 {
        return Err(Error::InvalidCommit("its time is finer than a millisecond"));
    }
    Ok(())
}

/// Writes the log's entry: one row if it was this commit's turn, under an id that nobody has used.
fn log(to: &mut impl Writes, commit: &Commit) -> Result<usize, Error> {
    let entry = &commit.entry;
    let json = Json::of(&Logged::from(entry))?;
    let (organization, id) = (entry.organization.as_uuid(), entry.id.as_uuid());
    let row = [
        ValueRef::Blob(organization.as_bytes()),
        ValueRef::Integer(number(entry.version)?),
        ValueRef::Blob(id.as_bytes()),
        ValueRef::Text(&json.0),
        ValueRef::Integer(number(commit.expected)?),
    ];
    to.write(&statements::LOG, row)
}

/// The compare-and-set: one row if it was this commit's turn.
fn compare_and_set(to: &mut impl Writes, commit: &Commit) -> Result<usize, Error> {
    let next = &commit.next;
    let id = next.id.as_uuid();
    let (summary, record) = (Json::of(&next.summary())?, Json::of(next)?);
    let row = [
        ValueRef::Blob(id.as_bytes()),
        ValueRef::Integer(number(next.version)?),
        ValueRef::Integer(next.status.code().into()),
        ValueRef::Text(&summary.0),
        ValueRef::Text(&record.0),
    ];
    if commit.expected == Version::ABSENT {
        to.write(&statements::CREATE_ORGANIZATION, row)
    } else {
        let expected = ValueRef::Integer(number(commit.expected)?);
        let row = row.into_iter().chain([expected]);
        to.write(&statements::UPDATE_ORGANIZATION, row)
    }
}

/// Everything else that a commit writes, once it is known that it is its turn.
fn write_changes(to: &mut impl Writes, commit: &Commit) -> Result<(), Error> {
    let next = &commit.next;
    let id = next.id.as_uuid().into_bytes();
    let (name, organization) = (next.name.key(), ValueRef::Blob(&id));
    let named = [organization, ValueRef::Text(name.as_str().as_bytes())];
    to.write(&statements::NAME, named)?;
    if commit.expected != Version::ABSENT {
        make_room(to, &id, &commit.changes)?;
    }
    put_all(to, &id, &commit.changes)?;
    let [version, now] = [number(next.version)?, now_millis()].map(ValueRef::Integer);
    to.write(&statements::ENQUEUE, [organization, version, now])?;
    Ok(())
}

/// The first claim of a commit that somebody holds.
fn first_taken(connection: &Connection, changes: &[Change]) -> Result<Option<Claim>, Error> {
    let mut latest = Latest::of(connection);
    for change in changes {
        let Change::Claim(claim) = change else {
            continue;
        };
        if latest
            .statement(&statements::HOLDER)?
            .exists(claim.filed())?
        {
            return Ok(Some(claim.clone()));
        }
    }
    Ok(None)
}

pub(crate) fn holder(
    connection: &Connection,
    claim: &Claim,
) -> Result<Option<OrganizationId>, Error> {
    one(connection, &statements::HOLDER, claim.filed(), |row| {
        Cells::of(row, "claims").id(0, "organization_id", OrganizationId::from_uuid)
    })
}

fn version_of(connection: &Connection, id: &[u8; 16]) -> Result<Version, Error> {
    let version = one(connection, &statements::VERSION, [id], |row| {
        Cells::of(row, "organizations").version(0)
    })?;
    Ok(version.unwrap_or(Version::ABSENT))
}

/// Deletes what goes. The order of changes means nothing, but unique indexes look at each statement: a
/// name must be free before another row takes it, also where two rows swap theirs.
fn make_room(
    to: &mut impl Writes,
    organization: &[u8; 16],
    changes: &[Change],
) -> Result<(), Error> {
    let puts = |kind| {
        let records = changes.iter().filter_map(|change| match change {
            Change::Put(record) => Some(record.id()),
            _ => None,
        });
        records.filter(move |id| id.kind() == kind)
    };
    for change in changes {
        match change {
            Change::Delete(id) => delete(to, organization, id)?,
            Change::Release(claim) => {
                to.write(&statements::RELEASE, held(organization, claim))?;
            }
            Change::Put(_) | Change::Claim(_) => {}
        }
    }
    for kind in NAMED {
        if puts(kind).nth(1).is_some() {
            for id in puts(kind) {
                delete(to, organization, &id)?;
            }
        }
    }
    Ok(())
}

/// The kinds of which no two may have one name: those with a unique index besides their key.
pub(crate) const NAMED: [Kind; 2] = [Kind::Workspace, Kind::Domain];

/// A claim and who holds it.
fn held<'a>(organization: &'a [u8; 16], claim: &'a Claim) -> [ValueRef<'a>; 3] {
    let (scope, key) = claim.filed();
    [
        ValueRef::Blob(organization),
        ValueRef::Integer(scope.into()),
        ValueRef::Text(key.as_bytes()),
    ]
}

fn delete(to: &mut impl Writes, organization: &[u8; 16], id: &RecordId) -> Result<(), Error> {
    let key = id.key();
    let cells = [ValueRef::Blob(organization)]
        .into_iter()
        .chain(key.iter().map(cell));
    to.write(&statements::of(id.kind()).delete, cells)?;
    Ok(())
}

/// Puts what is to be put, and claims what is claimed. What has been deleted has made room.
fn put_all(to: &mut impl Writes, organization: &[u8; 16], changes: &[Change]) -> Result<(), Error> {
    let mut json = Json::empty();
    for change in changes {
        match change {
            Change::Put(record) => put(to, organization, record, &mut json)?,
            Change::Claim(claim) => {
                to.write(&statements::CLAIM, held(organization, claim))?;
            }
            Change::Delete(_) | Change::Release(_) => {}
        }
    }
    Ok(())
}

/// The statement that was run last: changes of one kind stand together, as a rule, and theirs is looked up once.
pub(crate) struct Latest<'c> {
    pub(crate) connection: &'c Connection,
    statement: Option<(&'static Statement, CachedStatement<'c>)>,
}

impl<'c> Latest<'c> {
    pub(crate) const fn of(connection: &'c Connection) -> Self {
        Self {
            connection,
            statement: None,
        }
    }

    fn statement(
        &mut self,
        asked: &'static Statement,
    ) -> Result<&mut CachedStatement<'c>, rusqlite::Error> {
        let latest = self.statement.take();
        let latest = match latest.filter(|(latest, _)| core::ptr::eq(*latest, asked)) {
            Some(latest) => latest,
            None => (asked, self.connection.prepare_cached(asked.text())?),
        };
        Ok(&mut self.statement.insert(latest).1)
    }
}

fn put(
    to: &mut impl Writes,
    organization: &[u8; 16],
    record: &Record,
    json: &mut Json,
) -> Result<(), Error> {
    let id = record.id();
    let (key, columns) = (id.key(), record.columns());
    json.write(record)?;
    let cells = [ValueRef::Blob(organization)]
        .into_iter()
        .chain(key.iter().chain(&columns).map(cell))
        .chain([ValueRef::Text(&json.0)]);
    to.write(&statements::of(id.kind()).put, cells)?;
    Ok(())
}

/// A value as JSON: what most commits write fits into it as it is made.
struct Json(Vec<u8>);

impl Json {
    fn empty() -> Self {
        Self(Vec::with_capacity(1024))
    }

    fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut json = Self::empty();
        json.write(value)?;
        Ok(json)
    }

    /// Writes another value in its place.
    fn write(&mut self, value: &impl Serialize) -> Result<(), serde_json::Error> {
        self.0.clear();
        serde_json::to_writer(&mut self.0, value)
    }
}

/// A version as SQLite keeps it.
pub(crate) fn number(version: Version) -> Result<i64, Error> {
    i64::try_from(version.get()).map_err(|_| Error::InvalidCommit("a version is too large"))
}
