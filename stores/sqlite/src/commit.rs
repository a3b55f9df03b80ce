//! Writing a commit: all of it or nothing.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, params};
use tenancy::store::{
    Change, Claim, Commit, Invitation, Organization, Outcome, Record, RecordId, RetiredDomainName,
    Workspace,
};
use tenancy::{Domain, InvitationTarget, LogEntry, Member, OrganizationId, WorkspaceMember};

use crate::error::{SqliteError, is_busy};
use crate::rows::{
    Cells, domain_kind_code, domain_status_code, invitation_state_code, organization_role_code,
    organization_status_code, workspace_role_code,
};
use crate::schema::now_millis;
use crate::sql;

/// Writes a commit in a transaction of the host's, together with rows of its own: both or neither.
///
/// Decide with [`Tenancy::prepare`](tenancy::Tenancy::prepare), which writes nothing; then, on a
/// connection of the host's to the same file, begin an `IMMEDIATE` transaction, apply the commit, write
/// the host's rows, and commit. **Unless the answer is [`Outcome::Committed`], roll back**: prepare again
/// after a [`Conflict`](Outcome::Conflict), say no after [`Taken`](Outcome::Taken). If it isn't
/// `Committed`, nothing of this commit was written; after an error, some of it may have been.
///
/// ```
/// use rusqlite::{Connection, TransactionBehavior};
/// use tenancy::store::{Commit, Outcome};
/// use tenancy_sqlite::SqliteError;
///
/// /// Whether it was done; if not, prepare again.
/// fn with_invoice(host: &mut Connection, commit: &Commit, cents: i64) -> Result<bool, SqliteError> {
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
/// # Errors
///
/// - [`SqliteError::InvalidCommit`], [`SqliteError::Json`]: it can't be written.
/// - [`SqliteError::Sqlite`]: SQLite failed.
///
/// Roll back.
pub fn apply(transaction: &Transaction<'_>, commit: &Commit) -> Result<Outcome, SqliteError> {
    busy_is_conflict(write(transaction, commit))
}

/// Writes a commit in a transaction of its own.
pub(crate) fn commit(connection: &Connection, commit: &Commit) -> Result<Outcome, SqliteError> {
    busy_is_conflict(in_transaction(connection, sql::BEGIN_WRITE, |connection| {
        let outcome = write(connection, commit)?;
        let end = match outcome {
            Outcome::Committed => End::Commit,
            Outcome::Conflict | Outcome::Taken(_) => End::Rollback,
        };
        Ok((outcome, end))
    }))
}

/// SQLite gives up waiting only where nothing was applied: before the transaction began, or at a statement
/// or a `COMMIT` that then was rolled back.
fn busy_is_conflict(outcome: Result<Outcome, SqliteError>) -> Result<Outcome, SqliteError> {
    match outcome {
        Err(SqliteError::Sqlite(error)) if is_busy(&error) => Ok(Outcome::Conflict),
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
    begin: &'static str,
    run: impl FnOnce(&Connection) -> Result<(T, End), SqliteError>,
) -> Result<T, SqliteError> {
    connection.prepare_cached(begin)?.execute(())?;
    let open = Open { connection };
    let (answer, end) = run(connection)?;
    match end {
        End::Commit => connection.prepare_cached(sql::COMMIT)?.execute(())?,
        End::Rollback => connection.prepare_cached(sql::ROLLBACK)?.execute(())?,
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
            let _ = self.connection.execute_batch(sql::ROLLBACK);
        }
    }
}

/// The commit's statements, in whatever transaction is open.
fn write(connection: &Connection, commit: &Commit) -> Result<Outcome, SqliteError> {
    let Commit {
        expected,
        next,
        changes,
        entry,
    } = commit;
    if next.version != expected.next()
        || (entry.organization, entry.version) != (next.id, next.version)
    {
        return Err(SqliteError::InvalidCommit(
            "its versions or organizations contradict each other",
        ));
    }
    let id = next.id.as_uuid().into_bytes();
    // Before anything is written, so that a host's transaction is clean whatever the answer.
    if let Some(taken) = first_taken(connection, next.id, changes)? {
        let version = number(expected.get())?;
        let seen = version_of(connection, &id)?;
        return Ok(if seen == version {
            Outcome::Taken(taken)
        } else {
            Outcome::Conflict
        });
    }
    if !organization(connection, commit, &id)? {
        return Ok(Outcome::Conflict);
    }
    make_room(connection, &id, changes)?;
    for change in changes {
        match change {
            Change::Put(record) => put(connection, &id, record)?,
            Change::Claim(claim) => {
                let (scope, key) = claim_key(claim);
                connection
                    .prepare_cached(sql::CLAIM)?
                    .execute((id, scope, key))?;
            }
            Change::Delete(_) | Change::Release(_) => {} // done: they make room
        }
    }
    log(connection, &id, entry)?;
    connection.prepare_cached(sql::ENQUEUE)?.execute((
        id,
        number(entry.version.get())?,
        now_millis(),
    ))?;
    Ok(Outcome::Committed)
}

