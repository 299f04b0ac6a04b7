//! Owns rows that have no other side: figures of Annals alone, each beside what the project asks of it.

use std::fmt::Write;

use crate::row::say;

/// A measured row of figures.
#[derive(Debug, Clone)]
pub struct Figures {
    pub key: &'static str,
    pub title: &'static str,
    pub how: String,
    pub lines: Vec<Line>,
}

/// One figure, measured several times.
#[derive(Debug, Clone)]
pub struct Line {
    name: String,
    unit: &'static str,
    values: Vec<f64>,
    aim: Option<Bound>,
}

/// What the design asks of the median.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    Below(f64),
    AtLeast(f64),
}

impl Line {
    pub fn new(
        name: impl Into<String>,
        unit: &'static str,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let line = Self { name: name.into(), unit, values, aim: None };
        say(&format!("  {}: {}", line.name, line.median_told()));
        line
    }

    pub fn below(self, limit: f64) -> Self {
        Self { aim: Some(Bound::Below(limit)), ..self }
    }

    pub fn at_least(self, limit: f64) -> Self {
        Self { aim: Some(Bound::AtLeast(limit)), ..self }
    }

    fn median(&self) -> f64 {
        self.values.get(self.values.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn median_told(&self) -> String {
        format!("{} {}", rounded(self.median()), self.unit)
    }

    fn verdict(&self) -> String {
        let (told, is_reached) = match self.aim {
            None => return String::new(),
            Some(Bound::Below(limit)) => (format!("< {}", rounded(limit)), self.median() < limit),
            Some(Bound::AtLeast(limit)) => {
                (format!("≥ {}", rounded(limit)), self.median() >= limit)
            }
        };
        format!("{told} {}: {}", self.unit, if is_reached { "reached" } else { "not reached" })
    }
}

/// Three digits that say something: nobody compares the fourth.
fn rounded(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Renders the row.
pub fn render(figures: &Figures) -> String {
    let mut text = format!(
        "## {}. {}\n\n{}\n\n| figure | median (min–max) | the design asks for |\n|---|---|---|\n",
        figures.key, figures.title, figures.how
    );
    for line in &figures.lines {
        let (least, most) = (line.values.first(), line.values.last());
        let span = match (least, most) {
            (Some(least), Some(most)) if line.values.len() > 1 => {
                format!(" ({}–{})", rounded(*least), rounded(*most))
            }
            _ => String::new(),
        };
        let _ =
            writeln!(text, "| {} | {}{span} | {} |", line.name, line.median_told(), line.verdict());
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_held_against_what_was_asked() {
        let line = |limit| Line::new("open", "s", [3.0, 1.0, 1.5]).below(limit);
        assert_eq!(line(2.0).verdict(), "< 2.00 s: reached");
        assert_eq!(line(1.5).verdict(), "< 1.50 s: not reached");
        assert_eq!(
            Line::new("rate", "a second", [5.0]).at_least(5.0).verdict(),
            "≥ 5.00 a second: reached"
        );
    }
}
