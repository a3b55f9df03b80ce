//! Whether the tables are what the log says.

use std::collections::BTreeMap;

use rusqlite::Connection;
use tenancy::OrganizationId;
use tenancy::store::{
    Claim, Drift, Kind, OrganizationState, OrganizationSummary, RecordId, Stored,
};

use crate::commit::holder;
use crate::error::Error;
use crate::load::snapshot;
use crate::rows::{self, Cells, all, cell, one};
use crate::statements;

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
    /// A row can't be read, or SQLite failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Checks an organization as of one moment.
pub(crate) fn verify(
    connection: &Connection,
    organization: OrganizationId,
) -> Result<Result<(), Drift>, Error> {
    let found = snapshot(connection, |connection| read(connection, organization))?;
    Ok(found.and_then(|stored| stored.verify()))
}

/// Everything of one organization. A row of its own whose columns are not what its record says is a drift.
fn read(connection: &Connection, id: OrganizationId) -> Result<Result<Stored, Drift>, Error> {
    let key = id.as_uuid().into_bytes();
    let mut state = OrganizationState::absent(id);
    let row = one(
        connection,
        &statements::ORGANIZATION,
        [key],
        rows::organization,
    )?;
    let summary = one(connection, &statements::SUMMARY, [key], rows::summary)?;
    if let Some((organization, status)) = row {
        let due: Option<OrganizationSummary> = Some(organization.summary());
        let name = one(connection, &statements::NAME_OF, [key], |row| {
            rows::name_key(row, 0)
        })?;
        let named = name.is_some_and(|key| key.is_of(&organization.name));
        if organization.status.code() != status || summary != due || !named {
            return Ok(Err(Drift::Organization));
        }
        state.set_organization(organization);
    }
    let mut misfiled = Vec::new();
    for kind in Kind::ALL {
        read_kind(connection, key, kind, &mut state, &mut misfiled)?;
    }
    Ok(Ok(Stored {
        log: all(connection, &statements::ALL_COMMITS, [key], rows::entry)?,
        claims: claims(connection, &state)?,
        state,
        misfiled,
    }))
}

fn read_kind(
    connection: &Connection,
    key: [u8; 16],
    kind: Kind,
    state: &mut OrganizationState,
    misfiled: &mut Vec<RecordId>,
) -> Result<(), Error> {
    all(connection, &statements::of(kind).all, [key], |row| {
        let record = rows::record(row, 0, kind)?;
        let (id, columns) = (record.id(), record.columns());
        // After the record and the organization come the key and the other columns.
        for (index, value) in (2..).zip(id.key().iter().chain(&columns)) {
            if row.get_ref(index)? != cell(value) {
                misfiled.push(id);
                break;
            }
        }
        state.put(record);
        Ok(())
    })?;
    Ok(())
}

/// The claims that the organization holds, and those on its domains' names, each with its holder.
fn claims(
    connection: &Connection,
    state: &OrganizationState,
) -> Result<BTreeMap<Claim, OrganizationId>, Error> {
    let key = state.id().as_uuid().into_bytes();
    let held = all(connection, &statements::CLAIMS_OF, [key], |row| {
        let cells = Cells::of(row, "claims");
        let scope = cells.code(0, "scope", Some)?;
        let claim = Claim::from_filed(scope, cells.text(1, "key")?);
        let unknown = || cells.unreadable("scope", format!("{scope} stands for nothing").into());
        Ok((claim.ok_or_else(unknown)?, state.id()))
    })?;
    let mut claims: BTreeMap<_, _> = held.into_iter().collect();
    let domains = state.domains().map(|domain| &domain.name);
    let retired = state.retired_names().map(|retired| &retired.name);
    for name in domains.chain(retired) {
        // Another look at one that is held already says the same.
        let claim = Claim::DomainName(name.clone());
        if let Some(holder) = holder(connection, &claim)? {
            claims.insert(claim, holder);
        }
    }
    Ok(claims)
}
