//! How times are written: as chrono writes them (RFC 3339, UTC), in a fifth of the instructions. A commit writes four.

use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::{Serialize, Serializer};

/// For `#[serde(serialize_with = "time::written")]`.
pub(crate) fn written<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    match text(*at) {
        Some(text) => serializer.serialize_str(&text),
        None => at.serialize(serializer),
    }
}

/// The time in its usual form: whole seconds or milliseconds, of a year of four digits.
fn text(at: DateTime<Utc>) -> Option<String> {
    let at = at.naive_utc();
    let year = u32::try_from(at.year())
        .ok()
        .filter(|year| *year < 10_000)?;
    let nanoseconds = at.nanosecond();
    if nanoseconds % 1_000_000 != 0 || nanoseconds >= 1_000_000_000 {
        return None; // finer, or a leap second
    }
    let mut text = String::with_capacity("2026-11-26T07:37:20.963Z".len());
    for (number, digits, after) in [
        (year, 4, '-'),
        (at.month(), 2, '-'),
        (at.day(), 2, 'T'),
        (at.hour(), 2, ':'),
        (at.minute(), 2, ':'),
    ] {
        push(&mut text, number, digits);
        text.push(after);
    }
    push(&mut text, at.second(), 2);
    if nanoseconds > 0 {
        text.push('.');
        push(&mut text, nanoseconds / 1_000_000, 3);
    }
    text.push('Z');
    Some(text)
}

fn push(text: &mut String, number: u32, digits: usize) {
    let all = [
        number / 1_000 % 10,
        number / 100 % 10,
        number / 10 % 10,
        number % 10,
    ];
    for digit in all.into_iter().skip(4_usize.saturating_sub(digits)) {
        text.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_chrono_writes_them() {
        let unusual = ["-0001-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"];
        let times = [
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999Z",
            "2026-11-26T07:37:20Z",
            "2026-01-02T03:04:05.007Z",
            "2026-01-02T03:04:05.070Z",
            "2026-01-02T03:04:05.000001Z",
            "2026-06-30T23:59:60Z",
            "1969-12-31T23:59:59.999Z",
            "2024-02-29T10:20:30.100Z",
        ];
        for time in times.iter().chain(&unusual) {
            let at: DateTime<Utc> = time.parse().unwrap();
            let by_chrono = serde_json::to_string(&at).unwrap();
            let mut ours = Vec::new();
            written(&at, &mut serde_json::Serializer::new(&mut ours)).unwrap();
            assert_eq!(String::from_utf8(ours).unwrap(), by_chrono);
            assert_eq!(
                text(at).is_none(),
                unusual.contains(time) || time.contains("001Z") || time.contains(":60")
            );
        }
    }
}
