//! What a check costs with tenancy, beside hand-written maps, in one run.
//!
//! `cargo run --release -p tenancy-peers` prints the table. Every engine must agree on every decision.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::panic,
    reason = "a benchmark that goes wrong should stop"
)]

mod by_hand;
mod items;
mod population;
mod writers;

use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use tenancy::store::{
    AccessIndex, Commit, Fed, MemoryRepository, OrganizationState, Outcome, Repository as _,
};
use tenancy::{DomainAction, OrganizationAction, Resource, Tenancy, WorkspaceAction, block_on};

use crate::by_hand::ByHand;
use crate::population::{Ids, MEMBERS, Question, Random, questions};

fn main() {
    let sizes: Vec<usize> = std::env::args()
        .skip(1)
        .map(|size| size.parse().expect("a number"))
        .collect();
    let sizes = if sizes.is_empty() {
        vec![10, 1_000, 100_000]
    } else {
        sizes
    };
    let largest = sizes.iter().copied().max().unwrap_or(0);
    for size in sizes {
        measure(size);
    }
    items::measure(if largest > 10 { 1_000 } else { 200 });
    writers::measure();
}

/// The median of five rounds, in nanoseconds a question.
fn nanoseconds(questions: &[Question], mut ask: impl FnMut(&Question) -> bool) -> f64 {
    let mut rounds: Vec<f64> = (0..5)
        .map(|_| {
            let began = Instant::now();
            let mut allowed = 0_usize;
            for question in questions {
                allowed += usize::from(ask(question));
            }
            black_box(allowed);
            began.elapsed().as_secs_f64() * 1e9 / questions.len() as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[2]
}

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_usize) * 4096
}

/// One dependent access to memory: the time of a step through a random cycle as large as the tables.
fn pointer_chase(bytes: usize) -> f64 {
    let count = bytes / 64;
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = Random::new(7);
    for i in (1..count).rev() {
        order.swap(i, random.below(i));
    }
    let mut next = vec![[0_usize; 8]; count];
    for i in 0..count {
        next[order[i]][0] = order[(i + 1) % count];
    }
    let steps = 2_000_000;
    let began = Instant::now();
    let mut at = 0;
    for _ in 0..steps {
        at = next[at][0];
    }
    black_box(at);
    began.elapsed().as_secs_f64() * 1e9 / f64::from(steps)
}

fn through_tenancy(tenancy: &Tenancy<MemoryRepository>, question: &Question) -> bool {
    let actor = &question.actor;
    let decision = match question.resource {
        Resource::Organization(on) => block_on(tenancy.check(actor, on, OrganizationAction::View)),
        Resource::Workspace(on, workspace) => {
            block_on(tenancy.check(actor, (on, workspace), WorkspaceAction::ManageRoles))
        }
        Resource::Domain(on, domain) => {
            block_on(tenancy.check(actor, (on, domain), DomainAction::Configure))
        }
    };
    decision.expect("the store works").is_allowed()
}

fn through_index(index: &AccessIndex, question: &Question) -> bool {
    let glance = index.glance(question.user, question.resource);
    glance.is_some_and(|glance| match question.resource {
        Resource::Organization(_) => glance.organization_role.is_some(),
        _ => glance.organization_role.is_some() && glance.workspace_role.is_some(),
    })
}

/// How many times as many questions two threads answer as one does, while nobody writes and while one commits.
fn readers(index: &AccessIndex, questions: &[Question], written: &Ids) -> (f64, f64, f64) {
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
    (two / one, beside / one, commits)
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

fn measure(organizations: usize) {
    let all: Vec<Ids> = (0..organizations).map(|_| Ids::new()).collect();
    let count = if organizations > 1_000 {
        1 << 20
    } else {
        1 << 16
    };
    let questions = questions(&all, count);
    let members = (organizations * MEMBERS) as f64;

    let before = resident();
    let foldhash = ByHand::<foldhash::fast::RandomState>::of(&all);
    let by_hand_bytes = (resident() - before) as f64 / members;
    let std = ByHand::<std::hash::RandomState>::of(&all);

    let tenancy = Tenancy::new(MemoryRepository::new());
    let before = resident();
    let began = Instant::now();
    for (number, ids) in all.iter().enumerate() {
        let outcome = block_on(tenancy.repository().commit(&ids.commit(number)));
        assert_eq!(outcome.expect("well formed"), Outcome::Committed);
    }
    let loaded = began.elapsed();
    let store_bytes = (resident() - before) as f64 / members;
    let index = AccessIndex::new();
    for (number, ids) in all.iter().enumerate() {
        assert_eq!(index.apply(&ids.commit(number)), Fed::Applied);
    }
    let index_bytes = index.bytes() as f64 / members;

    for question in &questions {
        let by_hand = foldhash.allows(question);
        assert_eq!(by_hand, std.allows(question));
        assert_eq!(by_hand, through_tenancy(&tenancy, question), "all agree");
    }
    let by_hand = nanoseconds(&questions, |question| foldhash.allows(question));
    let by_std = nanoseconds(&questions, |question| std.allows(question));
    let ours = nanoseconds(&questions, |question| through_tenancy(&tenancy, question));
    let indexed = nanoseconds(&questions, |question| through_index(&index, question));
    let chase = pointer_chase(index.bytes().max(4096));
    let (two, beside, commits) = readers(&index, &questions, &all[0]);

    println!(
        "\n{organizations} organizations, {} memberships",
        organizations * MEMBERS
    );
    println!("| a check | ns | of foldhash |");
    println!("| --- | ---: | ---: |");
    for (what, time) in [
        ("by hand, four maps, foldhash", by_hand),
        ("by hand, four maps, the standard hash", by_std),
        ("through `Tenancy`", ours),
        ("the index alone", indexed),
        ("one dependent access to as much memory", chase),
    ] {
        println!("| {what} | {time:.0} | {:.2} |", time / by_hand);
    }
    println!(
        "bytes a membership: by hand {by_hand_bytes:.0}, index {index_bytes:.0}, memory store with its log {store_bytes:.0}"
    );
    println!("loaded into the memory store in {loaded:.1?}");
    println!(
        "two readers: {two:.2} times one; one reader beside {commits:.0} commits a second: {beside:.2} times alone"
    );
}
