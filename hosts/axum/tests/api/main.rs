//! The API as clients meet it. Each answer is held against the description.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that goes wrong should stop"
)]

mod client;

mod allowed;
mod described;
mod mails;
mod may;
mod outsiders;
mod requests;
mod story;
