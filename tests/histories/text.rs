//! Text and links, on random input that is mostly traps.

use proptest::prelude::*;
use tenancy::text::{NameKey, TextLine};
use tenancy::{DomainName, EmailAddress, InvitationToken, Name};
use unicode_normalization::UnicodeNormalization as _;

/// Characters that break naive code, each for its own reason.
const TRAPS: &[char] = &[
    'a', 'A', 'k', 'K', 's', 'i', 'I', ' ', '.', '-', '\u{212A}', // KELVIN SIGN
    'ſ', 'ß', 'ẞ', 'ı', 'İ', 'ς', 'Σ', 'ﬃ', 'ŉ', 'ǰ', 'Ａ', 'é', 'e',
    '\u{301}', // COMBINING ACUTE
    '\u{307}', '\u{345}', 'ᾴ', 'ΐ', 'ა', 'Ა', 'ꭰ', '각', '\u{1100}', '\u{1161}', '\u{11A8}',
    '\u{3000}', '\u{A0}', '\u{2000}', '\u{200C}', '\u{200D}', '\u{FE0F}', '\u{202E}', '\u{200B}',
    '\u{AD}', '\u{3164}', '\u{2800}', '❤', '\t', '\u{85}', 'а', // CYRILLIC A
];

/// Text that is mostly traps, with anything else between them.
fn tricky_text() -> impl Strategy<Value = String> {
    let character = prop_oneof![3 => proptest::sample::select(TRAPS), 1 => any::<char>()];
    proptest::collection::vec(character, 0..24).prop_map(String::from_iter)
}

/// Whether a name may have that character between two letters.
fn may_stand_in_a_name(character: char) -> bool {
    Name::new(&format!("a{character}a")).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_the_labels_of_rfc_1123_are_domain_names(text in "[a-cA0.-]{0,6}") {
        let label = !text.is_empty()
            && text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
            && !text.starts_with('-')
            && !text.ends_with('-')
            && text.get(2..4) != Some("--");
        prop_assert_eq!(DomainName::new(&text).is_ok(), label);
    }

    #[test]
    fn an_address_is_its_own_address(local in tricky_text(), domain in tricky_text()) {
        let letters = |text: String| text.replace(|c: char| !c.is_alphanumeric(), "");
        let any = format!("{local}@{domain}.io");
        let likely = format!("{}@x{}.io", letters(local), letters(domain));
        for text in [any, likely] {
            if let Ok(address) = EmailAddress::new(&text) {
                let again = EmailAddress::new(address.as_ref()).unwrap();
                prop_assert_eq!(again.as_str(), address.as_str());
                prop_assert_eq!(again.key(), address.key());
                let of_key = EmailAddress::new(address.key().as_str()).unwrap();
                prop_assert_eq!(of_key.as_str(), address.key().as_str());
                prop_assert_eq!(of_key.key(), address.key());
            }
        }
    }

    #[test]
    fn a_name_is_its_own_name(text in tricky_text()) {
        if let Ok(name) = Name::new(&text) {
            prop_assert_eq!(Name::new(name.as_str()), Ok(name.clone()));
            let line = TextLine::new(&text).unwrap();
            prop_assert_eq!(line.as_str(), name.as_str());
            prop_assert!(name.as_str().chars().all(may_stand_in_a_name));
        }
    }

    #[test]
    fn a_key_is_its_own_key(text in tricky_text()) {
        if let Ok(name) = Name::new(&text) {
            let key = name.key();
            let json = serde_json::to_string(&key).unwrap();
            prop_assert_eq!(serde_json::from_str::<NameKey>(&json).unwrap(), key.clone());
            prop_assert_eq!(Name::new(key.as_str()).unwrap().key(), key);
        }
    }

    #[test]
    fn text_and_its_decomposition_have_one_key(text in tricky_text()) {
        let decomposed: String = text.nfd().collect();
        if let (Ok(one), Ok(other)) = (Name::new(&text), Name::new(&decomposed)) {
            prop_assert_eq!(one.key(), other.key());
            prop_assert_eq!(one, other);
        }
    }

    #[test]
    fn any_text_is_refused_or_is_the_text_of_its_token(
        text in "(tinv_)?[A-Za-z0-9_-]{84,87}|\\PC*"
    ) {
        if let Ok(token) = InvitationToken::parse(&text) {
            let exposed = token.expose();
            prop_assert_eq!(exposed.as_str(), text);
        }
    }
}
