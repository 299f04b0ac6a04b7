//! The fact that tells of an installation's settings: `secret.scanning_changed`.
//!
//! It is written at a start whose settings differ from what the log says of the last; a log that
//! says nothing has had the search on, with the built-in rules.

use std::sync::Arc;

use annals_core::envelope::{Authority, StreamKey};
use annals_core::id::{EventType, StreamId, StreamType};
use annals_core::secrets::SecretSettings;
use annals_store::contract::{LogReader, ReadFailure};
use annals_store::query::{Order, PageLimit, Query, TypePattern};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::companion::WORKSPACE_STREAM_TYPE;
use crate::principal::Principal;
use crate::sequencer::LogFact;

/// The fact's type. Persisted: never rename.
const CHANGED_TYPE: &str = "secret.scanning_changed";

/// Persisted in the header of `secret.scanning_changed`: add fields only as optional ones.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename = "secret_scanning")]
struct ScanningFact {
    enabled: bool,
    /// SHA-256 of the settings as JSON.
    settings: String,
}

impl ScanningFact {
    fn of(settings: &SecretSettings) -> Self {
        let hash = Sha256::digest(render(settings));
        let settings_hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { enabled: settings.enabled, settings: settings_hash }
    }
}

/// What has to be said before anything else; nothing where the log says it already.
pub(crate) fn changed_fact(
    settings: &SecretSettings,
    reader: &dyn LogReader,
    by: &Arc<Principal>,
) -> Result<Option<LogFact>, ReadFailure> {
    let now = ScanningFact::of(settings);
    let before = last_fact(reader, by)?;
    if before.unwrap_or_else(|| ScanningFact::of(&SecretSettings::default())) == now {
        return Ok(None);
    }
    let data = serde_json::json!({
        "enabled": settings.enabled,
        "rules": settings.rules,
        "exceptions": settings.allow,
        "by": by.principal_id.as_str(),
    });
    Ok(Some(LogFact {
        by: Arc::clone(by),
        event_type: EventType::parse(CHANGED_TYPE).expect("a literal that fits"),
        stream: StreamKey {
            stream_type: StreamType::parse(WORKSPACE_STREAM_TYPE).expect("a literal that fits"),
            stream_id: StreamId::parse(by.workspace_id.as_str())
                .expect("a workspace's id fits the grammar of a stream's"),
        },
        control: render(&now),
        data: data.to_string(),
    }))
}

/// The newest fact; what others report under its name counts for nothing.
fn last_fact(reader: &dyn LogReader, by: &Principal) -> Result<Option<ScanningFact>, ReadFailure> {
    let mut query = Query {
        workspace_id: Some(by.workspace_id.clone()),
        event_types: TypePattern::parse(CHANGED_TYPE).into_iter().collect(),
        order: Order::Desc,
        ..Query::default()
    };
    loop {
        let page = reader.scan(&query, PageLimit::events(100))?;
        for event in &page.events {
            let header = event.header();
            if let (Authority::Control, Some(control)) = (header.authority, header.control)
                && let Ok(fact) = serde_json::from_str(control)
            {
                return Ok(Some(fact));
            }
        }
        match page.next {
            Some(next) => query.before_position = Some(next),
            None => return Ok(None),
        }
    }
}

fn render(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and lists are JSON")
}
