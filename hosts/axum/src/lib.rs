#![doc = include_str!("../README.md")]

// In the order in which to read them.
mod host;
mod rejection;
mod sign_in;

mod permission;

mod answer;
mod carry_out;
mod input;
mod openapi;
mod routes;
mod shape;

mod mails;

pub use host::{Host, People};
pub use input::{At, Body};
pub use mails::{Mailer, Outbox, mail_invitations};
pub use permission::{Allowed, FromPath, Permission, may};
pub use rejection::Rejection;
pub use routes::{MAY_JS, descriptions, operators, router};
pub use sign_in::SignedIn;
