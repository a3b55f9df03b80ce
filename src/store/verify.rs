//! Whether what a store keeps is what its log says.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::OrganizationId;
use crate::later::Later;
use crate::log::LogEntry;
use crate::organization::{InvoicingInformation, Organization};
use crate::record::{Claim, Record, RecordId};
use crate::state::{Inconsistency, OrganizationState, Violation};

/// How a store differs from its log, or from the rulebook: something other than this library has written
/// it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Drift {
    /// The log itself can't be replayed: something else has written it, or a later version, whose events this one
    /// doesn't know ([`Inconsistency::UnknownEvent`]). Ask that version.
    #[error("the log contradicts itself: {0}")]
    Inconsistency(#[from] Inconsistency),
    /// The organization's own row is not the one that the log makes.
    #[error("the organization's row is not the one that the log makes")]
    Organization,
    /// The records are not those that the log makes.
    #[error(
        "of the log's records, {} are missing and {} are different; {} are not the log's",
        .missing.len(), .different.len(), .foreign.len()
    )]
    Records {
        /// The log makes them, but the store has them not.
        missing: Vec<RecordId>,
        /// The store has them, but the log doesn't make them.
        foreign: Vec<RecordId>,
        /// The store has them, but not as the log makes them.
        different: Vec<RecordId>,
    },
    /// A record is kept under columns that are not its own ([`Record::columns`]): by its name, its address
    /// or its role it isn't found, or somebody else is.
    #[error("{0} is kept under a name, an address, a role or a state that is not its own")]
    Misfiled(RecordId),
    /// The organization has a domain, or keeps the name of one, but doesn't hold the claim on that name.
    #[error("the organization's {claim} is not claimed for it")]
    ClaimLost {
        /// The claim.
        claim: Claim,
        /// Who holds it instead.
        holder: Option<OrganizationId>,
    },
    /// The organization holds a claim on a name that is none of its.
    #[error("the organization holds the claim on {0} for nothing")]
    ClaimForeign(Claim),
    /// The store and its log agree, on something that the rulebook forbids.
    #[error(transparent)]
    Violation(#[from] Violation),
}

/// All that a store keeps of one organization, of one moment, to be [verified](Self::verify).
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its row and all its records.
    pub state: OrganizationState,
    /// Its whole log, oldest first.
    pub log: Vec<LogEntry>,
    /// The claims that it holds, and those on its domains' names, whoever holds them: each with its holder.
    pub claims: BTreeMap<Claim, OrganizationId>,
    /// The records that are kept under other columns than [`Record::columns`].
    pub misfiled: Vec<RecordId>,
}

impl Stored {
    /// Checks that an organization, as a store keeps it, is what its log makes of it, that it breaks no
    /// invariant of the rulebook, that each record is found by what it says, and that the organization
    /// holds the claims that it should and no others.
    ///
    /// It takes time in proportion to the organization and its history: for tests, for a job at night, and
    /// before a restored backup goes into use. Stores offer it as a method of theirs.
    ///
    /// ```
    /// use tenancy::store::{Drift, Stored};
    ///
    /// fn report(stored: &Stored) {
    ///     match stored.verify() {
    ///         Ok(()) => println!("{} is in order", stored.state.id()),
    ///         Err(Drift::Records { missing, .. }) => println!("lost: {missing:?}"),
    ///         Err(drift) => println!("{drift}"),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The first [`Drift`] found.
    pub fn verify(&self) -> Result<(), Drift> {
        let id = self.state.id();
        same(&self.state, &OrganizationState::replay(id, &self.log)?)?;
        self.state.validate()?;
        if let Some(record) = self.misfiled.first() {
            return Err(Drift::Misfiled(record.clone()));
        }
        let domains = self.state.domains().map(|domain| &domain.name);
        let retired = self.state.retired_names().map(|retired| &retired.name);
        let mut due = BTreeSet::new();
        for name in domains.chain(retired) {
            let claim = Claim::DomainName(name.clone());
            let holder = self.claims.get(&claim).copied();
            if holder != Some(id) {
                return Err(Drift::ClaimLost { claim, holder });
            }
            due.insert(claim);
        }
        let mut held = self.claims.iter().filter(|(_, holder)| **holder == id);
        match held.find(|(claim, _)| !due.contains(*claim)) {
            Some((claim, _)) => Err(Drift::ClaimForeign(claim.clone())),
            None => Ok(()),
        }
    }
}

/// Whether a store keeps what a log makes, to the letter.
pub(crate) fn same(stored: &OrganizationState, made: &OrganizationState) -> Result<(), Drift> {
    let rows = (stored.organization(), made.organization());
    let rows_agree = match rows {
        (None, None) => true,
        (Some(stored), Some(made)) => same_row(stored, made),
        _ => false,
    };
    if !rows_agree {
        return Err(Drift::Organization);
    }
    let mut made: BTreeMap<RecordId, Record> = by_id(made);
    let (mut foreign, mut different) = (Vec::new(), Vec::new());
    for (id, record) in by_id(stored) {
        match made.remove(&id) {
            None => foreign.push(id),
            Some(made) if same_record(&record, &made) => {}
            Some(_) => different.push(id),
        }
    }
    let missing: Vec<_> = made.into_keys().collect();
    if missing.is_empty() && foreign.is_empty() && different.is_empty() {
        return Ok(());
    }
    Err(Drift::Records {
        missing,
        foreign,
        different,
    })
}

