//! Inputs of a Claude Code status line: what a session has cost up to a moment, by the vendor's count.

use super::fields::{Fields, ObjectText};
use super::importer::Desk;
use super::money::dollars_to_micros;
use super::record::{Fact, Party, Record};
use crate::json::{as_u64, member};

/// Translates one sample, bare or wrapped as `{timestamp, input_data, …}`.
pub(super) fn status(desk: &mut Desk<'_>, record: &mut Record<'_>) -> Vec<Fact> {
    let wrapped = record.fields.take_object("input_data").map(std::borrow::Cow::into_owned);
    let fact = match &wrapped {
        Some(input) => {
            let mut fields = Fields::of(input);
            fields.take("session_id");
            let mut data = sample(desk, &mut fields);
            data.text_opt(
                "status_line_output",
                record.fields.take_text("status_line_output").as_deref(),
            );
            data.finish()
        }
        None => sample(desk, &mut record.fields).finish(),
    };
    vec![Fact::new("usage.reported", Party::Harness, fact)]
}

fn sample(desk: &mut Desk<'_>, fields: &mut Fields<'_>) -> ObjectText {
    let cost = fields.take("cost");
    let stated = |name| cost.as_deref().and_then(|cost| member(cost, name));
    let cost_micros = stated("total_cost_usd").and_then(dollars_to_micros);
    desk.totals.saw_run_cost(desk.run.run_id.as_str(), cost_micros);
    let mut data = ObjectText::default();
    data.text("scope", "run").number_opt("cost_micros", cost_micros);
    data.number_opt("duration_ms", stated("total_duration_ms").and_then(as_u64));
    data.raw_opt("cost", cost.as_deref());
    // The rest describes the moment: model, context window, folders.
    fields.rest_into(&mut data);
    *fields = Fields::default();
    data
}
