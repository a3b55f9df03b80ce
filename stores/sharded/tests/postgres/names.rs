//! One name, wanted by organizations on different shards at the same moment.

use std::num::NonZeroU32;
use std::time::Duration;

use tenancy::commands::{CreateDomain, CreateOrganization};
use tenancy::store::{Claim, Directory as _};
use tenancy::{
    CommitId, DomainKind, DomainName, Error, Limits, Name, OrganizationId, Refusal, Settings,
    Tenancy, WorkspaceId,
};
use tenancy_conformance::Harness as _;
use tenancy_sharded::Registry as _;
use tokio::time::timeout;

use crate::databases::tested;
use crate::shards::{Shards, Store, ann, id_on};

pub(crate) async fn organization_on(store: &Store, shard: &str) -> (OrganizationId, WorkspaceId) {
    let id = CommitId::from_uuid(id_on(store, shard).as_uuid());
    let create = CreateOrganization {
        name: Name::new("Acme").unwrap(),
    };
    let unlimited = Settings {
        default_limits: Limits::UNLIMITED,
        ..Settings::default()
    };
    let tenancy = Tenancy::new(store).with_settings(unlimited);
    let created = tenancy.execute_as(id, &ann(), create).await;
    let created = created.unwrap().output;
    (created.organization, created.workspace)
}

pub(crate) fn domain(of: (OrganizationId, WorkspaceId), name: &str) -> CreateDomain {
    CreateDomain {
        organization: of.0,
        workspace: of.1,
        name: DomainName::new(name).unwrap(),
        kind: DomainKind::Production,
    }
}

/// After the janitor: nothing is pending, and the registry says what the shards say.
pub(crate) async fn are_settled(store: &Store, organizations: &[OrganizationId]) {
    let _ = store.settle().await.unwrap();
    let most = NonZeroU32::MAX;
    assert_eq!(store.registry().attempts(None, most).await.unwrap(), []);
    for row in store.registry().claims(None, most).await.unwrap() {
        let tenancy_sharded::Name::Claim(claim) = &row.name else {
            panic!("{row:?}");
        };
        let mut holders = Vec::new();
        for shard in store.shards() {
            holders.extend(shard.store().claimed_by(claim).await.unwrap());
        }
        assert_eq!(holders, [row.organization]);
    }
    for id in organizations {
        let shard = store.shard_of(*id).unwrap();
        shard.store().verify(*id).await.unwrap();
    }
}

/// Two on different shards want the same names, in turns each by itself and together.
async fn two_want(names: u32) {
    let harness = Shards::default();
    let one = harness.fresh().await;
    let other = harness.another(&one).await;
    let left = organization_on(&one, "a").await;
    let right = organization_on(&one, "b").await;
    let (left_tenancy, right_tenancy) = (Tenancy::new(&one), Tenancy::new(&other));
    let mut won = [0_u32; 2];
    for number in 0..names {
        let name = format!("wanted-{number}");
        let actor = ann();
        let (first, second) = tokio::join!(
            left_tenancy.execute(&actor, domain(left, &name)),
            right_tenancy.execute(&actor, domain(right, &name)),
        );
        match (first, second) {
            (Ok(_), Err(Error::Refused(Refusal::DomainNameTaken { .. }))) => won[0] += 1,
            (Err(Error::Refused(Refusal::DomainNameTaken { .. })), Ok(_)) => won[1] += 1,
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(won[0] + won[1], names);
    are_settled(&one, &[left.0, right.0]).await;
}

#[test]
fn d2_one_name_wanted_by_two_on_different_shards() {
    tested(two_want(100));
}

#[test]
#[ignore = "10,000 times, for minutes"]
fn d2_one_name_wanted_by_two_on_different_shards_10_000_times() {
    tested(two_want(10_000));
}

/// Whoever is stopped anywhere leaves nothing that others or the janitor don't finish.
async fn with_stops(rounds: u64) {
    let harness = Shards::default();
    let store = harness.fresh().await;
    let owners = [
        organization_on(&store, "a").await,
        organization_on(&store, "b").await,
        organization_on(&store, "c").await,
    ];
    let mut stopped = 0;
    for round in 0..rounds {
        let name = format!("storm-{round}");
        let mut tasks = Vec::new();
        for (number, owner) in (0..).zip(owners) {
            let (store, command) = (store.clone(), domain(owner, &name));
            // A commit takes a few milliseconds: it is dropped at its first steps, at its last, or not at all.
            let patience = Duration::from_micros((round * 3 + number) * 7_919 % 12_000);
            tasks.push(tokio::spawn(async move {
                let tenancy = Tenancy::new(store);
                timeout(patience, tenancy.execute(&ann(), command)).await
            }));
        }
        let mut winners = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(Ok(_)) => winners += 1,
                Ok(Err(Error::Refused(Refusal::DomainNameTaken { .. }))) => {}
                Ok(Err(error)) => panic!("{name}: {error:?}"),
                Err(_) => stopped += 1,
            }
        }
        assert!(winners <= 1, "{name}");
    }
    assert!(stopped > 0);
    are_settled(&store, &owners.map(|owner| owner.0)).await;
    // And each name has a holder at most, whom everybody sees.
    for round in 0..rounds {
        let name = DomainName::new(&format!("storm-{round}")).unwrap();
        let claim = Claim::DomainName(name);
        let holder = store.claimed_by(&claim).await.unwrap();
        let mut holders = Vec::new();
        for shard in store.shards() {
            holders.extend(shard.store().claimed_by(&claim).await.unwrap());
        }
        assert_eq!(holders, holder.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn d2_a_storm_whose_commits_are_dropped_anywhere() {
    tested(with_stops(60));
}

#[test]
#[ignore = "the same for minutes"]
fn d2_a_long_storm_whose_commits_are_dropped_anywhere() {
    tested(with_stops(3_000));
}
