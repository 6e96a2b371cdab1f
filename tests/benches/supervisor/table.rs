//! The figures of all rounds, as a table for the README.

use std::collections::BTreeSet;
use std::fmt;

use crate::measure::Figures;

const FLOOR: &str = "floor";
const OURS: &str = "anet";

/// What is printed of each figure.
type Column = (&'static str, fn(&Figures) -> Option<f64>);

const COLUMNS: [Column; 12] = [
    ("cold start, ms", |figures| figures.cold),
    ("warm start, ms", |figures| figures.warm),
    ("replacement, ms", |figures| figures.restart),
    ("slowest, ms", |figures| figures.slowest_restart),
    ("status, ms", |figures| figures.status),
    ("stop, ms", |figures| figures.stop),
    ("processes", |figures| figures.processes),
    ("RSS, MB", |figures| figures.resident),
    ("PSS, MB", |figures| figures.proportional),
    ("idle, ms/s", |figures| figures.idle_time),
    ("wake-ups/s", |figures| figures.idle_wakeups),
    ("left behind", |figures| figures.left),
];

/// Every round of every system, in the order of the first round.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(&'static str, Vec<Figures>)>,
}

/// Of several rounds.
#[derive(Clone, Copy)]
struct Spread {
    lowest: f64,
    median: f64,
    highest: f64,
}

impl Table {
    pub(crate) fn add(&mut self, system: &'static str, figures: Figures) {
        match self.rows.iter_mut().find(|(name, _)| *name == system) {
            Some((_, rounds)) => rounds.push(figures),
            None => self.rows.push((system, vec![figures])),
        }
    }
}

fn spread(rounds: &[Figures], figure: fn(&Figures) -> Option<f64>) -> Option<Spread> {
    let mut values: Vec<f64> = rounds.iter().filter_map(figure).collect();
    values.sort_by(f64::total_cmp);
    Some(Spread { lowest: *values.first()?, median: values[values.len() / 2], highest: *values.last()? })
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        writeln!(formatter, "| system | {} |", header.join(" | "))?;
        writeln!(formatter, "|{}", "---|".repeat(COLUMNS.len() + 1))?;
        for (system, rounds) in &self.rows {
            let cells = COLUMNS.map(|(_, figure)| match spread(rounds, figure) {
                Some(Spread { lowest, median, highest }) => format!("{median:.2} [{lowest:.2}–{highest:.2}]"),
                None => "–".to_owned(),
            });
            writeln!(formatter, "| {system} | {} |", cells.join(" | "))?;
        }
        for (system, rounds) in &self.rows {
            let whys: BTreeSet<&str> =
                rounds.iter().flat_map(|figures| &figures.unmeasured).map(String::as_str).collect();
            for why in whys {
                writeln!(formatter, "\nNot measured of {system}: {why}.")?;
            }
        }
        let row = |wanted: &str| self.rows.iter().find(|(system, _)| *system == wanted).map(|(_, rounds)| rounds);
        let (Some(floor), Some(ours)) = (row(FLOOR), row(OURS)) else { return Ok(()) };
        writeln!(formatter, "\n{OURS} beside the floor and the best rival of the same run; below ×1 it is ahead:\n")?;
        writeln!(formatter, "| | {} |", header.join(" | "))?;
        writeln!(formatter, "|{}", "---|".repeat(COLUMNS.len() + 1))?;
        let to_floor = COLUMNS.map(|(_, figure)| ratio(median(ours, figure), median(floor, figure)));
        writeln!(formatter, "| to the floor | {} |", to_floor.join(" | "))?;
        let to_best = COLUMNS.map(|(_, figure)| {
            let rivals = self.rows.iter().filter(|(system, _)| ![FLOOR, OURS].contains(system));
            let best = rivals.filter_map(|(system, rounds)| Some((*system, median(rounds, figure)?)));
            match best.min_by(|one, other| one.1.total_cmp(&other.1)) {
                Some((system, best)) => format!("{} ({system})", ratio(median(ours, figure), Some(best))),
                None => "–".to_owned(),
            }
        });
        writeln!(formatter, "| to the best rival | {} |", to_best.join(" | "))
    }
}

fn median(rounds: &[Figures], figure: fn(&Figures) -> Option<f64>) -> Option<f64> {
    spread(rounds, figure).map(|spread| spread.median)
}

fn ratio(ours: Option<f64>, theirs: Option<f64>) -> String {
    match (ours, theirs) {
        (Some(0.0), Some(0.0)) => "both 0".to_owned(),
        (Some(ours), Some(theirs)) if theirs > 0.0 => format!("×{:.2}", ours / theirs),
        (Some(ours), Some(_)) => format!("{ours:.2} to 0"),
        _ => "–".to_owned(),
    }
}
