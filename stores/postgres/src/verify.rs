//! Whether the tables are what the log says.

use std::collections::{BTreeMap, BTreeSet};

use tenancy::store::{Claim, Drift, OrganizationState, Record, RecordId, RetiredDomainName};
use tenancy::{Domain, OrganizationId};

use crate::rows::DecodeError;
use crate::statements::Everything;

/// Why an organization is not known to be in order: what [`Everything::verify`] found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The tables are not what the log makes, or break an invariant: something other than this library
    /// has written them.
    #[error(transparent)]
    Drift(#[from] Drift),
    /// A record can't be found by its name or address: the folded text beside it is not its own.
    #[error("{record} is kept under a name or an address that is not its own")]
    Misfiled {
        /// The record.
        record: RecordId,
    },
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
    /// A row was not written by this library, or by a newer version of it.
    #[error("the database holds what this version can't read")]
    Decode(#[from] DecodeError),
    /// The database or the way to it.
    #[cfg(feature = "sqlx")]
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Everything {
    /// Checks that an organization is what its log makes of it, that it breaks no invariant of the rulebook,
    /// and that it holds the claims that it should. One that doesn't exist is in order.
    ///
    /// # Errors
    ///
    /// - [`VerifyError::Drift`], [`VerifyError::Misfiled`], [`VerifyError::ClaimLost`],
    ///   [`VerifyError::ClaimForeign`]: something other than this library has written the tables.
    pub fn verify(self, organization: OrganizationId) -> Result<(), VerifyError> {
        let mut state = OrganizationState::absent(organization);
        if let Some(row) = self.organization {
            state.set_organization(row);
        }
        let mut claims: BTreeSet<Claim> = BTreeSet::new();
        for record in self.records {
            if let Record::Domain(Domain { name, .. })
            | Record::RetiredDomainName(RetiredDomainName { name, .. }) = &record
            {
                claims.insert(Claim::DomainName(name.clone()));
            }
            state.put(record);
        }
        tenancy::store::verify(&state, &self.log)?;
        if let Some(record) = self.misfiled.into_iter().next() {
            return Err(VerifyError::Misfiled { record });
        }
        let mut holders: BTreeMap<Claim, OrganizationId> = self.claims.into_iter().collect();
        for claim in claims {
            let holder = holders.remove(&claim);
            if holder != Some(organization) {
                return Err(VerifyError::ClaimLost { claim, holder });
            }
        }
        match holders.pop_first() {
            None => Ok(()),
            Some((claim, _)) => Err(VerifyError::ClaimForeign { claim }),
        }
    }
}
