//! Rounds by turns, and their medians.

use std::time::{Duration, Instant};

/// Runs them by turns, and prints the median round of each.
pub(crate) fn compare(rounds: usize, size: usize, candidates: &mut [(&str, &mut dyn FnMut())]) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); candidates.len()];
    for round in 0..=rounds {
        // Each goes first as often as any other.
        for turn in 0..candidates.len() {
            let which = (turn + round) % candidates.len();
            let (run, times) = (&mut candidates[which].1, &mut times[which]);
            let begun = Instant::now();
            for _ in 0..size {
                run();
            }
            if round > 0 {
                times.push(begun.elapsed()); // the first one warms up
            }
        }
    }
    let base = median(&mut times[0], size);
    for ((name, _), times) in candidates.iter().zip(&mut times) {
        let median = median(times, size);
        println!("  {name:32} {median:8.2} µs  {:5.2} x", median / base);
    }
}

/// The median round, in microseconds for each of its runs.
pub(crate) fn median(times: &mut [Duration], size: usize) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6 / size as f64
}
