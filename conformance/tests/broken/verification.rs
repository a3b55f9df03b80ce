//! Verification that looks away, or sees what isn't there.

use tenancy::OrganizationId;
use tenancy::store::{Claim, Drift};

use super::store::{Data, Flaw};

/// A store that overlooks some kinds of drift.
macro_rules! overlooks {
    ($($name:ident: $does:literal, $drift:pat => $found:expr,)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn verify(data: &Data, id: OrganizationId) -> Result<(), Drift> {
                match data.stored(id).map_or(Ok(()), |stored| stored.verify()) {
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

#[derive(Default)]
pub(crate) struct SuspectsRetiredNames;

impl Flaw for SuspectsRetiredNames {
    const DOES: &'static str =
        "verification takes the claim on a deleted domain's name for one too many";

    fn verify(data: &Data, id: OrganizationId) -> Result<(), Drift> {
        let Some(stored) = data.stored(id) else {
            return Ok(());
        };
        stored.verify()?;
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
            _ => stored.verify(),
        }
    }
}
