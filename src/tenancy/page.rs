//! Lists come in pages, by key: a page says where the next one begins.

use core::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// Which page of a list.
///
/// ```
/// use tenancy::Paging;
///
/// let first: Paging<u32> = Paging::first(20);
/// let next = first.after(7);
/// assert_eq!((next.after, next.limit.get()), (Some(7), 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Paging<K> {
    /// Only items after this key; `None` for the first page.
    pub after: Option<K>,
    /// How many items at the most. More than [`Paging::MAX_LIMIT`] is cut to it.
    pub limit: NonZeroU32,
}

/// A part of a list.
///
/// An item that is there during the whole walk comes exactly once, however much is added or removed
/// meanwhile. The walk as a whole is not a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T, K> {
    /// The items, in ascending order of their key.
    pub items: Vec<T>,
    /// Where the next page begins; `None` if there is nothing more. The next page may turn out empty.
    pub next: Option<K>,
    /// The keys of items that stand here and can't be read: a later version of this crate wrote them, or something
    /// else did. They are left out, and the list goes on past them (A7). Empty, as it should be where one version runs.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<K>,
}

impl<K> Paging<K> {
    /// How many items a page holds at the most.
    pub const MAX_LIMIT: u32 = 1_000;

    /// The first page, of at most `limit` items (at least 1, at most [`Paging::MAX_LIMIT`]).
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self {
            after: None,
            limit: NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN),
        }
    }

    /// The page after that key, of the same size.
    #[must_use]
    pub fn after(self, key: K) -> Self {
        Self {
            after: Some(key),
            ..self
        }
    }

    pub(crate) fn limit(&self) -> NonZeroU32 {
        const MAX_LIMIT: NonZeroU32 = NonZeroU32::new(Paging::<()>::MAX_LIMIT).unwrap();
        self.limit.min(MAX_LIMIT)
    }
}

impl<K> Default for Paging<K> {
    /// The first page, of 50.
    fn default() -> Self {
        Self::first(50)
    }
}

impl<T, K> Page<T, K> {
    /// A page of what a store answered to `limit`: full, so there may be more; or not.
    pub(crate) fn of(items: Vec<T>, limit: NonZeroU32, key: impl Fn(&T) -> K) -> Self {
        let next = if is_full(items.len(), limit) {
            items.last().map(key)
        } else {
            None
        };
        let unreadable = Vec::new();
        Self {
            items,
            next,
            unreadable,
        }
    }

    /// The same of items some of which can't be read: of those, the keys.
    pub(crate) fn of_some(
        items: Vec<Result<T, K>>,
        limit: NonZeroU32,
        key: impl Fn(&T) -> K,
    ) -> Self
    where
        K: Copy,
    {
        let key = |item: &Result<T, K>| item.as_ref().map_or_else(|unread| *unread, &key);
        let all = Page::of(items, limit, key);
        let mut page = Self {
            next: all.next,
            ..Self::empty()
        };
        for item in all.items {
            match item {
                Ok(item) => page.items.push(item),
                Err(key) => page.unreadable.push(key),
            }
        }
        page
    }

    pub(crate) fn empty() -> Self {
        Self {
            items: Vec::new(),
            next: None,
            unreadable: Vec::new(),
        }
    }

    pub(crate) fn map<U>(self, to: impl FnMut(T) -> U) -> Page<U, K> {
        Page {
            items: self.items.into_iter().map(to).collect(),
            next: self.next,
            unreadable: self.unreadable,
        }
    }

    /// The items that are worth keeping; the next page begins where it began.
    pub(crate) fn filter_map<U>(self, to: impl FnMut(T) -> Option<U>) -> Page<U, K> {
        Page {
            items: self.items.into_iter().filter_map(to).collect(),
            next: self.next,
            unreadable: self.unreadable,
        }
    }
}

fn is_full(items: usize, limit: NonZeroU32) -> bool {
    u32::try_from(items).unwrap_or(u32::MAX) >= limit.get()
}
