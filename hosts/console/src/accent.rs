//! The one colour that a host chooses, and what is made of it so that text stays readable.

use core::fmt;
use core::str::FromStr;

/// A host's colour, as `#rrggbb`. Whatever it is, text in it and on it has a contrast of 4.5 to 1 (WCAG AA): it is
/// darkened for light pages and lightened for dark ones, as far as it takes.
///
/// ```
/// use tenancy_console::Accent;
///
/// let accent: Accent = "#ffcc00".parse()?;
/// assert_eq!(accent.to_string(), "#ffcc00");
/// assert!("red; } body { display: none".parse::<Accent>().is_err());
/// # Ok::<(), tenancy_console::InvalidAccent>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent([u8; 3]);

/// Text that is no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidAccent;

const LEAST_CONTRAST: f64 = 4.5;
/// What text stands on: the page and the panels, of which the less favourable counts.
const LIGHT: Accent = Accent([0xf6, 0xf6, 0xf3]);
const DARK: Accent = Accent([0x1f, 0x22, 0x28]);
const WHITE: Accent = Accent([0xff; 3]);
const BLACK: Accent = Accent([0x12, 0x12, 0x12]);

impl Accent {
    /// The console's own: a deep blue-green.
    pub(crate) const DEFAULT: Self = Self([0x0b, 0x66, 0x5c]);

    /// The custom properties that the stylesheet is built on.
    pub(crate) fn properties(self) -> String {
        let (light, dark) = (self.readable_on(LIGHT, 0), self.readable_on(DARK, 255));
        format!(
            ":root{{--accent:{light};--on-accent:{}}}\n\
             @media (prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:{}}}}}\n",
            light.text(),
            dark.text()
        )
    }

    /// As it is, or as much nearer to black or white as it takes to be read on that.
    fn readable_on(self, page: Self, towards: u8) -> Self {
        let steps = (0..=20_u8).map(|step| self.mixed(towards, f64::from(step) / 20.0));
        let readable = |colour: &Self| colour.contrast(page) >= LEAST_CONTRAST;
        steps.into_iter().find(readable).unwrap_or(self)
    }

    /// What is read best on it.
    fn text(self) -> Self {
        if self.contrast(WHITE) >= self.contrast(BLACK) {
            WHITE
        } else {
            BLACK
        }
    }

    fn mixed(self, with: u8, share: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between two bytes there are only bytes"
        )]
        let mix = |channel: u8| {
            let (from, to) = (f64::from(channel), f64::from(with));
            (from + (to - from) * share).round() as u8
        };
        Self(self.0.map(mix))
    }

    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// As WCAG 2 defines it.
    fn luminance(self) -> f64 {
        let linear = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        });
        let [red, green, blue] = linear;
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl FromStr for Accent {
    type Err = InvalidAccent;

    fn from_str(text: &str) -> Result<Self, InvalidAccent> {
        let digits = text.strip_prefix('#').ok_or(InvalidAccent)?;
        let is_hex = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex);
        let [_, red, green, blue] = number.ok_or(InvalidAccent)?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl fmt::Display for InvalidAccent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a colour is written as `#rrggbb`")
    }
}

impl core::error::Error for InvalidAccent {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_host_chooses_can_be_read() {
        for colour in [
            "#ffffff", "#000000", "#ffee00", "#0000ff", "#808080", "#0b665c",
        ] {
            let accent: Accent = colour.parse().unwrap();
            let (light, dark) = (accent.readable_on(LIGHT, 0), accent.readable_on(DARK, 255));
            assert!(light.contrast(LIGHT) >= LEAST_CONTRAST, "{colour}");
            assert!(dark.contrast(DARK) >= LEAST_CONTRAST, "{colour}");
            for shown in [light, dark] {
                assert!(shown.contrast(shown.text()) >= LEAST_CONTRAST, "{colour}");
            }
        }
    }
}
