//! Stores that are each wrong in one way.

mod claims;
mod commits;
mod facts;
mod handle;
mod interruptions;
mod items;
mod lists;
mod log;
pub(crate) mod matrix;
mod standings;
pub(crate) mod store;
mod values;

use std::collections::BTreeSet;

use handle::{AnyStore, With};
use matrix::RACING;
use store::{Flaw, Store};
use tenancy_conformance::{Report, checks, run};

/// A broken store.
pub(crate) struct Broken {
    pub(crate) name: &'static str,
    pub(crate) does: &'static str,
    pub(crate) surely: &'static [&'static str],
    fresh: fn() -> Box<dyn AnyStore>,
}

pub(crate) fn fresh<F: Flaw>() -> Box<dyn AnyStore> {
    Box::new(Store::<F>::new())
}

/// Does every check.
pub(crate) fn report(fresh: fn() -> Box<dyn AnyStore>) -> Report {
    tenancy::block_on(run(&With(fresh)))
}

impl Broken {
    /// Which checks kill it, of all but those that race, and of those if they must.
    pub(crate) fn killers(&self) -> BTreeSet<&'static str> {
        let harness = With(self.fresh);
        let mut killers = BTreeSet::new();
        for check in checks::checks::<With>() {
            let certain = !RACING.contains(&check.name) || self.surely.contains(&check.name);
            if certain && tenancy::block_on(check.hold(&harness)).is_err() {
                killers.insert(check.name);
            }
        }
        killers
    }
}

macro_rules! stores {
    ($($file:ident { $($flaw:ident)* })*) => {
        /// Every one of them.
        pub(crate) fn all() -> Vec<Broken> {
            vec![$($(
                Broken {
                    name: stringify!($flaw),
                    does: $file::$flaw::DOES,
                    surely: $file::$flaw::SURELY,
                    fresh: fresh::<$file::$flaw>,
                },
            )*)*]
        }
    };
}

stores! {
    commits {
        IgnoresExpected ComparesThenWrites LocksEachHandle RacesToCreate CreatesOver
        AcceptsTheFuture TakesNoRowsForSuccess RetriesInside MakesRepeatsTwice AnswersRepeats
        AppliesRecordsOfConflicts LosesDeletes LosesRetiredNames KeepsWhatIsThere MergesPuts
        MergesOrganizations SkipsVersions RemembersPerHandle StarvesLosers TakesBusyForAnError
        LosesDeletesUnderLoad CutsLargeCommits CutsLongEntries LooksAtClaimsFirst
    }
    interruptions {
        HalfDoneWhenDropped LogsLater LosesItsConnectionToDroppedCommits
        LosesItsConnectionToDroppedReads LosesOneConnectionOfMany LeavesATransactionOpen
        AcknowledgesTooEarly ForgetsClaimsWhenClosed
    }
    claims {
        GivesAClaimToEverybody LooksThenClaims AppliesBeforeItClaims KeepsTheClaimsBeforeTheTaken
        SaysTheWrongClaim ClaimsForConflicts ReleasesForConflicts ReleasesWithTheDomain
        ReleasesAnothers CutsClaims CountsClaims HoldsOnlyLivingNames
        TakesDeadlocksForErrors
    }
    facts {
        ReadsTheVersionLast LocksWhatItReads ReadsNamesFirst MixesReplicas LoadsFromAReplica
        EndsPathsAtTheDomain LeavesAPersonsInvitations SentByBringsNoMembers AddressBringsNoRoles
        InvitationBringsNoMembers FindsNoOpenInvitations FindsNoWorkspaceByName FindsNoRetiredNames
        AnswersOneKeyOfAKind FindsNamesOfAnybody FindsInvitationsOfAnybody OverwritesTwins
        BringsOneMemberOfAnAddress BringsAHundred HidesDeletedOrganizations
    }
    lists {
        FillsPagesTooFull StartsAtTheLast PagesByOffset PagesOrganizationsByOffset LooksForTheLastItem
        TakesLimitsForSigned OrdersAsSigned OrdersAsSqlServer
        ListsMembersOfEveryRole ListsWorkspaceMembersOfEveryRole ListsNoEmptyWorkspaces
        ListsWorkspacesOfAnybody ListsNoSandboxes ListsClosedInvitations
        ListsInvitationsToTheOrganizationOnly ListsTheOrganizationsOfAdmins
        ListsOneInvitationOfAnOrganization ListsTheTwins ListsTheLogOfEverybody
    }
    log {
        DropsLogEntries LogsUnderAnotherOrganization LogsConflicts LogsTheFirstEvent
        ForgetsOperators FindsCommitsOfAnybody FindsTheLastCommitOnly WantsCommitIdsUnique
        FailsOnRepeats
    }
    standings {
        StandsOnTwoSnapshots AsksTwice RemembersStandings IgnoresTheDomainsWorkspace
        LeavesDomainsWhereTheyWere StandsInDeletedWorkspaces StandsWhereNothingIs
        StandsInAnyOrganization TakesTheFirstTwinsRole SaysNoVersion
    }
    values {
        FoldsCase TrimsTrailingSpaces KnowsNothingBeyondTheBmp CutsText KeepsSeconds EndsIn2038
        CountsIn31Bits KeepsTheKeyOfAnAddress KeepsHashesAsText TakesDeclinedForRevoked
        CountsNothing CountsNoInvitations ForgetsVatNumbers KeepsTheFirstWriting StampsEveryPut
        IgnoresAccents FindsAddressesByPattern TakesDomainNamesForNumbers
    }
}
