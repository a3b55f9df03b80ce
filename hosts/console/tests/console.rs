//! The pages, asked in-process: who sees what, what forms do, and what nobody is shown.

#[path = "console/world.rs"]
mod world;

#[path = "console/forms.rs"]
mod forms;
#[path = "console/invitations.rs"]
mod invitations;
#[path = "console/reasons.rs"]
mod reasons;
#[path = "console/safety.rs"]
mod safety;
#[path = "console/views.rs"]
mod views;
