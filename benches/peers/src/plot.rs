//! The plots of `docs/performance.md`, as SVG.
//!
//! Written by hand: two plots of a few lines each need no library. Colours are those that can be read on white and on
//! black, as the page decides which it is and tells a picture nothing.

use std::fmt::Write as _;

use crate::peer::Kind;
use crate::report::{Figures, grouped};
use crate::{FOLDHASH, INDEX, STORE};

const TEXT: &str = "#768390";
const FAINT: &str = "#76839055";
const GREEN: &str = "#2da44e";
const GREY: &str = "#8b949e";
const BLUE: &str = "#388bfd";
const AMBER: &str = "#bf8700";

/// A logarithmic scale from powers of ten to pixels.
struct Scale {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Scale {
    /// The least that has all of these values.
    #[expect(clippy::cast_possible_truncation, reason = "logarithms are small")]
    fn of(values: &[f64], from: f64, to: f64) -> Self {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        let low = least.max(0.1).log10().floor() as i32;
        let high = most.max(1.0).log10().ceil() as i32;
        Self {
            low,
            high: high.max(low + 1),
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + part * (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).map(|power| 10_f64.powi(power))
    }
}

/// A bar for each that was asked, by what it is.
pub(crate) fn engines(figures: &Figures) -> String {
    let mut lines: Vec<_> = figures.lines.iter().collect();
    lines.sort_by(|one, other| one.nanoseconds.total_cmp(&other.nanoseconds));
    let (width, left, top, step) = (860.0, 330.0, 52.0, 26.0);
    let bottom = (lines.len() as f64).mul_add(step, top);
    let times: Vec<f64> = lines.iter().map(|line| line.nanoseconds).collect();
    let scale = Scale::of(&times, left, width - 90.0);

    let organizations = grouped(figures.organizations);
    let title = format!("Time of a check with {organizations} organizations (logarithmic)");
    let mut svg = begin(width, bottom + 52.0, &title);
    for tick in scale.ticks() {
        let x = scale.at(tick);
        rule(&mut svg, (x, top - 8.0), (x, bottom));
        text(
            &mut svg,
            (x, bottom + 18.0),
            "middle",
            TEXT,
            &duration(tick),
        );
    }
    for (place, line) in lines.iter().enumerate() {
        let y = (place as f64).mul_add(step, top);
        let end = scale.at(line.nanoseconds).max(left + 1.0);
        let colour = colour(line.kind);
        let _ = writeln!(
            svg,
            r#"<rect x="{left}" y="{y:.0}" width="{:.1}" height="18" rx="2" fill="{colour}"/>"#,
            end - left
        );
        let name = line.name.replace('`', "");
        text(&mut svg, (left - 8.0, y + 13.5), "end", TEXT, &name);
        let spent = duration(line.nanoseconds);
        text(&mut svg, (end + 6.0, y + 13.5), "start", TEXT, &spent);
    }
    let key = [
        ("tenancy", GREEN),
        ("by hand", GREY),
        ("another engine", BLUE),
    ];
    for (place, (name, colour)) in key.into_iter().enumerate() {
        let x = (place as f64).mul_add(130.0, left);
        let y = bottom + 32.0;
        let _ = writeln!(
            svg,
            r#"<rect x="{x}" y="{y}" width="12" height="12" rx="2" fill="{colour}"/>"#
        );
        text(&mut svg, (x + 18.0, y + 10.5), "start", TEXT, name);
    }
    svg + "</svg>\n"
}

/// A line for each, over the number of organizations.
pub(crate) fn growth(figures: &[Figures]) -> String {
    const LINES: [(&str, &str, &str); 3] = [
        (FOLDHASH, "by hand, foldhash", GREY),
        (STORE, "through Tenancy", GREEN),
        (INDEX, "the AccessIndex alone", BLUE),
    ];
    let time = |figures: &Figures, name: &str| {
        let line = figures.lines.iter().find(|line| line.name == name);
        line.map_or(f64::NAN, |line| line.nanoseconds)
    };
    let mut series: Vec<(&str, &str, Vec<f64>)> = LINES
        .iter()
        .map(|(line, name, colour)| {
            let times = figures.iter().map(|figures| time(figures, line));
            (*name, *colour, times.collect())
        })
        .collect();
    let accesses = figures.iter().map(|figures| figures.access);
    series.push(("one access to memory", AMBER, accesses.collect()));

    let (width, height) = (800.0, 400.0);
    let (left, right, top, bottom) = (64.0, width - 250.0, 48.0, height - 56.0);
    let sizes: Vec<f64> = figures
        .iter()
        .map(|figures| figures.organizations as f64)
        .collect();
    let across = Scale::of(&sizes, left, right);
    let all: Vec<f64> = series
        .iter()
        .flat_map(|(_, _, times)| times.clone())
        .collect();
    let up = Scale::of(&all, bottom, top);

    let mut svg = begin(
        width,
        height,
        "Time of a check by the number of organizations (both logarithmic)",
    );
    for tick in up.ticks() {
        let y = up.at(tick);
        rule(&mut svg, (left, y), (right, y));
        text(
            &mut svg,
            (left - 8.0, y + 4.0),
            "end",
            TEXT,
            &duration(tick),
        );
    }
    for (size, figures) in sizes.iter().zip(figures) {
        let organizations = grouped(figures.organizations);
        text(
            &mut svg,
            (across.at(*size), bottom + 20.0),
            "middle",
            TEXT,
            &organizations,
        );
    }
    let middle = f64::midpoint(left, right);
    text(
        &mut svg,
        (middle, bottom + 42.0),
        "middle",
        TEXT,
        "organizations, of 20 members each",
    );

    // Names stand at the lines' ends, one under the other.
    series.sort_by(|(_, _, one), (_, _, other)| {
        let last = |times: &[f64]| times.last().copied().unwrap_or_default();
        last(other).total_cmp(&last(one))
    });
    let mut free = 0.0_f64;
    for (name, colour, times) in &series {
        let points: Vec<String> = sizes
            .iter()
            .zip(times)
            .map(|(size, time)| format!("{:.1},{:.1}", across.at(*size), up.at(*time)))
            .collect();
        let path = points.join(" ");
        let _ = writeln!(
            svg,
            r#"<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>"#
        );
        for point in points {
            if let Some((x, y)) = point.split_once(',') {
                let _ = writeln!(
                    svg,
                    r#"<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>"#
                );
            }
        }
        let last = times.last().copied().unwrap_or_default();
        let y = up.at(last).max(free);
        free = y + 17.0;
        let label = format!("{name}, {}", duration(last));
        text(&mut svg, (right + 10.0, y + 4.0), "start", colour, &label);
    }
    svg + "</svg>\n"
}

const fn colour(kind: Kind) -> &'static str {
    match kind {
        Kind::Ours => GREEN,
        Kind::ByHand => GREY,
        Kind::Engine => BLUE,
    }
}

fn begin(width: f64, height: f64, title: &str) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" font-family="system-ui, sans-serif" font-size="13">
<title>{title}</title>
<text x="12" y="24" font-size="15" font-weight="600" fill="{TEXT}">{title}</text>
"#
    )
}

fn rule(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = writeln!(
        svg,
        r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{FAINT}"/>"#
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, colour: &str, text: &str) {
    let _ = writeln!(
        svg,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="{colour}">{text}</text>"#
    );
}

/// A time as people say it.
fn duration(nanoseconds: f64) -> String {
    let (number, unit) = match nanoseconds {
        ..1e3 => (nanoseconds, "ns"),
        ..1e6 => (nanoseconds / 1e3, "µs"),
        _ => (nanoseconds / 1e6, "ms"),
    };
    if number < 9.95 && number.fract() > 0.05 {
        format!("{number:.1} {unit}")
    } else {
        format!("{number:.0} {unit}")
    }
}
