//! What people are called.

use std::collections::{HashMap, HashSet};

use tenancy::UserId;
use tenancy_axum::People;

/// The names of the users on a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(HashMap<UserId, String>);

impl Names {
    /// Asks the host, once for a page.
    pub(crate) async fn of(people: &impl People, users: impl IntoIterator<Item = UserId>) -> Self {
        let users: HashSet<_> = users.into_iter().collect();
        if users.is_empty() {
            return Self::default();
        }
        let users: Vec<_> = users.into_iter().collect();
        let mut names = people.names(&users).await;
        names.retain(|_, name| !name.trim().is_empty());
        Self(names)
    }

    /// Their name, if the host has one.
    pub(crate) fn get(&self, user: UserId) -> Option<&str> {
        self.0.get(&user).map(String::as_str)
    }

    /// Their name, or what else they can be told by.
    pub(crate) fn or(&self, user: UserId, otherwise: &str) -> String {
        self.get(user).unwrap_or(otherwise).to_owned()
    }

    /// Their name, or the beginning of their id.
    pub(crate) fn show(&self, user: UserId) -> String {
        let id = user.to_string();
        let short: String = id.chars().take(8).collect();
        self.or(user, &format!("somebody ({short})"))
    }
}
