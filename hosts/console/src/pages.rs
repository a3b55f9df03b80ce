//! The pages, one file each: what they show, and the forms on them.

pub(crate) mod home;
pub(crate) mod invitation;

pub(crate) mod company;
pub(crate) mod organization;
pub(crate) mod settings;

pub(crate) mod invited;
pub(crate) mod member;
pub(crate) mod members;
pub(crate) mod person;
pub(crate) mod workspace_role;

pub(crate) mod role;
pub(crate) mod roles;

pub(crate) mod domain;
pub(crate) mod workspace;
pub(crate) mod workspace_people;
pub(crate) mod workspaces;

pub(crate) mod activity;

pub(crate) mod staff;
pub(crate) mod why;

pub(crate) mod confirm;
pub(crate) mod problem;
