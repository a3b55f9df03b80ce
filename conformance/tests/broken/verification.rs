//! Verification that looks away, or sees what isn't there.

use tenancy::OrganizationId;
use tenancy::store::{Claim, Drift, Kind};

use super::store::{Columns, Data, Flaw};

/// A store that overlooks some kinds of drift.
macro_rules! overlooks {
    ($($name:ident: $does:literal, $drift:pat => $found:expr,)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn verify(data: &Data, id: OrganizationId) -> Result<(), Drift> {
                match data.verify(id, Columns::eq) {
                    Err($drift) => $found,
                    found => found,
                }
            }
        }
    )+};
}

overlooks! {
    OverlooksLostRecords: "verification compares the records that are there with the log, and misses those that aren't",
        Drift::Records { missing, foreign, different } => if foreign.is_empty() && different.is_empty() {
            Ok(())
        } else {
            Err(Drift::Records { missing, foreign, different })
        },
    OverlooksMisfiledRecords: "verification doesn't look at the columns",
        Drift::Misfiled(_) => Ok(()),
    OverlooksLostClaims: "verification looks at the claims that an organization holds, not at those it should hold",
        Drift::ClaimLost { .. } => Ok(()),
    OverlooksForeignClaims: "verification doesn't look for claims that an organization holds for nothing",
        Drift::ClaimForeign(_) => Ok(()),
}

/// A store whose verification leaves some columns out, of a kind's table or of an organization's own row.
macro_rules! compares {
    ($($name:ident: $does:literal, all but $kind:ident.$column:literal,)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn verify(data: &Data, id: OrganizationId) -> Result<(), Drift> {
                let mut seen = data.clone();
                seen.misfiled.retain(|(_, record, column), _| {
                    record.kind() != Kind::$kind || *column != $column
                });
                seen.verify(id, Columns::eq)
            }
        }
    )+};
    ($($name:ident: $does:literal, rows by $agree:expr,)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn verify(data: &Data, id: OrganizationId) -> Result<(), Drift> {
                data.verify(id, $agree)
            }
        }
    )+};
}

compares! {
    OverlooksTheKindsOfDomains: "verification doesn't compare a domain's kind with its column",
        all but Domain."kind",
    OverlooksTheStatusOfDomains: "verification doesn't compare a domain's status with its column",
        all but Domain."status",
    OverlooksTheRolesOfInvitations: "verification doesn't compare the role that an invitation offers with its column",
        all but Invitation."role",
}

compares! {
    OverlooksVersions: "verification doesn't compare an organization's version with its column",
        rows by |found, due| found.status == due.status && found.summary == due.summary,
    OverlooksStatus: "verification doesn't compare an organization's status with its column",
        rows by |found, due| found.version == due.version && found.summary == due.summary,
    OverlooksSummaries: "verification doesn't compare what lists across organizations tell",
        rows by |found, due| found.version == due.version && found.status == due.status,
    OverlooksSuspensionsInSummaries: "verification leaves one field out of what lists across organizations tell",
        rows by |found, due| {
            let suspension = due.summary.suspension.clone();
            let mut found = found.clone();
            found.summary.suspension = suspension;
            found == *due
        },
}

#[derive(Default)]
pub(crate) struct SuspectsRetiredNames;

impl Flaw for SuspectsRetiredNames {
    const DOES: &'static str =
        "verification takes the claim on a deleted domain's name for one too many";

    fn verify(data: &Data, id: OrganizationId) -> Result<(), Drift> {
        data.verify(id, Columns::eq)?;
        let Some(stored) = data.stored(id) else {
            return Ok(());
        };
        let retired = stored.state.retired_names().next();
        retired.map_or(Ok(()), |retired| {
            Err(Drift::ClaimForeign(Claim::DomainName(retired.name.clone())))
        })
    }
}

#[derive(Default)]
pub(crate) struct SuspectsDeletedOrganizations;

impl Flaw for SuspectsDeletedOrganizations {
    const DOES: &'static str =
        "verification takes the row of a deleted organization for one too many";

    fn verify(data: &Data, id: OrganizationId) -> Result<(), Drift> {
        let Some(stored) = data.stored(id) else {
            return Ok(());
        };
        match stored.state.organization() {
            Some(organization) if !organization.is_active() => Err(Drift::Organization),
            _ => data.verify(id, Columns::eq),
        }
    }
}
