//! The pages, asked in-process: who sees what, what forms do, and what nobody is shown.

mod world;

mod forms;
mod invitations;
mod reasons;
mod safety;
mod views;
