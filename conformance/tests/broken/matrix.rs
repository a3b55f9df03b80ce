//! Which check kills which broken store: the table, and what must be true of it.

use core::fmt::Write as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use tenancy_conformance::checks;

use super::Broken;
use super::store::lock;

/// The checks whose outcome depends on who is faster. A broken store dies of one of these only if it says
/// so ([`Flaw::SURELY`](super::store::Flaw::SURELY)); that others may kill it by chance is not written down.
pub(crate) const RACING: [&str; 9] = [
    "promise_1_racers_have_one_winner",
    "promise_1_racers_to_create_have_one_winner",
    "promise_1_fifty_writers_all_finish",
    "promise_1_a_storm_leaves_what_its_log_says",
    "promise_2_no_read_is_torn",
    "promise_2_no_absence_is_torn",
    "promise_3_racers_for_a_claim_have_one_winner",
    "promise_3_crossed_claims_do_not_deadlock",
    "standing_is_one_snapshot",
];

/// What each broken store dies of.
pub(crate) struct Matrix {
    checks: Vec<&'static str>,
    stores: Vec<(Broken, BTreeSet<&'static str>)>,
}

impl Matrix {
    /// Judges them all by every check.
    pub(crate) fn of(stores: Vec<Broken>) -> Self {
        let judges = stores.iter().map(Broken::judges).collect();
        let killers = judged(&stores, judges);
        Self {
            checks: names(),
            stores: stores.into_iter().zip(killers).collect(),
        }
    }

    /// What a table says, without asking the stores.
    pub(crate) fn read(stores: Vec<Broken>, text: &str) -> Self {
        let checks = names();
        let marks: BTreeMap<&str, Vec<char>> = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(check, marks)| (check, marks.trim_start().chars().collect()))
            .collect();
        let killers = |number: usize| {
            let checks = checks.iter().copied();
            checks
                .filter(|check| {
                    let marks = marks.get(check);
                    let mark = marks.and_then(|marks| marks.get(number));
                    mark.is_some_and(|mark| matches!(mark, 'x' | 'X'))
                })
                .collect()
        };
        let stores = stores.into_iter().enumerate();
        Self {
            stores: stores
                .map(|(number, store)| (store, killers(number)))
                .collect(),
            checks,
        }
    }

    /// Asks the stores whether what the table says is so, as little as shows that none of them lives and that no
    /// check is idle: of each store one check, those that must kill it however a race goes, and of each check one
    /// store.
    pub(crate) fn sampled(self) -> Vec<String> {
        let mut idle: BTreeSet<&'static str> = self.checks.iter().copied().collect();
        let mut asked = Vec::new();
        for (store, killers) in &self.stores {
            let new = killers.iter().find(|check| idle.contains(*check));
            let mut ask: BTreeSet<_> = new.or(killers.first()).into_iter().copied().collect();
            ask.extend(store.surely);
            idle.retain(|check| !ask.contains(check));
            asked.push(ask);
        }
        for (ask, (_, killers)) in asked.iter_mut().zip(&self.stores) {
            ask.extend(idle.intersection(killers));
            idle.retain(|check| !killers.contains(check));
        }
        let (stores, _): (Vec<_>, Vec<_>) = self.stores.into_iter().unzip();
        let killers = judged(&stores, asked.clone());
        let mut complaints: Vec<_> = idle
            .into_iter()
            .map(|check| format!("`{check}` kills nothing"))
            .collect();
        for ((store, asked), killers) in stores.iter().zip(asked).zip(killers) {
            for check in asked.difference(&killers) {
                complaints.push(format!(
                    "{} survives {check}: it {}",
                    store.name, store.does
                ));
            }
            if asked.is_empty() {
                complaints.push(format!("{} passes: it {}", store.name, store.does));
            }
        }
        complaints
    }

