//! Who there is: the people of the demonstration, and the vendor's staff.

use std::error::Error;

use tenancy::text::TextLine;
use tenancy::{Actor, EmailAddress, Operator, UserId, VerifiedEmail};

/// Somebody to be.
pub(crate) struct Somebody {
    pub(crate) word: &'static str,
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
    pub(crate) what: &'static str,
}

/// The vendor's staff are nobody's members.
pub(crate) const STAFF: &str = "staff";

/// In the order in which they are offered.
pub(crate) const PEOPLE: [Somebody; 12] = [
    Somebody {
        word: "ann",
        name: "Ann Larsen",
        email: "ann@acme.example",
        what: "Admin of Acme Payments",
    },
    Somebody {
        word: "bob",
        name: "Bob Okafor",
        email: "bob@acme.example",
        what: "Member; Developer of one workspace",
    },
    Somebody {
        word: "cy",
        name: "Cy Tanaka",
        email: "cy@acme.example",
        what: "Accounting",
    },
    Somebody {
        word: "dora",
        name: "Dora Weiss",
        email: "dora@elsewhere.example",
        what: "Belongs to nothing, and is invited",
    },
    Somebody {
        word: "eve",
        name: "Eve Moreau",
        email: "eve@acme.example",
        what: "Suspended",
    },
    Somebody {
        word: "fadi",
        name: "فادي الحداد",
        email: "fadi@acme.example",
        what: "Admin of a workspace",
    },
    Somebody {
        word: "gus",
        name: "Gus <script>alert(1)</script> O'Neil & Sons",
        email: "gus@acme.example",
        what: "Reader, with a name like markup",
    },
    Somebody {
        word: "hana",
        name: "Hana Maria Konstantina von und zu Hohenstein-Lichtenfels-Altenburg the Third",
        email: "hana.maria.konstantina@long-department.acme.example",
        what: "Sandbox tester, with a long name",
    },
    Somebody {
        word: "ivo",
        name: "Ivo Petrov",
        email: "ivo@acme.example",
        what: "Auditor, for another month",
    },
    Somebody {
        word: "jin",
        name: "진우 김",
        email: "jin@acme.example",
        what: "The second Admin",
    },
    Somebody {
        word: "kai",
        name: "Kai Nakoa",
        email: "kai@solo.example",
        what: "The only Admin of a small company",
    },
    Somebody {
        word: "lea",
        name: "Léa Dubois",
        email: "lea@new.example",
        what: "New here: belongs to nothing",
    },
];

impl Somebody {
    pub(crate) fn id(&self) -> UserId {
        UserId::from_external(self.word)
    }

    pub(crate) fn address(&self) -> Result<EmailAddress, Box<dyn Error>> {
        Ok(self.email.parse()?)
    }
}

/// Whom a cookie names.
pub(crate) fn actor(word: &str) -> Option<Actor> {
    if word == STAFF {
        let label: TextLine = "Sam of support".parse().ok()?;
        return Some(Actor::Operator(Operator::attest(label)));
    }
    let somebody = PEOPLE.iter().find(|somebody| somebody.word == word)?;
    let email = somebody.address().ok()?;
    Some(Actor::user(somebody.id(), VerifiedEmail::attest(email)))
}
