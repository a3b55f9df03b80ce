//! Lists come in pages, by key: a page says where the next one begins.

use core::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::id::{DomainId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::text::{DomainName, NameKey};
use crate::version::Version;

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
    /// The items, in ascending order of their key; in [`activity`](crate::Tenancy::activity), newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` if there is nothing more. What is shown to this actor of the next page may be
    /// nothing.
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

impl<K: PageKey> Paging<K> {
    /// The page that begins where a [`Page::cursor`] says, of the same size: what a client sends back.
    ///
    /// Whoever asks may have made it up. It opens nothing: whatever it says, a list holds what the actor may see.
    ///
    /// ```
    /// use tenancy::{Page, Paging, UserId};
    ///
    /// let page = Page { items: vec!["Ann"], next: Some(UserId::from_external("ann")), unreadable: vec![] };
    /// let cursor = page.cursor().expect("there is more");
    /// let next = Paging::first(20).from_cursor(&cursor)?;
    /// assert_eq!(next.after, page.next);
    /// # Ok::<(), tenancy::views::InvalidCursor>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidCursor`]: no page of such a list gives it.
    pub fn from_cursor(self, cursor: &str) -> Result<Self, InvalidCursor> {
        let mut parts = cursor.split('.');
        let key = K::read(&mut parts).filter(|_| parts.next().is_none());
        Ok(self.after(key.ok_or(InvalidCursor)?))
    }
}

impl<T, K: PageKey> Page<T, K> {
    /// Where the next page begins, as text that stands in a URL as it is: `None` if there is nothing more.
    #[must_use]
    pub fn cursor(&self) -> Option<String> {
        let mut cursor = String::new();
        self.next.as_ref()?.write(&mut cursor);
        Some(cursor)
    }
}

/// Text that is no [`Page::cursor`] of the list that it was given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is none that a page of this list gave: begin at the first page")]
pub struct InvalidCursor;

/// What lists are paged by: ids, versions, names, and pairs of them. Sealed, as there are so many lists.
pub trait PageKey: sealed::Sealed + Sized {
    #[doc(hidden)]
    fn write(&self, cursor: &mut String);

    #[doc(hidden)]
    fn read<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! ids {
    ($($id:ty),+) => {$(
        impl sealed::Sealed for $id {}

        impl PageKey for $id {
            fn write(&self, cursor: &mut String) {
                let mut digits = [0; Simple::LENGTH];
                cursor.push_str(self.as_uuid().as_simple().encode_lower(&mut digits));
            }

            fn read<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
                let digits = parts.next().filter(|digits| digits.len() == Simple::LENGTH)?;
                Some(Self::from_uuid(Uuid::try_parse(digits).ok()?))
            }
        }
    )+};
}

ids!(OrganizationId, WorkspaceId, DomainId, UserId, InvitationId);

impl sealed::Sealed for Version {}

impl PageKey for Version {
    fn write(&self, cursor: &mut String) {
        cursor.push_str(&self.get().to_string());
    }

    fn read<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        Some(Self::new(parts.next()?.parse().ok()?))
    }
}

impl sealed::Sealed for DomainName {}

/// A name that rules of another day let in may have characters that mean something in a cursor, or in a URL.
impl PageKey for DomainName {
    fn write(&self, cursor: &mut String) {
        write_text(self.as_str(), cursor);
    }

    fn read<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        Self::once_let_in(&read_text(parts.next()?)?).ok()
    }
}

impl sealed::Sealed for NameKey {}

/// A key as it was filed, by whatever tables: it is compared, and opens nothing.
impl PageKey for NameKey {
    fn write(&self, cursor: &mut String) {
        write_text(self.as_str(), cursor);
    }

    fn read<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        let text = read_text(parts.next()?)?;
        Some(Self::from_column(&text)).filter(|_| !text.is_empty())
    }
}

/// Text as two digits a byte.
fn write_text(text: &str, cursor: &mut String) {
    for byte in text.bytes() {
        for digit in [byte >> 4, byte & 0xF] {
            cursor.extend(char::from_digit(digit.into(), 16));
        }
    }
}

fn read_text(digits: &str) -> Option<String> {
    let digits: Option<Vec<u8>> = digits
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    let bytes = digits.chunks_exact(2).map(|byte| match *byte {
        [high, low] => high << 4 | low,
        _ => 0,
    });
    String::from_utf8(bytes.collect()).ok()
}

impl<A: PageKey, B: PageKey> sealed::Sealed for (A, B) {}

impl<A: PageKey, B: PageKey> PageKey for (A, B) {
    fn write(&self, cursor: &mut String) {
        self.0.write(cursor);
        cursor.push('.');
        self.1.write(cursor);
    }

    fn read<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        Some((A::read(parts)?, B::read(parts)?))
    }
}

impl<K: PageKey> sealed::Sealed for Option<K> {}

/// Nothing is an empty part.
impl<K: PageKey> PageKey for Option<K> {
    fn write(&self, cursor: &mut String) {
        if let Some(key) = self {
            key.write(cursor);
        }
    }

    fn read<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        match parts.next()? {
            "" => Some(None),
            part => K::read(&mut core::iter::once(part)).map(Some),
        }
    }
}

impl<K> Default for Paging<K> {
    /// The first page, of 50.
    fn default() -> Self {
        Self::first(50)
    }
}

impl<T, K> Page<T, K> {
    /// A page of `limit` of these. If there are more, the next one begins behind the last that is shown.
    pub(crate) fn of(mut items: Vec<T>, limit: NonZeroU32, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let is_last = items.len() <= limit;
        items.truncate(limit);
        let next = items.last().filter(|_| !is_last).map(key);
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
        K: Clone,
    {
        let key = |item: &Result<T, K>| item.as_ref().map_or_else(K::clone, &key);
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