/// The compare-and-set; whether it was this commit's turn.
fn organization(
    connection: &Connection,
    commit: &Commit,
    id: &[u8; 16],
) -> Result<bool, SqliteError> {
    // Without `..`: a new field must not be forgotten.
    let Organization {
        id: _,
        version,
        status,
        name,
        company,
        invoicing,
        contract,
        workspace_quota,
        counts:
            tenancy::store::Counts {
                workspaces,
                domains,
                members,
                admins,
                invitations,
            },
        created_at,
    } = &commit.next;
    let version = number(version.get())?;
    let status = organization_status_code(*status);
    let company = json(company.as_ref())?;
    let invoicing = json(invoicing.as_ref())?;
    let contract = contract.as_ref().map(tenancy::text::TextLine::as_str);
    let created_at = time(*created_at)?;
    let rows = if commit.expected == tenancy::Version::ABSENT {
        connection
            .prepare_cached(sql::CREATE_ORGANIZATION)?
            .execute(params![
                id,
                version,
                status,
                name.as_str(),
                company,
                invoicing,
                contract,
                workspace_quota,
                workspaces,
                domains,
                members,
                admins,
                invitations,
                created_at
            ])?
    } else {
        connection
            .prepare_cached(sql::UPDATE_ORGANIZATION)?
            .execute(params![
                id,
                version,
                status,
                name.as_str(),
                company,
                invoicing,
                contract,
                workspace_quota,
                workspaces,
                domains,
                members,
                admins,
                invitations,
                created_at,
                number(commit.expected.get())?
            ])?
    };
    Ok(rows == 1)
}

/// The first claim of a commit that another organization holds.
fn first_taken(
    connection: &Connection,
    organization: OrganizationId,
    changes: &[Change],
) -> Result<Option<Claim>, SqliteError> {
    for change in changes {
        let Change::Claim(claim) = change else {
            continue;
        };
        if holder(connection, claim)?.is_some_and(|holder| holder != organization) {
            return Ok(Some(claim.clone()));
        }
    }
    Ok(None)
}

pub(crate) fn holder(
    connection: &Connection,
    claim: &Claim,
) -> Result<Option<OrganizationId>, SqliteError> {
    let mut statement = connection.prepare_cached(sql::HOLDER)?;
    let mut rows = statement.query(claim_key(claim))?;
    rows.next()?
        .map(|row| {
            Cells::of(row, "tenancy_claims").id(0, "organization_id", OrganizationId::from_uuid)
        })
        .transpose()
}

fn version_of(connection: &Connection, id: &[u8; 16]) -> Result<i64, SqliteError> {
    let mut statement = connection.prepare_cached(sql::VERSION)?;
    let mut rows = statement.query([id])?;
    Ok(match rows.next()? {
        Some(row) => row.get(0)?,
        None => 0,
    })
}

/// Deletes what goes. The order of changes means nothing, but unique indexes look at each statement: a
/// name must be free before another row takes it, also where two rows swap theirs.
fn make_room(
    connection: &Connection,
    organization: &[u8; 16],
    changes: &[Change],
) -> Result<(), SqliteError> {
    let several = |named: fn(&Record) -> bool| {
        let named = changes
            .iter()
            .filter(|change| matches!(change, Change::Put(record) if named(record)));
        named.take(2).count() == 2
    };
    let workspaces = several(|record| matches!(record, Record::Workspace(_)));
    let domains = several(|record| matches!(record, Record::Domain(_)));
    for change in changes {
        match change {
            Change::Delete(id) => delete(connection, organization, id)?,
            Change::Put(record @ Record::Workspace(_)) if workspaces => {
                delete(connection, organization, &record.id())?;
            }
            Change::Put(record @ Record::Domain(_)) if domains => {
                delete(connection, organization, &record.id())?;
            }
            Change::Release(claim) => {
                let (scope, key) = claim_key(claim);
                connection
                    .prepare_cached(sql::RELEASE)?
                    .execute((organization, scope, key))?;
            }
            Change::Put(_) | Change::Claim(_) => {}
        }
    }
    Ok(())
}

fn delete(
    connection: &Connection,
    organization: &[u8; 16],
    id: &RecordId,
) -> Result<(), SqliteError> {
    match id {
        RecordId::Member(user) => connection
            .prepare_cached(sql::DELETE_MEMBER)?
            .execute((organization, user.as_uuid().into_bytes()))?,
        RecordId::Workspace(workspace) => connection
            .prepare_cached(sql::DELETE_WORKSPACE)?
            .execute((organization, workspace.as_uuid().into_bytes()))?,
        RecordId::WorkspaceMember(workspace, user) => connection
            .prepare_cached(sql::DELETE_WORKSPACE_MEMBER)?
            .execute((
                organization,
                workspace.as_uuid().into_bytes(),
                user.as_uuid().into_bytes(),
            ))?,
        RecordId::Domain(domain) => connection
            .prepare_cached(sql::DELETE_DOMAIN)?
            .execute((organization, domain.as_uuid().into_bytes()))?,
        RecordId::RetiredDomainName(name) => connection
            .prepare_cached(sql::DELETE_RETIRED)?
            .execute((organization, name.as_str()))?,
        RecordId::Invitation(invitation) => connection
            .prepare_cached(sql::DELETE_INVITATION)?
            .execute((organization, invitation.as_uuid().into_bytes()))?,
    };
    Ok(())
}

