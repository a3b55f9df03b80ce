//! Stores that are each wrong in one way.

mod claims;
mod columns;
mod commits;
mod departures;
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
mod verification;

use std::collections::BTreeSet;

use handle::{AnyStore, With};
use matrix::RACING;
use store::{Flaw, Store};
use tenancy_conformance::{Report, Verdict, checks, run};

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

/// A check that can't be run kills nobody.
fn is_broken(verdict: Verdict) -> bool {
    verdict.is_err_and(|failure| failure.lacks().is_none())
}

impl Broken {
    /// Which of these checks kill it.
    pub(crate) fn killers(&self, of: &BTreeSet<&'static str>) -> BTreeSet<&'static str> {
        let harness = With(self.fresh);
        let checks = checks::checks().into_iter();
        checks
            .filter(|check| of.contains(check.name))
            .filter(|check| is_broken(tenancy::block_on(check.hold(&harness))))
            .map(|check| check.name)
            .collect()
    }

    /// The checks by which it may be judged: all but those that race, and of those the ones that must kill it.
    pub(crate) fn judges(&self) -> BTreeSet<&'static str> {
        let checks = checks::checks().into_iter();
        let names = checks.map(|check| check.name);
        names
            .filter(|check| !RACING.contains(check) || self.surely.contains(check))
            .collect()
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
        GivesAClaimToEverybody LetsOwnersClaimAgain LooksThenClaims AppliesBeforeItClaims KeepsTheClaimsBeforeTheTaken
        SaysTheWrongClaim ClaimsForConflicts ReleasesForConflicts ReleasesWithTheDomain
        ReleasesAnothers CutsClaims CountsClaims HoldsOnlyLivingNames
        TakesDeadlocksForErrors
    }
    facts {
        ReadsTheVersionLast LocksWhatItReads ReadsNamesFirst MixesReplicas LoadsFromAReplica
        EndsPathsAtTheDomain LeavesAPersonsInvitations SentToBringsNoInvitations SentByBringsNoMembers AddressBringsNoRoles
        SentByBringsNobodyElses InvitationComesAlone OpenInvitationsBringsNoneElsewhere OpenInvitationsBringsNoMembers
        InvitationBringsNoMembers FindsNoOpenInvitations FindsNoWorkspaceByName FindsNoRetiredNames
        AnswersOneKeyOfAKind FindsNamesOfAnybody FindsInvitationsOfAnybody OverwritesTwins
        BringsOneMemberOfAnAddress BringsAHundred HidesDeletedOrganizations
    }
    columns {
        ListsHoldersByTheirBase ListsHoldersOfOneRole ListsHoldersEverywhere FindsNobodyWhoMoved ListsMembersByTheirFirstRole FindsNoNameThatAnotherHad
    }
    departures {
        LosesDepartures LosesDeparturesFromWorkspaces KeepsTheFirstDeparture NeverForgetsDepartures
        ForgetsWhoComesBack InvitationBringsNoFormerMembers InvitationBringsNoneOfTheWorkspace
    }
    lists {
        FillsPagesTooFull StartsAtTheLast PagesByOffset PagesOrganizationsByOffset LooksForTheLastItem
        LeavesOutTheUnreadable EndsAtTheUnreadable
        TakesLimitsForSigned CapsPages OrdersAsSigned OrdersAsSqlServer OrdersNamesAsPeopleDo
        ListsMembersOfEveryRole ListsWorkspaceMembersOfEveryRole ListsNoEmptyWorkspaces
        ListsWorkspacesOfAnybody ListsNoSandboxes ListsKeptNamesOfEverybody
        ListsClosedInvitations
        ListsInvitationsToTheOrganizationOnly ListsTheOrganizationsOfAdmins
        ListsOneInvitationOfAnOrganization NamesTheTwinsWorkspace
        ListsNoDeletedOrganizations FindsNamesByPartOfThem FindsOrganizationsByPattern FindsOrganizationsByTheirFirstName
        FindsWhoInvitesAnAddress FindsAnOrganizationForEachMember ListsTheTwins KeepsAllKindsInOneTable ListsTheLogOfEverybody
        CapsTheLog CapsOrganizations CapsHolders
    }
    log {
        DropsLogEntries LogsUnderAnotherOrganization LogsConflicts LogsTheFirstEvent
        ForgetsOperators DropsWhatALaterVersionSays ForgetsRequests TakesDigestsForNumbers ForgetsParts FindsNobodyElsesCommits FindsTheLastCommitOnly LetsEachUseAnId FailsOnUsedIds
        FailsOnRepeats
    }
    standings {
        StandsOnTwoSnapshots AsksTwice RemembersStandings RemembersGlances GlancesPastEnds IgnoresTheDomainsWorkspace
        LeavesDomainsWhereTheyWere StandsInDeletedWorkspaces StandsWhereNothingIs
        StandsInAnyOrganization TakesTheFirstTwinsRole TakesDeletedForActive SaysNoVersion
        ReadsRolesWithoutTheirTerms LetsSuspendedMembersIn
        ReadsNoOwnRoles ReadsNoKind ReadsRolesAsTheyWereDefined
    }
    verification {
        OverlooksLostRecords OverlooksMisfiledRecords OverlooksLostClaims OverlooksForeignClaims
        SuspectsRetiredNames SuspectsDeletedOrganizations
        OverlooksTheKindsOfDomains OverlooksTheStatusOfDomains OverlooksTheRolesOfInvitations
        OverlooksVersions OverlooksStatus OverlooksSummaries OverlooksSuspensionsInSummaries
    }
    values {
        FoldsCase TrimsTrailingSpaces KnowsNothingBeyondTheBmp CutsText KeepsSeconds EndsIn2038
        CountsIn31Bits KeepsTheKeyOfAnAddress KeepsHashesAsText TakesDeclinedForRevoked
        CountsNothing CountsNoInvitations CountsNoNewcomers LosesLimits ForgetsVatNumbers ForgetsReferencesWithoutAnAddress KeepsTheFirstWriting StampsEveryPut
        LosesLaterFields SkipsOldText ListsNoOddMembers RemovesNoOddMembers IgnoresAccents FindsAddressesByPattern FindsNamesByPattern TakesDomainNamesForNumbers
    }
}
