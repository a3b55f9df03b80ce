#![doc = include_str!("../README.md")]

// In the order in which to read them.
mod accent;
mod console;
mod router;

mod guard;
mod visit;

mod assets;
mod choices;
mod form;
mod frame;
mod people;
mod say;
pub mod words;

mod pages;

pub use accent::{Accent, InvalidAccent};
pub use console::Console;
pub use router::router;
