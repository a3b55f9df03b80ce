//! Auto traits and sizes of public types: what hosts rely on without asking.

use std::fmt::Debug;

use tenancy::commands::{Accepted, Decided, Departure, Invited};
use tenancy::store::{
    AnyRepository, Change, Claim, Commit, Facts, Key, MemoryRepository, Organization,
    OrganizationState, Record, Workspace,
};
use tenancy::token::TokenHash;
use tenancy::views::InvitationView;
use tenancy::{
    Actor, Author, CommitId, ConsistencyToken, Decision, Domain, DomainAction, DomainName, Done,
    EmailAddress, Error, Event, Grant, InvitationToken, LogEntry, Member, Name, Operator,
    OrganizationAction, OrganizationId, Page, Paging, Permit, Refusal, Resource, RoleSet, Settings,
    Standing, Tenancy, UserId, VerifiedEmail, Version, WorkspaceAction,
};

fn travels<T: Send + Sync + Debug + 'static>() {}
fn copies<T: Copy + Send + Sync + 'static>() {}

#[test]
fn everything_may_cross_threads_and_be_printed() {
    travels::<(
        Accepted,
        Actor,
        AnyRepository,
        Author,
        Change,
        Claim,
        Commit,
        ConsistencyToken,
    )>();
    travels::<(
        Decided<()>,
        Decision,
        Departure,
        Domain,
        DomainName,
        Done<()>,
        EmailAddress,
    )>();
    travels::<(
        Error<std::io::Error>,
        Event,
        Facts,
        Grant,
        InvitationToken,
        InvitationView,
        Invited,
    )>();
    travels::<(
        Key,
        LogEntry,
        Member,
        MemoryRepository,
        Name,
        Operator,
        Organization,
    )>();
    travels::<(
        OrganizationState,
        Page<(), ()>,
        Paging<()>,
        Permit<DomainAction>,
        Record,
        Refusal,
    )>();
    travels::<(
        Resource,
        RoleSet,
        Settings,
        Standing,
        Tenancy<MemoryRepository>,
        TokenHash,
    )>();
    travels::<(VerifiedEmail, Version, Workspace)>();
}

#[test]
fn what_a_check_handles_is_small_and_copied() {
    copies::<(
        Standing,
        Decision,
        Grant,
        RoleSet,
        Resource,
        Version,
        ConsistencyToken,
        CommitId,
    )>();
    copies::<(
        OrganizationAction,
        WorkspaceAction,
        DomainAction,
        Permit<DomainAction>,
    )>();
    assert_eq!(size_of::<RoleSet>(), 1);
    assert_eq!(size_of::<OrganizationId>(), 16);
    assert_eq!(size_of::<Option<UserId>>(), 17);
    assert_eq!(size_of::<Resource>(), 33);
    assert!(size_of::<Decision>() <= 16, "{}", size_of::<Decision>());
    assert!(size_of::<Standing>() <= 184, "{}", size_of::<Standing>());
}

#[test]
fn what_is_often_moved_is_not_large() {
    assert!(size_of::<Refusal>() <= 72, "{}", size_of::<Refusal>());
    assert!(
        size_of::<Error<std::io::Error>>() <= 72,
        "{}",
        size_of::<Error<std::io::Error>>()
    );
}

#[test]
fn futures_of_the_facade_may_be_spawned() {
    fn spawnable<T: Send>(_: T) {}
    let tenancy = Tenancy::new(MemoryRepository::new());
    let actor = Actor::unverified(UserId::new());
    let organization = OrganizationId::new();
    spawnable(tenancy.execute(
        &actor,
        tenancy::commands::LeaveOrganization { organization },
    ));
    spawnable(tenancy.check(&actor, organization, OrganizationAction::View));
    spawnable(tenancy.members(&actor, organization, Paging::default()));
    spawnable(tenancy.who_can(
        &actor,
        organization,
        OrganizationAction::View,
        Paging::default(),
    ));
    spawnable(tenancy.reachable_domains(
        &actor,
        organization,
        DomainAction::View,
        Paging::default(),
    ));
}
