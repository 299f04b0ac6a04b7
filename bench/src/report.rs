//! Owns how a measured comparison reads: medians, ratios, settings, and what was asked of them.

use std::fmt::Write;

use crate::row::{Aim, Outcome, Row};

/// Renders a row.
pub fn render(row: &Row) -> String {
    let mut text = String::new();
    render_row(&mut text, row);
    text
}

fn render_row(text: &mut String, row: &Row) {
    let _ = writeln!(
        text,
        "## {}. {}\n\n{}\n{} events a turn.\n",
        row.key, row.title, row.how, row.event_total
    );
    text.push_str("| contestant | events/s, median (min–max) | against the first | request p50 / p99 | memory | processor: server, client | |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    let base = row.outcomes.first().map_or(0.0, median_rate);
    for outcome in &row.outcomes {
        render_outcome(text, row, outcome, base);
    }
    text.push('\n');
    for outcome in &row.outcomes {
        let _ = writeln!(text, "- {}: {}", outcome.name, outcome.settings);
    }
    for skipped in &row.skipped {
        let _ = writeln!(text, "- {skipped}");
    }
    text.push('\n');
    for aim in &row.aims {
        render_aim(text, row, aim);
    }
}

fn render_outcome(text: &mut String, row: &Row, outcome: &Outcome, base: f64) {
    let mut rates: Vec<f64> = outcome.turns.iter().map(|turn| turn.load.events_per_s()).collect();
    rates.sort_by(f64::total_cmp);
    let median = median_rate(outcome);
    let latency = |per_mille| {
        median_of(outcome.turns.iter().map(|turn| f64::from(turn.load.latency_us(per_mille))))
    };
    let memory = median_of(outcome.turns.iter().map(|turn| turn.server.resident_bytes as f64));
    let per_million = |seconds: f64, events: u64| seconds * 1e6 / events as f64;
    let server = median_of(
        outcome
            .turns
            .iter()
            .map(|turn| per_million(turn.server.processor_s, turn.load.event_count)),
    );
    let client = median_of(
        outcome
            .turns
            .iter()
            .map(|turn| per_million(turn.client_processor_s, turn.load.event_count)),
    );
    let _ = writeln!(
        text,
        "| {} | {:.0} ({:.0}–{:.0}) | {:.2}× | {:.2} / {:.2} ms | {:.0} MiB | {:.1} s, {:.1} s per million | {} |",
        outcome.name,
        median,
        rates.first().copied().unwrap_or(0.0),
        rates.last().copied().unwrap_or(0.0),
        median / base,
        latency(500) / 1e3,
        latency(990) / 1e3,
        memory / f64::from(1 << 20),
        server,
        client,
        remark(row, outcome),
    );
}

fn remark(row: &Row, outcome: &Outcome) -> String {
    let Some(turn) = outcome.turns.last() else {
        return String::new();
    };
    let mut parts = Vec::new();
    if outcome.event_total < row.event_total {
        parts.push(format!("too slow for the row's total: {} events", outcome.event_total));
    }
    if let Some((lag_events, caught_up)) = turn.view_lag {
        parts.push(format!(
            "views {lag_events} events behind at the end, level {:.1} s later",
            caught_up.as_secs_f64()
        ));
    }
    parts.extend(turn.remark.clone());
    parts.join("; ")
}

fn render_aim(text: &mut String, row: &Row, aim: &Aim) {
    let own = row.outcomes.first().map_or(0.0, median_rate);
    let Some(other) = row.outcomes.iter().find(|outcome| outcome.name == aim.against) else {
        let _ = writeln!(
            text,
            "**{}** was not there — {} asks for ≥ {}×: not measured.\n",
            aim.against, aim.whose, aim.ratio_min
        );
        return;
    };
    let other = median_rate(other);
    let ratio = own / other;
    let verdict = if ratio >= aim.ratio_min { "reached" } else { "not reached" };
    let _ = writeln!(
        text,
        "**{ratio:.2}× {}** — {} asks for ≥ {}×: {verdict}.\n",
        aim.against, aim.whose, aim.ratio_min
    );
}

fn median_rate(outcome: &Outcome) -> f64 {
    median_of(outcome.turns.iter().map(|turn| turn.load.events_per_s()))
}

fn median_of(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
