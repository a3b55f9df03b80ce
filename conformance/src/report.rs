//! Verdicts: what a check found, and all of them as a table.

use core::fmt;
use core::future::Future;
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::any::Any;
use std::panic::catch_unwind;

use crate::any::AnyHarness;
use crate::checks::checks;
use crate::harness::Harness;
use crate::tasks::within;

/// What a check answers.
pub type Verdict = Result<(), Failure>;

/// Why a check didn't hold: the store broke its promise, or the harness lacks what the check needs.
pub struct Failure {
    message: String,
    clause: Option<&'static str>,
    lacks: Option<&'static str>,
}

/// One check of the suite.
pub struct Check {
    /// Which part of the contract it is about: `promise_1`, `keys`, `lists` …
    pub category: &'static str,
    /// Its name, and that of the `#[test]` which [`suite!`](crate::suite) makes of it.
    pub name: &'static str,
    /// The clause of the contract that it holds the store to, to the letter.
    pub clause: &'static str,
    pub(crate) hold:
        for<'h> fn(&'h AnyHarness<'_>) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'h>>,
}

/// What became of every check. Its `Display` is a table to keep with a release.
pub struct Report {
    /// Each check, in the suite's order.
    pub results: Vec<CheckResult>,
}

/// What became of one check.
pub struct CheckResult {
    /// Which part of the contract it is about.
    pub category: &'static str,
    /// The check's name.
    pub name: &'static str,
    /// The clause of the contract.
    pub clause: &'static str,
    /// What came of it.
    pub status: Status,
}

/// What came of a check.
#[derive(Debug)]
pub enum Status {
    /// The store holds to the clause, as far as the check can see.
    Held,
    /// The store breaks the clause.
    Broken(Failure),
    /// The harness lacks this method, so nothing is known.
    NotRun(&'static str),
    /// The check was left out, by whoever ran the suite.
    LeftOut,
}

impl Failure {
    /// A failure that says what was seen, and what should have been.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            clause: None,
            lacks: None,
        }
    }

    /// No failure of the store: the check needs a method that the harness doesn't write.
    pub(crate) fn not_run(lacks: &'static str) -> Self {
        Self {
            lacks: Some(lacks),
            ..Self::new(format!(
                "not run: the harness has no `{lacks}`. Write it, or leave out what needs it: \
                 `suite!(…, without = [{lacks}])`"
            ))
        }
    }

    /// What was seen.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The clause of the contract that was broken, if a check of the suite says so.
    #[must_use]
    pub const fn clause(&self) -> Option<&'static str> {
        self.clause
    }

    /// The method that the harness lacks, if that is why the check wasn't run.
    #[must_use]
    pub const fn lacks(&self) -> Option<&'static str> {
        self.lacks
    }

    pub(crate) fn at(self, place: impl fmt::Display) -> Self {
        Self {
            message: format!("{place}: {}", self.message),
            ..self
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clause.filter(|_| self.lacks.is_none()) {
            Some(clause) => write!(f, "{}\n  the contract says: “{clause}”", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// As `Display`, because that is what a `#[test]` that returns an error shows.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An error of the store, or of anything else, with its causes. That is why `Failure` isn't an error
/// itself.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::new(message)
    }
}

impl Check {
    /// Does it.
    ///
    /// # Errors
    ///
    /// The store breaks the clause, or took longer than [`Harness::time_limit`]; or the harness
    /// [lacks](Failure::lacks) what the check needs.
    pub async fn hold(&self, harness: &impl Harness) -> Verdict {
        self.hold_any(AnyHarness::of(harness)).await
    }

    /// With the clause that it stands for, and the harness's patience around it.
    async fn hold_any(&self, harness: AnyHarness<'_>) -> Verdict {
        let limit = harness.time_limit();
        let verdict = within(limit, (self.hold)(&harness))
            .await
            .unwrap_or_else(|| Err(Failure::new(format!("it has not ended after {limit:?}"))));
        verdict.map_err(|failure| Failure {
            clause: Some(self.clause),
            ..failure
        })
    }
}

/// A check that wants to be driven to its end.
#[doc(hidden)]
pub type Test = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// Does the check of this name: what a test that [`suite!`](crate::suite) makes does.
#[doc(hidden)]
pub async fn hold(name: &str, harness: &impl Harness) -> Verdict {
    let check = checks().into_iter().find(|check| check.name == name);
    let check = check.ok_or_else(|| Failure::new("there is no check of this name"))?;
    check.hold(harness).await
}

/// Does every check, one after the other, and reports: for runners that aren't `cargo test`.
///
/// A check that panics has failed; the others go on.
pub async fn run(harness: &impl Harness) -> Report {
    run_without(harness, &[]).await
}

/// As [`run`], without some categories. The report shows what was left out.
pub async fn run_without(harness: &impl Harness, without: &[&str]) -> Report {
    run_any(AnyHarness::of(harness), without).await
}

async fn run_any(harness: AnyHarness<'_>, without: &[&str]) -> Report {
    let mut results = Vec::new();
    for check in checks() {
        let status = if without.contains(&check.category) {
            Status::LeftOut
        } else {
            match CatchPanic(Box::pin(check.hold_any(harness))).await {
                Ok(Ok(())) => Status::Held,
                Ok(Err(failure)) => match failure.lacks {
                    Some(lacks) => Status::NotRun(lacks),
                    None => Status::Broken(failure),
                },
                Err(panic) => Status::Broken(Failure {
                    clause: Some(check.clause),
                    ..Failure::new(format!("it panicked: {panic}"))
                }),
            }
        };
        results.push(CheckResult {
            category: check.category,
            name: check.name,
            clause: check.clause,
            status,
        });
    }
    Report { results }
}

impl Report {
    /// Whether every check was run and held. Of a store that can't be reopened it never is: say
    /// [`failures`](Self::failures) to ask only for what is broken.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.count(|status| matches!(status, Status::Held)) == self.results.len()
    }

    /// The checks that failed, each with what was seen.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &Failure)> {
        self.results
            .iter()
            .filter_map(|result| match &result.status {
                Status::Broken(failure) => Some((result.name, failure)),
                Status::Held | Status::NotRun(_) | Status::LeftOut => None,
            })
    }

    fn count(&self, of: impl Fn(&Status) -> bool) -> usize {
        let results = self.results.iter();
        results.filter(|result| of(&result.status)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "tenancy-conformance {}: {} checks: {} held, {} broken, {} not run, {} left out",
            env!("CARGO_PKG_VERSION"),
            self.results.len(),
            self.count(|status| matches!(status, Status::Held)),
            self.count(|status| matches!(status, Status::Broken(_))),
            self.count(|status| matches!(status, Status::NotRun(_))),
            self.count(|status| matches!(status, Status::LeftOut)),
        )?;
        let width = self.results.iter().map(|r| r.name.len()).max().unwrap_or(0);
        for result in &self.results {
            let (word, message) = match &result.status {
                Status::Held => ("held", None),
                Status::Broken(failure) => ("BROKEN", Some(failure.message().to_owned())),
                Status::NotRun(lacks) => {
                    let why = format!("the harness has no `{lacks}`");
                    ("not run", Some(why))
                }
                Status::LeftOut => ("left out", None),
            };
            writeln!(f, "{word:>8}  {:<width$}  “{}”", result.name, result.clause)?;
            for line in message.iter().flat_map(|message| message.lines()) {
                writeln!(f, "          {line}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A future whose panic is an answer.
struct CatchPanic<F>(Pin<Box<F>>);

impl<F: Future> Future for CatchPanic<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(said(&*panic))),
        }
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
