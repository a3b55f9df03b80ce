//! Commits that are written together with rows of the host's: the loop is the library's, the transaction the host's.

use std::future::ready;
use std::num::NonZeroU32;

use tenancy::commands::CreateOrganization;
use tenancy::store::{BrokenContract, Commit, Outcome, Repository as _};
use tenancy::{CommitId, Error, Refusal, Tenancy, WorkspaceId, block_on};
use tenancy_tests::world::*;

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Tenancy(#[from] Error<BrokenContract>),
    #[error("the row is refused")]
    Row,
}

/// Rows of the host's: one for each workspace.
type Rows = Vec<WorkspaceId>;

/// Both, or neither.
fn write(rows: &mut Rows, world: &World, commit: &Commit, workspace: WorkspaceId) -> Outcome {
    let outcome = block_on(world.store().commit(commit)).unwrap();
    if outcome == Outcome::Committed {
        rows.push(workspace);
    }
    outcome
}

#[test]
fn a_row_is_written_with_its_commit_whoever_was_first() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let (mut rows, mut tries) = (Rows::new(), 0);
    let create = acme.create_workspace("Payments");
    let work = world
        .tenancy
        .execute_with(&ann, create, |commit, workspace| {
            if tries == 0 {
                world.does(&ann, acme.rename("Quicker"));
            }
            tries += 1;
            ready(Ok::<_, Failure>(write(
                &mut rows, &world, &commit, workspace,
            )))
        });
    let done = block_on(work).unwrap();
    assert_eq!(tries, 2, "the first was too late");
    assert_eq!(rows, [done.output]);
    assert!(world.state(acme).workspace(done.output).is_some());
}

#[test]
fn what_changes_nothing_or_is_refused_writes_no_row() {
    let world = World::new();
    let (acme, ann, eve) = (world.acme(), user("ann"), user("eve"));
    world.does(&ann, acme.rename("Acme SAS"));
    let never = |_: Commit, (): ()| {
        let told: Result<Outcome, Failure> = Err(Failure::Row);
        assert!(told.is_ok(), "nothing is to be written");
        ready(told)
    };
    let unchanged = world
        .tenancy
        .execute_with(&ann, acme.rename("Acme SAS"), never);
    assert!(!block_on(unchanged).unwrap().changed());
    let hidden = world.tenancy.execute_with(&eve, acme.rename("Mine"), never);
    let hidden = block_on(hidden).unwrap_err();
    assert!(matches!(
        hidden,
        Failure::Tenancy(Error::Refused(Refusal::NotFound { .. }))
    ));
}

#[test]
fn a_row_that_is_refused_leaves_no_commit() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let before = world.everything();
    let create = acme.create_workspace("Payments");
    let refused = world
        .tenancy
        .execute_with(&ann, create, |_, _| ready(Err(Failure::Row)));
    assert!(matches!(block_on(refused), Err(Failure::Row)));
    assert_eq!(world.everything(), before);
}

#[test]
fn an_answer_that_was_lost_after_both_were_written_is_a_success() {
    let world = World::new();
    let (acme, ann, mut rows) = (world.acme(), user("ann"), Rows::new());
    let create = acme.create_workspace("Payments");
    let work = world
        .tenancy
        .execute_with(&ann, create, |commit, workspace| {
            let _ = write(&mut rows, &world, &commit, workspace);
            ready(Err(Failure::Row))
        });
    let done = block_on(work).unwrap();
    assert_eq!(rows, [done.output]);
}

#[test]
fn a6_the_same_request_again_writes_no_second_row() {
    let world = World::new();
    let (acme, ann, id) = (world.acme(), user("ann"), CommitId::new());
    let mut rows = Rows::new();
    let mut again = || {
        let create = acme.create_workspace("Payments");
        let work = world
            .tenancy
            .execute_with_as(id, &ann, create, |commit, workspace| {
                ready(Ok::<_, Failure>(write(
                    &mut rows, &world, &commit, workspace,
                )))
            });
        block_on(work).unwrap()
    };
    assert_eq!(again(), again());
    assert_eq!(rows.len(), 1);
}

#[test]
fn a6_of_two_attempts_at_once_one_writes_its_row() {
    let world = World::new();
    let (acme, ann, id) = (world.acme(), user("ann"), CommitId::new());
    let mut rows = Rows::new();
    let create = || acme.create_workspace("Payments");
    let late = world
        .tenancy
        .execute_with_as(id, &ann, create(), |late, _| {
            // The other attempt is quicker.
            let first = world
                .tenancy
                .execute_with_as(id, &ann, create(), |commit, workspace| {
                    ready(Ok::<_, Failure>(write(
                        &mut rows, &world, &commit, workspace,
                    )))
                });
            block_on(first).unwrap();
            let outcome = block_on(world.store().commit(&late)).unwrap();
            assert_eq!(outcome, Outcome::Conflict);
            // A store may say as well that the id was used.
            ready(Ok::<_, Failure>(Outcome::IdUsed))
        });
    let late = block_on(late).unwrap();
    assert_eq!(rows, [late.output], "the answer is the first one's");
}

#[test]
fn d2_a_name_that_somebody_took_is_refused_as_ever() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&ann, world.owned_by(&ann, "Beta").sandbox("acme"));
    let work = world
        .tenancy
        .execute_with(&ann, acme.sandbox("acme"), |commit, _| {
            ready(Ok::<_, Failure>(
                block_on(world.store().commit(&commit)).unwrap(),
            ))
        });
    let taken = block_on(work).unwrap_err();
    let Failure::Tenancy(Error::Refused(taken)) = taken else {
        panic!("{taken}");
    };
    assert!(matches!(taken, Refusal::DomainNameTaken { .. }), "{taken}");
}

#[test]
fn who_is_never_first_is_told_so() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let tenancy = Tenancy::new(world.store()).with_attempts(NonZeroU32::new(3).unwrap());
    let mut tries = 0;
    let late = tenancy.execute_with(&ann, acme.rename("Late"), |_, ()| {
        tries += 1;
        ready(Ok::<_, Failure>(Outcome::Conflict))
    });
    let late = block_on(late).unwrap_err();
    assert!(matches!(
        late,
        Failure::Tenancy(Error::Contended { attempts: 3 })
    ));
    assert_eq!(tries, 3);
}

#[test]
fn it_can_be_spawned() {
    fn spawned<T: Send>(future: impl Future<Output = T> + Send) -> T {
        block_on(future)
    }
    let world = World::new();
    let ann = user("ann");
    let create = CreateOrganization { name: name("Beta") };
    let (tenancy, store) = (world.tenancy.clone(), world.store());
    let done = spawned(async move {
        let work = tenancy.execute_with(&ann, create, |commit, _| {
            let store = &store;
            async move {
                let outcome = store.commit(&commit).await;
                outcome.map_err(|error| Failure::Tenancy(Error::Store(error)))
            }
        });
        work.await
    });
    assert!(done.unwrap().changed());
}
