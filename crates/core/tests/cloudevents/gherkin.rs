//! Reads feature files, as much of Gherkin as the conformance suite uses: scenarios, outlines with
//! examples, steps with a text or a table.
#![allow(dead_code, reason = "every test crate uses another part")]

/// One scenario, with the values of its example filled in.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

/// One step: its text without the keyword, and what stands below it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    pub(crate) text: String,
    pub(crate) doc: Option<String>,
    pub(crate) table: Vec<Vec<String>>,
}

impl Step {
    /// The rows of a table with the columns `key` and `value`.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let rows = self.table.iter().skip(1);
        rows.map(|row| (row[0].clone(), row[1].clone())).collect()
    }
}

/// All scenarios of a feature file.
pub(crate) fn scenarios(feature: &str) -> Vec<Scenario> {
    let mut found: Vec<Scenario> = Vec::new();
    let mut outline: Option<Scenario> = None;
    let mut examples: Option<Vec<String>> = None;
    let mut lines = feature.lines();
    while let Some(line) = lines.next() {
        let text = line.trim();
        if let Some((keyword, name)) =
            text.split_once(':').filter(|(keyword, _)| is_keyword(keyword))
        {
            if keyword == "Examples" {
                outline = found.pop();
                examples = Some(Vec::new());
                continue;
            }
            (outline, examples) = (None, None);
            if keyword != "Feature" {
                found.push(Scenario { name: name.trim().to_owned(), steps: Vec::new() });
            }
        } else if text.starts_with('|') {
            let row = cells(text);
            match (&mut examples, &outline) {
                (Some(columns), _) if columns.is_empty() => *columns = row,
                (Some(columns), Some(outline)) => found.push(filled(outline, columns, &row)),
                _ => last(&mut found).table.push(row),
            }
        } else if text == "\"\"\"" {
            let indent = line.len() - line.trim_start().len();
            let doc: Vec<_> = lines
                .by_ref()
                .take_while(|line| line.trim() != "\"\"\"")
                .map(|line| line.get(indent..).unwrap_or_default())
                .collect();
            last(&mut found).doc = Some(doc.join("\n"));
        } else if let Some((_, text)) = step(text) {
            let scenario = found.last_mut().expect("a step belongs to a scenario");
            scenario.steps.push(Step { text: text.to_owned(), ..Step::default() });
        }
    }
    // A background has no name; what the suite says there is that the binding is supported.
    found.retain(|scenario| !scenario.name.is_empty());
    found
}

fn is_keyword(text: &str) -> bool {
    ["Feature", "Background", "Scenario", "Scenario Outline", "Examples"].contains(&text)
}

fn step(text: &str) -> Option<(&str, &str)> {
    let (keyword, rest) = text.split_once(' ')?;
    ["Given", "When", "Then", "And"].contains(&keyword).then_some((keyword, rest))
}

fn cells(row: &str) -> Vec<String> {
    row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

fn last(scenarios: &mut [Scenario]) -> &mut Step {
    let scenario = scenarios.last_mut().expect("a table belongs to a step");
    scenario.steps.last_mut().expect("a table belongs to a step")
}

fn filled(outline: &Scenario, columns: &[String], row: &[String]) -> Scenario {
    let fill = |text: &str| {
        columns.iter().zip(row).fold(text.to_owned(), |text, (column, cell)| {
            text.replace(&format!("<{column}>"), cell)
        })
    };
    let steps = outline.steps.iter().map(|step| Step {
        text: fill(&step.text),
        doc: step.doc.as_deref().map(fill),
        table: step.table.iter().map(|row| row.iter().map(|cell| fill(cell)).collect()).collect(),
    });
    Scenario { name: fill(&outline.name), steps: steps.collect() }
}
