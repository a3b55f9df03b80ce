//! Whether the tables are what the log says.

use std::collections::BTreeSet;

use rusqlite::Connection;
use tenancy::store::{Claim, Drift, OrganizationState, Record, RetiredDomainName};
use tenancy::{Domain, DomainName, LogEntry, OrganizationId};

use crate::commit::holder;
use crate::error::SqliteError;
use crate::load::snapshot;
use crate::rows::{Cells, FromRow, all, one};
use crate::sql;

/// Why an organization is not known to be in order: what [`SqliteRepository::verify`] found.
///
/// [`SqliteRepository::verify`]: crate::SqliteRepository::verify
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The tables are not what the log makes, or break an invariant: something other than this library
    /// has written them.
    #[error(transparent)]
    Drift(#[from] Drift),
    /// The organization has a domain, or keeps the name of one, but doesn't hold the claim on that name.
    #[error("{claim} is the organization's, but the claim on it is not")]
    ClaimLost {
        /// The claim.
        claim: Claim,
        /// Who holds it instead.
        holder: Option<OrganizationId>,
    },
    /// The organization holds a claim on a name that is none of its.
    #[error("the organization holds the claim on {claim} for nothing")]
    ClaimForeign {
        /// The claim.
        claim: Claim,
    },
    /// A row can't be read, or SQLite failed.
    #[error(transparent)]
    Store(#[from] SqliteError),
}

impl From<rusqlite::Error> for VerifyError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Everything of one organization, as one snapshot.
struct Everything {
    state: OrganizationState,
    log: Vec<LogEntry>,
    /// The names that the organization has or keeps, each with the holder of its claim.
    claims: Vec<(DomainName, Option<OrganizationId>)>,
    /// The names that the organization holds the claim on.
    held: BTreeSet<DomainName>,
}

pub(crate) fn verify(
    connection: &Connection,
    organization: OrganizationId,
) -> Result<Result<(), VerifyError>, SqliteError> {
    let everything = snapshot(connection, |connection| read(connection, organization))?;
    Ok(judge(organization, everything))
}

fn judge(organization: OrganizationId, everything: Everything) -> Result<(), VerifyError> {
    let Everything {
        state,
        log,
        claims,
        mut held,
    } = everything;
    tenancy::store::verify(&state, &log)?;
    for (name, holder) in claims {
        held.remove(&name);
        if holder != Some(organization) {
            let claim = Claim::DomainName(name);
            return Err(VerifyError::ClaimLost { claim, holder });
        }
    }
    match held.pop_first() {
        None => Ok(()),
        Some(name) => Err(VerifyError::ClaimForeign {
            claim: Claim::DomainName(name),
        }),
    }
}

fn read(connection: &Connection, id: OrganizationId) -> Result<Everything, SqliteError> {
    let key = id.as_uuid().into_bytes();
    let mut state = OrganizationState::absent(id);
    if let Some(organization) = one(connection, sql::ORGANIZATION, [key])? {
        state.set_organization(organization);
    }
    let mut records = Vec::new();
    each(
        connection,
        sql::ALL_MEMBERS,
        key,
        &mut records,
        Record::Member,
    )?;
    each(
        connection,
        sql::ALL_WORKSPACES,
        key,
        &mut records,
        Record::Workspace,
    )?;
    each(
        connection,
        sql::ALL_WORKSPACE_MEMBERS,
        key,
        &mut records,
        Record::WorkspaceMember,
    )?;
    each(
        connection,
        sql::ALL_DOMAINS,
        key,
        &mut records,
        Record::Domain,
    )?;
    each(
        connection,
        sql::ALL_RETIRED,
        key,
        &mut records,
        Record::RetiredDomainName,
    )?;
    each(
        connection,
        sql::ALL_INVITATIONS,
        key,
        &mut records,
        Record::Invitation,
    )?;
    let mut claims = Vec::new();
    for record in records {
        if let Record::Domain(Domain { name, .. })
        | Record::RetiredDomainName(RetiredDomainName { name, .. }) = &record
        {
            let holder = holder(connection, &Claim::DomainName(name.clone()))?;
            claims.push((name.clone(), holder));
        }
        state.put(record);
    }
    Ok(Everything {
        state,
        log: all(connection, sql::ALL_COMMITS, [key])?,
        claims,
        held: held(connection, key)?,
    })
}

fn each<T: FromRow>(
    connection: &Connection,
    sql: &'static str,
    key: [u8; 16],
    records: &mut Vec<Record>,
    record: fn(T) -> Record,
) -> Result<(), SqliteError> {
    records.extend(all(connection, sql, [key])?.into_iter().map(record));
    Ok(())
}

fn held(connection: &Connection, key: [u8; 16]) -> Result<BTreeSet<DomainName>, SqliteError> {
    let mut statement = connection.prepare_cached(sql::CLAIMS_OF)?;
    let mut rows = statement.query([key])?;
    let mut held = BTreeSet::new();
    while let Some(row) = rows.next()? {
        held.insert(Cells::of(row, "tenancy_claims").text(0, "key", DomainName::new)?);
    }
    Ok(held)
}
