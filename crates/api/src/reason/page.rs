//! The documentation page of a reason code, as Markdown.
//!
//! `docs/errors/*.md` are these pages and their index; a test compares them, and rewrites them when
//! `ANNALS_BLESS` is set.

use std::fmt::Write as _;

use super::Reason;

/// Renders the page `docs/errors/<code>.md`.
#[must_use]
pub fn page(reason: &Reason) -> String {
    let mut out = String::new();
    let retry = if reason.retryable {
        "yes: the same request may succeed later"
    } else {
        "no: the same request will be refused again"
    };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "# `{code}`\n\n{title}.\n\n| | |\n|---|---|\n| status | {status} |\n| retry | {retry} |\n\n\
         ## What happened, and why\n\n{meaning}\n\n## What to do\n\n{remedy}\n\n\
         ## Example\n\n```json\n{example}\n```\n",
        code = reason.code,
        title = reason.title,
        status = reason.status,
        meaning = reason.meaning,
        remedy = reason.remedy,
        example = example(reason),
    );
    out
}

/// Renders the page `docs/errors/README.md`: every reason code in a table.
#[must_use]
pub fn index() -> String {
    let mut out = String::from(
        "# Reason codes\n\nEvery refusal of the API is `application/problem+json` (RFC 9457) with one of these codes\n\
         in `reason_code`. Programs match on the code and on `retryable`, never on the texts.\n\n\
         | code | status | retry | meaning |\n|---|---|---|---|\n",
    );
    for reason in super::ALL {
        let retry = if reason.retryable { "yes" } else { "no" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| [`{code}`]({code}.md) | {status} | {retry} | {title} |",
            code = reason.code,
            status = reason.status,
            title = reason.title
        );
    }
    out
}

fn example(reason: &Reason) -> String {
    let details = if reason.example_details.is_empty() { "{}" } else { reason.example_details };
    let mut out = String::from("{\n");
    let _ = writeln!(out, "  \"type\": {:?},", reason.type_uri());
    let _ = writeln!(out, "  \"title\": {:?},", reason.title);
    let _ = writeln!(out, "  \"status\": {},", reason.status);
    let _ = writeln!(out, "  \"detail\": {:?},", reason.example_detail);
    let _ = writeln!(out, "  \"reason_code\": {:?},", reason.code);
    let _ = writeln!(out, "  \"retryable\": {},", reason.retryable);
    let _ = writeln!(out, "  \"details\": {details}");
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::super::ALL;
    use super::*;

    #[test]
    fn the_example_of_every_page_is_a_problem() {
        for reason in ALL {
            let problem: crate::Problem = serde_json::from_str(&example(reason)).unwrap();
            assert_eq!(problem.reason_code, reason.code);
        }
    }
}
