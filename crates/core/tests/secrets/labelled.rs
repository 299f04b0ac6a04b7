//! Recall and precision on lines that others have labelled.

use crate::support::{redacted, shared_data};

/// Lines that are labelled as secrets and hold none: regular expressions, templates of `printf` and
/// bare words out of the source of the generator that the lines were taken from.
fn is_fragment(text: &str) -> bool {
    let is_pattern = text.contains("[a-z") || text.contains("%s");
    let words = [
        "grafana-cloud-api-token",
        "hooks.slack.com",
        "webhook.office.com",
        "webhookb2",
        "IncomingWebhook",
    ];
    is_pattern || words.contains(&text) || text == r#""type": "service_account""#
}

#[derive(Default)]
struct Tally {
    secrets: u32,
    found: u32,
    false_marks: u32,
}

impl Tally {
    fn recall(&self) -> f64 {
        f64::from(self.found) / f64::from(self.secrets)
    }

    fn precision(&self) -> f64 {
        f64::from(self.found) / f64::from(self.found + self.false_marks)
    }
}

#[test]
fn nearly_all_labelled_secrets_are_found_and_little_else() {
    let Some(folder) = shared_data("secrets") else { return };
    let lines = std::fs::read_to_string(folder.join("gitleaks+gitleaks/labelled-lines.jsonl"));
    let lines = lines.unwrap();
    let (mut all, mut real) = (Tally::default(), Tally::default());
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = line["text"].as_str().unwrap();
        let is_secret = line["label"] == "secret";
        let is_found = redacted(text) != text;
        let mut tallies = vec![&mut all];
        if !is_fragment(text) {
            tallies.push(&mut real);
        }
        for tally in tallies {
            tally.secrets += u32::from(is_secret);
            tally.found += u32::from(is_secret && is_found);
            tally.false_marks += u32::from(!is_secret && is_found);
        }
        if is_secret != is_found && !is_fragment(text) {
            println!("{}: {text}", if is_secret { "missed" } else { "false mark" });
        }
    }
    println!(
        "of {} lines labelled as secrets: recall {:.3}, precision {:.3}",
        all.secrets,
        all.recall(),
        all.precision()
    );
    println!(
        "of the {} that hold one: recall {:.3}, precision {:.3}",
        real.secrets,
        real.recall(),
        real.precision()
    );
    assert!(real.recall() >= 0.95, "recall {}", real.recall());
    assert!(real.precision() >= 0.9, "precision {}", real.precision());
    assert!(all.secrets - real.secrets <= 12);
}