fn put(
    connection: &Connection,
    organization: &[u8; 16],
    record: &Record,
) -> Result<(), SqliteError> {
    match record {
        Record::Member(Member {
            user,
            role,
            email,
            since,
        }) => connection.prepare_cached(sql::PUT_MEMBER)?.execute((
            organization,
            user.as_uuid().into_bytes(),
            organization_role_code(*role),
            email.as_ref().map(tenancy::EmailAddress::as_str),
            email.as_ref().map(|email| email.key().as_str()),
            time(*since)?,
        ))?,
        Record::Workspace(Workspace {
            id,
            name,
            invoicing,
            domains,
            members,
            created_at,
        }) => connection.prepare_cached(sql::PUT_WORKSPACE)?.execute((
            organization,
            id.as_uuid().into_bytes(),
            name.as_str(),
            name.key().as_str(),
            json(invoicing.as_ref())?,
            domains,
            members,
            time(*created_at)?,
        ))?,
        Record::WorkspaceMember(WorkspaceMember {
            workspace,
            user,
            role,
            since,
        }) => connection
            .prepare_cached(sql::PUT_WORKSPACE_MEMBER)?
            .execute((
                organization,
                workspace.as_uuid().into_bytes(),
                user.as_uuid().into_bytes(),
                workspace_role_code(*role),
                time(*since)?,
            ))?,
        Record::Domain(Domain {
            id,
            workspace,
            name,
            kind,
            status,
            created_at,
        }) => connection.prepare_cached(sql::PUT_DOMAIN)?.execute((
            organization,
            id.as_uuid().into_bytes(),
            workspace.as_uuid().into_bytes(),
            name.as_str(),
            domain_kind_code(*kind),
            domain_status_code(*status),
            time(*created_at)?,
        ))?,
        Record::RetiredDomainName(RetiredDomainName { name, retired_at }) => connection
            .prepare_cached(sql::PUT_RETIRED)?
            .execute((organization, name.as_str(), time(*retired_at)?))?,
        Record::Invitation(invitation) => put_invitation(connection, organization, invitation)?,
    };
    Ok(())
}

fn put_invitation(
    connection: &Connection,
    organization: &[u8; 16],
    invitation: &Invitation,
) -> Result<usize, SqliteError> {
    let Invitation {
        id,
        email,
        target,
        inviter,
        token_hash,
        sent_at,
        expires_at,
        state,
    } = invitation;
    let role = match target {
        InvitationTarget::Organization { role } => organization_role_code(*role),
        InvitationTarget::Workspace { role, .. } => workspace_role_code(*role),
    };
    let workspace = target.workspace().map(|id| id.as_uuid().into_bytes());
    Ok(connection.prepare_cached(sql::PUT_INVITATION)?.execute((
        organization,
        id.as_uuid().into_bytes(),
        email.as_str(),
        email.key().as_str(),
        workspace,
        role,
        inviter.as_uuid().into_bytes(),
        token_hash.as_bytes(),
        time(*sent_at)?,
        time(*expires_at)?,
        invitation_state_code(*state),
    ))?)
}

fn log(
    connection: &Connection,
    organization_id: &[u8; 16],
    entry: &LogEntry,
) -> Result<(), SqliteError> {
    let LogEntry {
        organization: _,
        version,
        id,
        at,
        author,
        command,
        events,
    } = entry;
    connection.prepare_cached(sql::LOG)?.execute((
        organization_id,
        number(version.get())?,
        id.as_uuid().into_bytes(),
        time(*at)?,
        serde_json::to_string(author)?,
        command,
        serde_json::to_string(events)?,
    ))?;
    Ok(())
}

/// A claim's scope and its key in it.
fn claim_key(claim: &Claim) -> (i64, &str) {
    match claim {
        Claim::DomainName(name) => (0, name.as_str()),
    }
}

fn json<T: serde::Serialize>(value: Option<&T>) -> Result<Option<String>, SqliteError> {
    Ok(value.map(serde_json::to_string).transpose()?)
}

/// A time as SQLite keeps it. Finer ones would come back as others.
fn time(time: DateTime<Utc>) -> Result<i64, SqliteError> {
    if time.timestamp_subsec_nanos() % 1_000_000 == 0 {
        Ok(time.timestamp_millis())
    } else {
        Err(SqliteError::InvalidCommit(
            "a time is finer than a millisecond",
        ))
    }
}

/// A number as SQLite keeps it.
fn number(number: u64) -> Result<i64, SqliteError> {
    i64::try_from(number).map_err(|_| SqliteError::InvalidCommit("a version is too large"))
}
