//! Short ways to make drafts and identities; the grammar is core's.

use std::time::{SystemTime, UNIX_EPOCH};

use annals_core::envelope::{Actor, ActorType, Draft, StreamKey};
use annals_core::id::{ActorId, EventId, EventType, IdError, StreamId, StreamType};
use annals_core::json::Json;
use serde::Serialize;

use crate::error::ClientError;

/// A draft with the required fields; set the rest on it.
///
/// # Errors
/// When the type breaks its grammar or the data is no JSON that an event may hold.
pub fn draft(
    event_type: &str,
    actor: Actor,
    stream: StreamKey,
    data: &impl Serialize,
) -> Result<Draft, ClientError> {
    let event_type =
        EventType::parse(event_type).map_err(|error| invalid("event_type", event_type, &error))?;
    let text =
        serde_json::to_vec(data).map_err(|error| ClientError::Invalid(format!("data: {error}")))?;
    let data =
        Json::parse(&text).map_err(|error| ClientError::Invalid(format!("data: {error}")))?;
    Ok(Draft::new(event_type, actor, stream, data.into_string()))
}

/// An agent, as an event's actor.
///
/// # Errors
/// When the id breaks its grammar.
pub fn agent(actor_id: &str) -> Result<Actor, ClientError> {
    actor(ActorType::Agent, actor_id)
}

/// A person, as an event's actor.
///
/// # Errors
/// When the id breaks its grammar.
pub fn user(actor_id: &str) -> Result<Actor, ClientError> {
    actor(ActorType::User, actor_id)
}

/// A program that is no agent, as an event's actor.
///
/// # Errors
/// When the id breaks its grammar.
pub fn service(actor_id: &str) -> Result<Actor, ClientError> {
    actor(ActorType::Service, actor_id)
}

/// A stream's name.
///
/// # Errors
/// When a part breaks its grammar.
pub fn stream(stream_type: &str, stream_id: &str) -> Result<StreamKey, ClientError> {
    Ok(StreamKey {
        stream_type: StreamType::parse(stream_type)
            .map_err(|error| invalid("stream_type", stream_type, &error))?,
        stream_id: StreamId::parse(stream_id)
            .map_err(|error| invalid("stream_id", stream_id, &error))?,
    })
}

fn actor(actor_type: ActorType, actor_id: &str) -> Result<Actor, ClientError> {
    let actor_id =
        ActorId::parse(actor_id).map_err(|error| invalid("actor_id", actor_id, &error))?;
    Ok(Actor { actor_type, actor_id })
}

fn invalid(field: &str, text: &str, error: &IdError) -> ClientError {
    ClientError::Invalid(format!("{field} `{text}`: {error}"))
}

/// A fresh identity: a UUIDv7, so that identities sort roughly by time.
pub(crate) fn new_event_id() -> Result<EventId, ClientError> {
    let mut random = [0; 10];
    getrandom::fill(&mut random)
        .map_err(|error| ClientError::Invalid(format!("no randomness for an event id: {error}")))?;
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    Ok(EventId::from_bytes(id.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_keeps_what_it_was_given() {
        let draft =
            draft("note.taken", agent("a").unwrap(), stream("run", "r").unwrap(), &[1, 2]).unwrap();
        assert_eq!(
            draft.to_json(),
            r#"{"event_type":"note.taken","event_version":1,"actor":{"actor_type":"agent","actor_id":"a"},"zone":"supervised","stream":{"stream_type":"run","stream_id":"r"},"data":[1,2]}"#
        );
    }

    #[test]
    fn says_which_part_breaks_its_grammar() {
        assert!(stream("Run", "r").unwrap_err().to_string().contains("stream_type `Run`"));
        assert!(agent("").unwrap_err().to_string().contains("actor_id"));
    }

    #[test]
    fn identities_differ_and_are_version_7() {
        let (first, second) = (new_event_id().unwrap(), new_event_id().unwrap());
        assert_ne!(first, second);
        assert_eq!(first.as_bytes()[6] >> 4, 7);
    }
}
