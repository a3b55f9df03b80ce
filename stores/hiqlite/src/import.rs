//! From an embedded file to a cluster: the rows of a file of `tenancy-sqlite`, brought in through the log.

use std::path::Path;

use hiqlite::Param;
use tenancy::OrganizationId;
use tenancy_sqlite::rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row};
use tenancy_sqlite::{migrate, tables};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::cluster::{Cluster, Step, param, size};
use crate::commit::WRITE;
use crate::error::Error;

/// What is in the file, in the order in which it is brought in. Organizations come last: until then nobody sees any, and a
/// domain's name is claimed before its organization is there.
const TABLES: [&str; 13] = [
    "tenancy_claims",
    "tenancy_commits",
    "tenancy_organization_names",
    "tenancy_members",
    "tenancy_workspaces",
    "tenancy_workspace_members",
    "tenancy_domains",
    "tenancy_retired_domain_names",
    "tenancy_invitations",
    "tenancy_former_members",
    "tenancy_outbox",
    "tenancy_outbox_parked",
    "tenancy_organizations",
];

/// How large a transaction is made at most, if no row is larger. A node holds two of them at a time.
const PART: usize = 256 * 1024;

/// Brings the file in; how many rows it has.
pub(crate) async fn import(cluster: &Cluster, path: &Path) -> Result<u64, Error> {
    let there = cluster.read_latest(organizations).await?;
    let (path, part) = (path.to_owned(), PART.min(cluster.limit));
    let (found, mut finds) = mpsc::channel(1);
    let reads = spawn_blocking(move || read(&path, &there, part, &found));
    let mut rows = 0_u64;
    while let Some(steps) = finds.recv().await {
        let steps: Vec<Step> = steps;
        let (bytes, limit) = (size(&steps), cluster.limit);
        if bytes > limit {
            return Err(Error::TooLarge { bytes, limit });
        }
        rows = rows.saturating_add(u64::try_from(steps.len()).unwrap_or(u64::MAX));
        let write = (WRITE.into(), Vec::new());
        let steps = [write].into_iter().chain(steps).collect();
        cluster.transaction(steps).await?;
    }
    reads.await.map_err(|_| Error::Stopped)??;
    Ok(rows)
}

/// The organizations and their versions.
fn organizations(connection: &Connection) -> Result<Vec<([u8; 16], i64)>, Error> {
    let mut all = connection.prepare("SELECT id, version FROM tenancy_organizations")?;
    let rows = all.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads the file as of one moment, part by part.
fn read(
    path: &Path,
    there: &[([u8; 16], i64)],
    part: usize,
    found: &mpsc::Sender<Vec<Step>>,
) -> Result<(), Error> {
    // Not `CREATE`: a file that isn't there is a mistake.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut file = Connection::open_with_flags(path, flags)?;
    migrate(&mut file)?;
    tables::check_schema(&file)?;
    let snapshot = file.transaction()?;
    for (id, version) in there {
        let in_file = snapshot
            .prepare_cached("SELECT version FROM tenancy_organizations WHERE id = ?1")?
            .query_row([id], |row| row.get::<_, i64>(0))
            .optional()?;
        if in_file != Some(*version) {
            let id = OrganizationId::from_uuid(Uuid::from_bytes(*id));
            return Err(Error::NotEmpty(id));
        }
    }
    for table in TABLES {
        let mut all = snapshot.prepare(&format!("SELECT * FROM {table}"))?;
        let columns = all.column_names().join(", ");
        let width = all.column_count();
        let places: Vec<String> = (1..=width).map(|number| format!("?{number}")).collect();
        // What is there already was brought in by an import that didn't end.
        let text = format!(
            "INSERT OR IGNORE INTO {table} ({columns}) VALUES ({})",
            places.join(", ")
        );
        let (mut steps, mut bytes) = (Vec::new(), 0_usize);
        let mut rows = all.query(())?;
        while let Some(row) = rows.next()? {
            let step = (text.clone().into(), values(row, width)?);
            let size = size(core::slice::from_ref(&step));
            if bytes.saturating_add(size) > part && !steps.is_empty() {
                // Nobody takes it any more: what went wrong there is said there.
                if found.blocking_send(core::mem::take(&mut steps)).is_err() {
                    return Ok(());
                }
                bytes = 0;
            }
            bytes = bytes.saturating_add(size);
            steps.push(step);
        }
        if !steps.is_empty() && found.blocking_send(steps).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn values(row: &Row<'_>, width: usize) -> Result<Vec<Param>, Error> {
    let values = (0..width).map(|index| Ok(param(row.get(index)?)));
    values.collect()
}
