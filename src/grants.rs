//! Grants: the actions that a role of an organization's own adds to its base, as a set of codes (R3, R8).

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::domain::DomainKind;

/// The number by which an action is kept in a role of an organization's own: stable for ever, and never used
/// again for another action (R8). 0 to 63 are the crate's, 64 to 127 a host's.
///
/// An action on domains has two numbers: its code counts for sandboxes, and the next number for production
/// (R4). So a host that gives such an action 64 gives the next action 66.
///
/// ```
/// use tenancy::{Code, DomainKind};
///
/// let start = Code::host(64).expect("64 to 127");
/// assert_eq!(start.on(DomainKind::Production).number(), 65);
/// assert_eq!(Code::host(3), None); // the crate's
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(
    // INVARIANT: 0 to 127.
    u8,
);

impl Code {
    /// The first that is a host's.
    pub const FIRST_OF_HOSTS: u8 = 64;
    /// The last that there is.
    pub const LAST: u8 = 127;

    /// A host's code; `None` unless 64 to 127.
    #[must_use]
    pub const fn host(number: u8) -> Option<Self> {
        if number >= Self::FIRST_OF_HOSTS && number <= Self::LAST {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Any code; `None` above 127.
    pub(crate) const fn new(number: u8) -> Option<Self> {
        if number <= Self::LAST {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The code that counts for domains of that kind, of an action on domains: itself for sandboxes, the next
    /// one for production (R4).
    #[must_use]
    pub const fn on(self, kind: DomainKind) -> Self {
        match kind {
            DomainKind::Production if self.0 < Self::LAST => Self(self.0.wrapping_add(1)),
            DomainKind::Sandbox | DomainKind::Production => self,
        }
    }
}

/// A set of actions, by their [codes](Code): what a role of an organization's own adds to its base (R2).
///
/// It is made of actions, [`Grants::of`] one or [`Grants::on`] domains of one kind, and joined with `|`. As
/// JSON it is a list of codes. A code that this program doesn't know stays in it, and grants nothing (R8).
///
/// ```
/// use tenancy::{DomainAction, DomainKind, Grants, OrganizationAction, WorkspaceAction};
///
/// # fn main() -> Result<(), tenancy::Refusal> {
/// let adds = Grants::on(DomainKind::Sandbox, DomainAction::Configure)? | Grants::of(WorkspaceAction::CreateDomain)?;
/// assert!(adds.contains(Grants::on(DomainKind::Sandbox, DomainAction::Configure)?));
/// assert!(!adds.contains(Grants::on(DomainKind::Production, DomainAction::Configure)?));
///
/// // What gives power over people is reserved: no role can add it.
/// assert!(Grants::of(OrganizationAction::Invite).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    /// Codes 0 to 63. (Two halves, as a `u128` would be aligned to 16 bytes, and a standing larger.)
    ours: u64,
    /// Codes 64 to 127.
    hosts: u64,
}

impl Grants {
    /// Nothing.
    pub const NONE: Self = Self { ours: 0, hosts: 0 };

    /// Exactly that code, and nothing that it brings along.
    pub(crate) const fn only(code: Code) -> Self {
        let bit = 1_u64.wrapping_shl((code.0 % 64) as u32);
        if code.0 < Code::FIRST_OF_HOSTS {
            Self {
                ours: bit,
                hosts: 0,
            }
        } else {
            Self {
                ours: 0,
                hosts: bit,
            }
        }
    }

    /// As two words, for [`from_words`](Self::from_words).
    pub(crate) const fn to_words(self) -> [u64; 2] {
        [self.ours, self.hosts]
    }

    /// What [`to_words`](Self::to_words) made.
    pub(crate) const fn from_words([ours, hosts]: [u64; 2]) -> Self {
        Self { ours, hosts }
    }

    /// Both together. `|`, usable in `const`.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            ours: self.ours | other.ours,
            hosts: self.hosts | other.hosts,
        }
    }

    /// What is in this and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self {
            ours: self.ours & !other.ours,
            hosts: self.hosts & !other.hosts,
        }
    }

    /// Whether all of the other is in this.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        other.without(self).is_empty()
    }

    /// Whether something is in both.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.ours & other.ours != 0 || self.hosts & other.hosts != 0
    }

    /// Whether that code is in it.
    #[must_use]
    pub const fn has(self, code: Code) -> bool {
        self.contains(Self::only(code))
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.ours == 0 && self.hosts == 0
    }

    /// The codes in it, in order.
    pub fn codes(self) -> impl Iterator<Item = Code> {
        (0..=Code::LAST)
            .map(Code)
            .filter(move |code| self.has(*code))
    }
}

impl BitOr for Grants {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for Grants {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

impl FromIterator<Self> for Grants {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        all.into_iter().fold(Self::NONE, Self::union)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Grants {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.codes().map(Code::number))
    }
}

impl<'de> Deserialize<'de> for Grants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let numbers = Vec::<u8>::deserialize(deserializer)?;
        let codes = numbers.into_iter().map(|number| {
            let code = Code::new(number).map(Self::only);
            code.ok_or_else(|| de::Error::custom(format_args!("{number} is no code: 0 to 127 are")))
        });
        codes.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_a_bit_of_its_own() {
        let mut all = Grants::NONE;
        for code in (0..=Code::LAST).map(Code) {
            assert!(!all.has(code));
            all |= Grants::only(code);
            assert!(all.has(code));
            assert_eq!(
                Grants::only(code).codes().collect::<Vec<_>>(),
                vec![code],
                "{code}"
            );
        }
        assert_eq!(all.codes().count(), 128);
        assert_eq!(all.without(all), Grants::NONE);
    }

    #[test]
    fn grants_travel_as_a_list_of_codes() {
        let some: Grants = [0, 63, 64, 127]
            .map(|n| Grants::only(Code(n)))
            .into_iter()
            .collect();
        let json = serde_json::to_string(&some).unwrap();
        assert_eq!(json, "[0,63,64,127]");
        assert_eq!(serde_json::from_str::<Grants>(&json).unwrap(), some);
        assert!(serde_json::from_str::<Grants>("[128]").is_err());
        assert!(serde_json::from_str::<Grants>("[-1]").is_err());
    }
}