    /// What is wrong with the suite: a store that lives, or a check that should have killed and didn't.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (store, killers) in &self.stores {
            if killers.is_empty() {
                complaints.push(format!("{} passes: it {}", store.name, store.does));
            }
            for sure in store.surely {
                if !RACING.contains(sure) {
                    complaints.push(format!("`{sure}` is not one of the checks that race"));
                }
                if !killers.contains(sure) {
                    complaints.push(format!("{} survives {sure}", store.name));
                }
            }
        }
        complaints
    }

    /// The table.
    pub(crate) fn text(&self, kept: &[(&str, &str)]) -> String {
        let mut text = String::from(HEAD);
        let certain: Vec<Vec<_>> = self
            .stores
            .iter()
            .map(|(_, killers)| {
                let checks = self.checks.iter().copied();
                checks.filter(|check| killers.contains(check)).collect()
            })
            .collect();
        let _ = writeln!(
            text,
            "{} checks, {} broken stores.\n\n## The stores\n",
            self.checks.len(),
            self.stores.len()
        );
        let _ = writeln!(text, "| | store | it … | killed by |\n|-:|---|---|---|");
        for (number, ((store, _), killers)) in (1_u32..).zip(self.stores.iter().zip(&certain)) {
            let killers = match killers.as_slice() {
                [only] => format!("only `{only}`"),
                [one, two] => format!("`{one}`, `{two}`"),
                [first, ..] => format!("`{first}` and {} more", killers.len().saturating_sub(1)),
                [] => "nothing".to_owned(),
            };
            let (name, does) = (store.name, store.does);
            let _ = writeln!(text, "| {number} | `{name}` | {does} | {killers} |");
        }
        let _ = writeln!(text, "\n## Which check kills which\n\n```text");
        let width = self
            .checks
            .iter()
            .map(|check| check.len())
            .max()
            .unwrap_or(0);
        for (digit, name) in [(10, "store, tens"), (1, "store, ones")] {
            let digits = (1..=self.stores.len()).map(|n| n.checked_div(digit).unwrap_or(0) % 10);
            let digits: String = digits.map(|digit| digit.to_string()).collect();
            let _ = writeln!(text, "{name:<width$}  {digits}");
        }
        for check in &self.checks {
            let row = certain.iter();
            let row: String = row
                .map(|killers| match killers.as_slice() {
                    [only] if only == check => 'X',
                    killers if killers.contains(check) => 'x',
                    _ => '·',
                })
                .collect();
            let _ = writeln!(text, "{check:<width$}  {row}");
        }
        let _ = writeln!(text, "```\n\n## Checks that kill none of them\n");
        let idle = self.idle(&certain);
        for check in &idle {
            let why = kept.iter().find(|(name, _)| name == check);
            let why = why.map_or("NOBODY SAYS WHY IT IS KEPT", |(_, why)| *why);
            let _ = writeln!(text, "- `{check}`: {why}");
        }
        if idle.is_empty() {
            text.push_str("None.\n");
        }
        text
    }

    fn idle(&self, certain: &[Vec<&'static str>]) -> Vec<&'static str> {
        let used: BTreeSet<_> = certain.iter().flatten().copied().collect();
        let checks = self.checks.iter().copied();
        checks.filter(|check| !used.contains(check)).collect()
    }
}

const HEAD: &str = "\
# Which check kills which broken store

Written by `TENANCY_BLESS=1 cargo test --release -p tenancy-conformance --test broken_stores`, and compared with what
happens by that test: with `TENANCY_DEEP=1` the whole table; otherwise of each store one check that kills it, and of
each check one store that it kills. The stores are in `tests/broken`: one that is sound (the same test holds
it to every check), wrong in one place each.

`X`: this check alone kills the store. `x`: this one and others. The checks that race (`racers`, `fifty`,
`storm`, `torn`, `crossed`, `snapshot`) have a mark only where they kill whoever is faster; that they kill others by
chance is not shown.

";

fn names() -> Vec<&'static str> {
    let checks = checks::checks().into_iter();
    checks.map(|check| check.name).collect()
}

/// Judges each store by its checks, several stores at a time.
fn judged(stores: &[Broken], by: Vec<BTreeSet<&'static str>>) -> Vec<BTreeSet<&'static str>> {
    let waiting = Mutex::new(stores.iter().zip(by));
    let judged = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = lock(&waiting).next();
                    let Some((store, checks)) = next else { return };
                    let started = Instant::now();
                    let killers = store.killers(&checks);
                    // Shown if the test fails, or with `--nocapture`.
                    println!("{:?} for {}", started.elapsed(), store.name);
                    lock(&judged).insert(store.name, killers);
                }
            });
        }
    });
    let mut judged = judged.into_inner().unwrap_or_default();
    let stores = stores.iter();
    stores
        .map(|store| judged.remove(store.name).unwrap_or_default())
        .collect()
}
