//! Verdicts: what a check found, and all of them as a table.

use core::fmt;
use core::future::Future;
use core::panic::AssertUnwindSafe;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::any::Any;
use std::panic::catch_unwind;

use crate::harness::Harness;
use crate::tasks::within;

/// What a check answers.
pub type Verdict = Result<(), Failure>;

/// How a store broke its promise.
pub struct Failure {
    message: String,
    clause: Option<&'static str>,
}

/// One check of the suite.
pub struct Check<H> {
    /// Which part of the contract it is about: `promise_1`, `keys`, `lists` …
    pub category: &'static str,
    /// Its name, and that of the `#[test]` which [`suite!`](crate::suite) makes of it.
    pub name: &'static str,
    /// The clause of the contract that it holds the store to, to the letter.
    pub clause: &'static str,
    #[doc(hidden)]
    pub hold: for<'h> fn(&'h H) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'h>>,
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
    /// `None` if the check was left out.
    pub verdict: Option<Verdict>,
}

impl Failure {
    /// A failure that says what was seen, and what should have been.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            clause: None,
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

    pub(crate) fn at(self, place: impl fmt::Display) -> Self {
        Self {
            message: format!("{place}: {}", self.message),
            ..self
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clause {
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

impl<H: Harness> Check<H> {
    /// Does it.
    ///
    /// # Errors
    ///
    /// The store breaks the clause, or took longer than [`Harness::time_limit`].
    pub async fn hold(&self, harness: &H) -> Verdict {
        hold(harness, self.clause, (self.hold)(harness)).await
    }
}

/// A check, with the clause that it stands for and the harness's patience around it.
#[doc(hidden)]
pub async fn hold<H: Harness>(
    harness: &H,
    clause: &'static str,
    check: impl Future<Output = Verdict>,
) -> Verdict {
    let limit = harness.time_limit();
    let verdict = within(limit, check)
        .await
        .unwrap_or_else(|| Err(Failure::new(format!("it has not ended after {limit:?}"))));
    verdict.map_err(|failure| Failure {
        clause: Some(clause),
        ..failure
    })
}

/// Does every check, one after the other, and reports: for runners that aren't `cargo test`.
///
/// A check that panics has failed; the others go on.
pub async fn run<H: Harness>(harness: &H) -> Report {
    run_without(harness, &[]).await
}

/// As [`run`], without some categories. The report shows what was left out.
pub async fn run_without<H: Harness>(harness: &H, without: &[&str]) -> Report {
    let mut results = Vec::new();
    for check in crate::checks::<H>() {
        let verdict = if without.contains(&check.category) {
            None
        } else {
            let caught = CatchPanic(Box::pin(check.hold(harness))).await;
            Some(caught.unwrap_or_else(|panic| {
                Err(Failure {
                    message: format!("it panicked: {panic}"),
                    clause: Some(check.clause),
                })
            }))
        };
        results.push(CheckResult {
            category: check.category,
            name: check.name,
            clause: check.clause,
            verdict,
        });
    }
    Report { results }
}

impl Report {
    /// Whether every check held, and none was left out.
    #[must_use]
    pub fn is_conformant(&self) -> bool {
        self.results
            .iter()
            .all(|result| matches!(result.verdict, Some(Ok(()))))
    }

    /// The checks that failed, each with what was seen.
    pub fn failures(&self) -> impl Iterator<Item = (&'static str, &Failure)> {
        self.results
            .iter()
            .filter_map(|result| match &result.verdict {
                Some(Err(failure)) => Some((result.name, failure)),
                Some(Ok(())) | None => None,
            })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broken = self.failures().count();
        let left_out = self.results.iter().filter(|r| r.verdict.is_none()).count();
        writeln!(
            f,
            "tenancy-conformance {}: {} checks, {broken} broken, {left_out} left out",
            env!("CARGO_PKG_VERSION"),
            self.results.len(),
        )?;
        let width = self.results.iter().map(|r| r.name.len()).max().unwrap_or(0);
        for result in &self.results {
            let (word, message) = match &result.verdict {
                Some(Ok(())) => ("held", None),
                Some(Err(failure)) => ("BROKEN", Some(failure.message())),
                None => ("left out", None),
            };
            writeln!(f, "{word:>8}  {:<width$}  “{}”", result.name, result.clause)?;
            for line in message.into_iter().flat_map(str::lines) {
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
