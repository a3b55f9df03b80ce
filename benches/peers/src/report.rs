//! What is printed, and what is written into `docs/performance.md`.
//!
//! The document's prose stays as it is: only what stands between `<!-- figures: … -->` and `<!-- end -->` is written.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};

use crate::instructions;
use crate::ours::Readers;
use crate::peer::Kind;
use crate::plot;
use crate::population::MEMBERS;

const ACCESS: &str = "one dependent access to as much memory";

/// What was measured with so many organizations.
pub(crate) struct Figures {
    pub(crate) organizations: usize,
    /// The first is tenancy as hosts call it: the others are compared with it.
    pub(crate) lines: Vec<Line>,
    /// One dependent access to as much memory as the index takes, in nanoseconds.
    pub(crate) access: f64,
    /// How long the store in memory took to be filled.
    pub(crate) loaded: Duration,
    pub(crate) readers: Readers,
}

/// What one of those who were asked took.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) nanoseconds: f64,
    /// The questions that it was asked, and on which it agreed.
    pub(crate) asked: usize,
    /// Bytes a membership.
    pub(crate) bytes: Option<f64>,
}

impl Figures {
    pub(crate) fn ours(&self) -> f64 {
        self.lines[0].nanoseconds
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memberships = grouped(self.organizations * MEMBERS);
        let organizations = grouped(self.organizations);
        writeln!(
            f,
            "\n{organizations} organizations, {memberships} memberships\n"
        )?;
        let head = [
            "a check",
            "ns",
            "× `Tenancy`",
            "bytes a membership",
            "questions agreed on",
        ];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for line in &self.lines {
            rows.push(vec![
                line.name.to_owned(),
                time(line.nanoseconds),
                ratio(line.nanoseconds / self.ours()),
                bytes(line.bytes),
                grouped(line.asked),
            ]);
        }
        rows.push(vec![
            ACCESS.to_owned(),
            time(self.access),
            ratio(self.access / self.ours()),
            String::new(),
            String::new(),
        ]);
        f.write_str(&table(rows))?;
        writeln!(
            f,
            "\nloaded into the store in memory in {:.1?}",
            self.loaded
        )?;
        let Readers {
            two,
            beside_a_writer,
            commits_a_second,
        } = self.readers;
        writeln!(
            f,
            "two readers: {two:.2} times one; one reader beside {commits_a_second:.0} commits a second: \
             {beside_a_writer:.2} times alone"
        )
    }
}

/// Where and when it was measured, and what else ran.
pub(crate) struct Machine {
    date: DateTime<Utc>,
    cores: usize,
    processor: String,
    load: String,
}

impl Machine {
    pub(crate) fn now() -> Self {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = processors
            .lines()
            .find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split(": ").nth(1));
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            date: SystemTime::now().into(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: model.unwrap_or("an unnamed processor").to_owned(),
            load: load.split(' ').next().unwrap_or("?").to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            date,
            cores,
            processor,
            load,
        } = self;
        let profile = if cfg!(debug_assertions) {
            ", without optimization"
        } else {
            ""
        };
        let date = date.format("%-d %B %Y");
        write!(
            f,
            "{date}, {cores} cores of {processor}{profile}; when the run began, {load} programs wanted to run \
             (the load average)"
        )
    }
}

/// Writes the figures into the document, and the plots beside it.
pub(crate) fn write(
    machine: &Machine,
    figures: &[Figures],
    writers: String,
    items: String,
) -> io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let path = docs.join("performance.md");
    let mut document = fs::read_to_string(&path)?;
    for (name, text) in [
        ("the run", format!("{machine}.\n")),
        ("growth", growth(figures)),
        ("memory", memory(figures)),
        ("readers", readers(figures)),
        ("engines", engines(figures)),
        ("writers", writers),
        ("items", items),
        ("instructions", instructions::table()),
    ] {
        document = replaced(&document, name, &text);
    }
    fs::write(path, document)?;
    let plots = docs.join("performance");
    fs::create_dir_all(&plots)?;
    fs::write(plots.join("growth.svg"), plot::growth(figures))?;
    fs::write(plots.join("engines.svg"), plot::engines(&figures[0]))
}

/// The document with other text between these markers.
fn replaced(document: &str, name: &str, text: &str) -> String {
    let begin = format!("<!-- figures: {name} -->\n");
    let (before, rest) = document.split_once(&begin).expect("its marker");
    let (_, after) = rest.split_once("<!-- end -->").expect("its end");
    format!("{before}{begin}{text}<!-- end -->{after}")
}

/// A table in Markdown: the first row is its head, and the first column the only one that is text.
pub(crate) fn table(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = String::new();
    for (place, row) in rows.into_iter().enumerate() {
        text += &["| ", &row.join(" | "), " |\n"].concat();
        if place == 0 {
            text += &["| --- |", &" ---: |".repeat(row.len() - 1), "\n"].concat();
        }
    }
    text
}