fn by_id(state: &OrganizationState) -> BTreeMap<RecordId, Record> {
    state
        .records()
        .map(|record| (record.id(), record))
        .collect()
}

// Records are compared as they are written, because two e-mail addresses are equal if they are one mailbox,
// and `==` alone would let a store forget how they were typed. What a later version keeps with a record, and
// keys that older tables of Unicode made, are not the log's to know.

fn same_row(a: &Organization, b: &Organization) -> bool {
    let plain = |organization: &Organization| {
        let mut plain = organization.clone();
        plain.later = Later::default();
        for role in &mut plain.roles {
            role.name_key = role.name.key();
            role.later = Later::default();
        }
        plain
    };
    plain(a) == plain(b) && same_invoicing(a.invoicing.as_ref(), b.invoicing.as_ref())
}

fn same_record(a: &Record, b: &Record) -> bool {
    if plain(a.clone()) != plain(b.clone()) {
        return false;
    }
    match (a, b) {
        (Record::Member(a), Record::Member(b)) => a.email.is_typed_as(&b.email),
        (Record::Invitation(a), Record::Invitation(b)) => a.email.is_typed_as(&b.email),
        (Record::Workspace(a), Record::Workspace(b)) => {
            same_invoicing(a.invoicing.as_ref(), b.invoicing.as_ref())
        }
        _ => true,
    }
}

fn plain(mut record: Record) -> Record {
    if let Record::Workspace(workspace) = &mut record {
        workspace.name_key = workspace.name.key();
    }
    *record.later_mut() = Later::default();
    record
}

fn same_invoicing(a: Option<&InvoicingInformation>, b: Option<&InvoicingInformation>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.is_written_as(b),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::tests::{Acme, email, joined, name};
    use crate::version::Version;
    use crate::{OrganizationRole, UserId};

    fn kept(acme: &Acme) -> (OrganizationState, Vec<LogEntry>) {
        (acme.store.state(acme.id).unwrap(), acme.log())
    }

    fn verify(state: &OrganizationState, log: &[LogEntry]) -> Result<(), Drift> {
        let stored = Stored {
            state: state.clone(),
            log: log.to_vec(),
            claims: BTreeMap::new(),
            misfiled: Vec::new(),
        };
        stored.verify()
    }

    #[test]
    fn what_the_log_makes_is_in_order() {
        let (stored, log) = kept(&Acme::new());
        assert_eq!(verify(&stored, &log), Ok(()));
    }

    #[test]
    fn a_log_with_a_gap_is_found() {
        let acme = Acme::new();
        acme.happens([joined(UserId::new(), OrganizationRole::Member)]);
        let (stored, log) = kept(&acme);
        assert_eq!(
            verify(&stored, &log[1..]),
            Err(Drift::Inconsistency(Inconsistency::Version {
                after: Version::ABSENT,
                found: Version::new(2),
            }))
        );
    }

    #[test]
    fn a_log_without_its_end_is_found() {
        let acme = Acme::new();
        acme.happens([joined(UserId::new(), OrganizationRole::Member)]);
        let (stored, log) = kept(&acme);
        assert_eq!(verify(&stored, &log[..1]), Err(Drift::Organization));
        assert_eq!(verify(&stored, &[]), Err(Drift::Organization));
    }

    #[test]
    fn a_row_that_something_else_wrote_is_found() {
        let (mut stored, log) = kept(&Acme::new());
        let mut row = stored.organization().unwrap().clone();
        row.name = name("Globex");
        stored.set_organization(row);
        assert_eq!(verify(&stored, &log), Err(Drift::Organization));
    }

    #[test]
    fn records_that_something_else_wrote_are_found() {
        let acme = Acme::new();
        let (bob, cy) = (UserId::new(), UserId::new());
        acme.happens([joined(bob, OrganizationRole::Member)]);
        let (mut stored, log) = kept(&acme);
        let ann = stored.member(acme.ann).unwrap().clone();
        let typed = ann.email.as_str().to_uppercase();
        stored.delete(&RecordId::Member(bob));
        stored.put(Record::Member(crate::Member {
            user: cy,
            ..ann.clone()
        }));
        stored.put(Record::Member(crate::Member {
            email: email(&typed), // the same mailbox, typed in another way
            ..ann
        }));
        let drift = verify(&stored, &log).unwrap_err();
        assert_eq!(
            drift,
            Drift::Records {
                missing: vec![RecordId::Member(bob)],
                foreign: vec![RecordId::Member(cy)],
                different: vec![RecordId::Member(acme.ann)],
            }
        );
        assert_eq!(
            drift.to_string(),
            "of the log's records, 1 are missing and 1 are different; 1 are not the log's"
        );
    }
}
