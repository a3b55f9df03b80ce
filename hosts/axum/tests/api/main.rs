//! The API as clients meet it. Each answer is held against the description.

mod client;

mod allowed;
mod described;
mod outsiders;
mod requests;
mod story;
