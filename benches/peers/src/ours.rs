//! The questions as they are put to tenancy.

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use tenancy::store::{AccessIndex, Commit, Fed, OrganizationState, Outcome, Repository};
use tenancy::{
    DomainAction, OrganizationAction, OrganizationRole, Resource, Tenancy, WorkspaceAction,
    WorkspaceRole,
};

use crate::population::{Ids, Question};

/// A check as a host makes it, on whatever store.
pub(crate) async fn check<R: Repository>(tenancy: &Tenancy<R>, question: &Question) -> bool {
    let actor = &question.actor;
    let decision = match question.resource {
        Resource::Organization(on) => tenancy.check(actor, on, OrganizationAction::View).await,
        Resource::Workspace(on, workspace) => {
            let action = WorkspaceAction::ManageRoles;
            tenancy.check(actor, (on, workspace), action).await
        }
        Resource::Domain(on, domain) => {
            let action = DomainAction::Configure;
            tenancy.check(actor, (on, domain), action).await
        }
    };
    decision.is_ok_and(|decision| decision.is_allowed())
}

/// Brings every organization in, each as one commit.
pub(crate) async fn fill<R: Repository>(store: &R, all: &[Ids]) {
    for (number, ids) in all.iter().enumerate() {
        let outcome = store.commit(&ids.commit(number)).await;
        assert!(
            outcome.is_ok_and(|outcome| outcome == Outcome::Committed),
            "well formed"
        );
    }
}

/// The same question to the index alone: it says what is held, and the caller decides.
pub(crate) fn through_index(index: &AccessIndex, question: &Question) -> bool {
    let glance = index.glance(question.user, question.resource);
    glance.is_some_and(|glance| {
        let admin = glance.organization_role == Some(OrganizationRole::Admin);
        let least = |role| admin || glance.workspace_role.is_some_and(|held| held >= role);
        match question.resource {
            Resource::Organization(_) => glance.organization_role.is_some(),
            Resource::Workspace(..) => least(WorkspaceRole::Admin),
            Resource::Domain(..) => least(WorkspaceRole::Developer),
        }
    })
}

/// What reading costs beside others, in times of one reader alone.
pub(crate) struct Readers {
    pub(crate) two: f64,
    pub(crate) beside_a_writer: f64,
    pub(crate) commits_a_second: f64,
}

/// How many times as many questions two threads answer as one does, while nobody writes and while one commits.
pub(crate) fn readers(index: &AccessIndex, questions: &[Question], written: &Ids) -> Readers {
    let run = |readers: usize, writes: bool| {
        let ends = AtomicBool::new(false);
        let barrier = Barrier::new(readers + 1 + usize::from(writes));
        thread::scope(|threads| {
            let writer = writes.then(|| {
                threads.spawn(|| {
                    barrier.wait();
                    commits(index, written, &ends)
                })
            });
            let reading = (0..readers).map(|_| {
                threads.spawn(|| {
                    barrier.wait();
                    let began = Instant::now();
                    let allowed = questions.iter().filter(|ask| through_index(index, ask));
                    black_box(allowed.count());
                    began.elapsed()
                })
            });
            let reading: Vec<_> = reading.collect();
            barrier.wait();
            let longest = reading
                .into_iter()
                .map(|reader| reader.join().expect("a reader"));
            let seconds = longest.max().expect("one").as_secs_f64();
            ends.store(true, Ordering::Relaxed);
            let commits = writer.map_or(0, |writer| writer.join().expect("the writer"));
            let rate = (readers * questions.len()) as f64 / seconds;
            (rate, f64::from(commits) / seconds)
        })
    };
    let _ = run(1, false); // to warm up
    let (one, _) = run(1, false);
    let (two, _) = run(2, false);
    let (beside, commits) = run(1, true);
    Readers {
        two: two / one,
        beside_a_writer: beside / one,
        commits_a_second: commits,
    }
}

/// Commits to one organization, again and again, until told to end; how often.
fn commits(index: &AccessIndex, ids: &Ids, ends: &AtomicBool) -> u32 {
    let mut made = 0;
    let mut state = OrganizationState::absent(ids.organization);
    let created = ids.commit(0);
    let _ = Commit::replayed(&mut state, created.entry).expect("the events fit");
    while !ends.load(Ordering::Relaxed) {
        let commit = ids.next_commit(&mut state, made);
        assert_eq!(index.apply(&commit), Fed::Applied);
        made += 1;
    }
    made
}
