//! The figures of all rounds, as a table for the README.

use std::fmt;

use crate::measure::Figures;

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
        let Some((floor, floor_rounds)) = self.rows.first() else { return Ok(()) };
        writeln!(formatter, "\nAs ratios of {floor}, in the same run:\n")?;
        writeln!(formatter, "| system | {} |", header.join(" | "))?;
        writeln!(formatter, "|{}", "---|".repeat(COLUMNS.len() + 1))?;
        for (system, rounds) in &self.rows[1..] {
            let cells = COLUMNS.map(|(_, figure)| match (spread(rounds, figure), spread(floor_rounds, figure)) {
                (Some(ours), Some(floor)) if floor.median > 0.0 => format!("×{:.2}", ours.median / floor.median),
                _ => "–".to_owned(),
            });
            writeln!(formatter, "| {system} | {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}