/// A table with a column for each number of organizations.
fn by_size(title: &str, figures: &[Figures], rows: Vec<Vec<String>>) -> String {
    let mut head = vec![title.to_owned()];
    head.extend(figures.iter().map(|figures| grouped(figures.organizations)));
    head[1] += " organizations";
    let mut all = vec![head];
    all.extend(rows);
    table(all)
}

/// A row of such a table.
fn row(name: &str, figures: &[Figures], cell: impl Fn(&Figures) -> String) -> Vec<String> {
    let mut row = vec![name.to_owned()];
    row.extend(figures.iter().map(cell));
    row
}

fn line<'a>(figures: &'a Figures, name: &str) -> Option<&'a Line> {
    figures.lines.iter().find(|line| line.name == name)
}

/// Whoever is asked at the greatest number of organizations is asked at each.
fn growth(figures: &[Figures]) -> String {
    let everywhere = figures[figures.len() - 1].lines.iter();
    let mut rows: Vec<_> = everywhere
        .map(|Line { name, .. }| {
            row(name, figures, |figures| {
                line(figures, name).map_or_else(String::new, |line| time(line.nanoseconds))
            })
        })
        .collect();
    rows.push(row(ACCESS, figures, |figures| time(figures.access)));
    by_size("a check, in ns", figures, rows)
}

/// At the greatest number of organizations.
fn memory(figures: &[Figures]) -> String {
    let last = &figures[figures.len() - 1];
    let organizations = grouped(last.organizations);
    let title = format!("bytes a membership, at {organizations} organizations");
    let mut rows = vec![vec![title, String::new()]];
    let holding = last.lines.iter().filter(|line| line.bytes.is_some());
    rows.extend(holding.map(|line| vec![line.name.to_owned(), bytes(line.bytes)]));
    table(rows)
}

fn readers(figures: &[Figures]) -> String {
    let rows = vec![
        row(
            "filling the store in memory, each organization as one commit",
            figures,
            |figures| format!("{:.1?}", figures.loaded),
        ),
        row(
            "two threads that check, of what one answers",
            figures,
            |figures| format!("{:.1} ×", figures.readers.two),
        ),
        row(
            "one that checks while another commits, of what it answers alone",
            figures,
            |figures| format!("{:.1} ×", figures.readers.beside_a_writer),
        ),
        row(
            "commits a second meanwhile, all to one organization",
            figures,
            |figures| thousands(figures.readers.commits_a_second),
        ),
    ];
    by_size("beside others", figures, rows)
}

/// All that were asked with few organizations.
fn engines(figures: &[Figures]) -> String {
    let asked: Vec<&Figures> = figures
        .iter()
        .filter(|figures| figures.lines.iter().any(|line| line.kind == Kind::Engine))
        .collect();
    let (Some(first), Some(last)) = (asked.first(), asked.last()) else {
        return "No engine was asked: `cargo peers --write` asks them.\n".to_owned();
    };
    let mut head = vec!["a check".to_owned()];
    for figures in &asked {
        let organizations = grouped(figures.organizations);
        head.push(format!("ns, {organizations} organizations"));
        head.push("× `Tenancy`".to_owned());
    }
    head.push(format!(
        "bytes a membership, at {}",
        grouped(last.organizations)
    ));
    head.push("questions agreed on".to_owned());

    let mut rows = vec![head];
    for Line {
        name, asked: count, ..
    } in &first.lines
    {
        let mut row = vec![(*name).to_owned()];
        for figures in &asked {
            let spent = line(figures, name).map_or(f64::NAN, |line| line.nanoseconds);
            row.push(time(spent));
            row.push(ratio(spent / figures.ours()));
        }
        row.push(bytes(line(last, name).and_then(|line| line.bytes)));
        row.push(grouped(*count));
        rows.push(row);
    }
    table(rows)
}

/// Nanoseconds, to three digits or the whole.
fn time(nanoseconds: f64) -> String {
    if nanoseconds < 10.0 {
        format!("{nanoseconds:.1}")
    } else {
        thousands(nanoseconds)
    }
}

fn ratio(ratio: f64) -> String {
    if ratio < 10.0 {
        format!("{ratio:.2}")
    } else {
        thousands(ratio)
    }
}

fn bytes(bytes: Option<f64>) -> String {
    bytes.map_or_else(String::new, thousands)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times and sizes are small and positive"
)]
fn thousands(number: f64) -> String {
    grouped(number.round() as usize)
}

/// A number with a comma at each thousand.
pub(crate) fn grouped(number: usize) -> String {
    if number < 1_000 {
        return number.to_string();
    }
    format!("{},{:03}", grouped(number / 1_000), number % 1_000)
}
