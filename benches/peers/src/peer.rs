//! Whoever answers the questions, and the time that it takes.

use std::hint::black_box;
use std::ops::Range;
use std::time::Instant;

use crate::population::{Question, Random};

/// Somebody who answers the questions.
pub(crate) struct Peer<'a> {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether it holds all of the facts in this process's memory.
    pub(crate) in_memory: bool,
    /// How many of the questions it is asked, from the first on: fewer where it takes long.
    pub(crate) asked: usize,
    /// Answers the questions at these places, one after the other; how many it allows.
    answer: Box<dyn FnMut(Range<usize>) -> usize + 'a>,
}

/// What somebody is, for who reads the table and the plot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ByHand,
    Ours,
    Engine,
}

impl<'a> Peer<'a> {
    pub(crate) fn new(
        name: &'static str,
        kind: Kind,
        asked: usize,
        mut ask: impl FnMut(usize) -> bool + 'a,
    ) -> Self {
        Self {
            name,
            kind,
            in_memory: false,
            asked,
            answer: Box::new(move |places| places.filter(|place| ask(*place)).count()),
        }
    }

    pub(crate) fn in_memory(self) -> Self {
        Self {
            in_memory: true,
            ..self
        }
    }

    /// It decides as everybody does, on each question that it is asked.
    pub(crate) fn agrees(&mut self, expected: &[bool], questions: &[Question]) {
        for place in 0..self.asked {
            let allowed = (self.answer)(place..place + 1) == 1;
            let question = &questions[place];
            assert_eq!(
                allowed, expected[place],
                "{} decides otherwise on {} and {:?}",
                self.name, question.user, question.resource
            );
        }
    }
}

/// Nanoseconds a question, of each: the median of five rounds, in which all take their turns.
pub(crate) fn nanoseconds(peers: &mut [Peer<'_>]) -> Vec<f64> {
    let mut rounds = vec![Vec::new(); peers.len()];
    for _ in 0..5 {
        for (peer, times) in peers.iter_mut().zip(&mut rounds) {
            let began = Instant::now();
            black_box((peer.answer)(0..peer.asked));
            times.push(began.elapsed().as_secs_f64() * 1e9 / peer.asked as f64);
        }
    }
    rounds.into_iter().map(median).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// By how many bytes the process grows for what is made: of use only in one that has freed nothing before.
pub(crate) fn growth<T>(make: impl FnOnce() -> T) -> usize {
    let before = resident();
    let made = make();
    let grown = resident().saturating_sub(before);
    drop(made);
    grown
}

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0_usize) * 4096
}

/// One dependent access to memory: the time of a step through a random cycle as large as the tables.
pub(crate) fn pointer_chase(bytes: usize) -> f64 {
    let count = bytes.max(4096) / 64;
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = Random::new(7);
    for i in (1..count).rev() {
        order.swap(i, random.below(i));
    }
    let mut next = vec![[0_usize; 8]; count];
    for i in 0..count {
        next[order[i]][0] = order[(i + 1) % count];
    }
    let steps = 1_000_000;
    let round = |_| {
        let began = Instant::now();
        let mut at = 0;
        for _ in 0..steps {
            at = next[at][0];
        }
        black_box(at);
        began.elapsed().as_secs_f64() * 1e9 / f64::from(steps)
    };
    median((0..5).map(round).collect())
}
