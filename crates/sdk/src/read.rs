//! Reading pages: events, one event, and any view as JSON.

use annals_api::wire::{Status, StreamInfo};
use annals_core::id::{EventId, Position};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::client::Client;
use crate::error::ClientError;
use crate::event::StoredEvent;
use crate::query::{EventQuery, Order};

/// A page of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events in the order asked for.
    pub events: Vec<StoredEvent>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<String>,
    /// The head of the log that the page reflects.
    pub as_of: Position,
}

#[derive(Deserialize)]
struct WirePage {
    events: Vec<Box<RawValue>>,
    next: Option<String>,
    as_of: u64,
}

impl Client {
    /// A page of events: `cursor` is `next` of the page before.
    ///
    /// # Errors
    /// When the server refuses or stays away.
    pub async fn events(
        &self,
        query: &EventQuery,
        order: Order,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<EventPage, ClientError> {
        let mut parameters = query.parameters();
        if let Some((stream_type, stream_id)) = &query.stream {
            parameters.push(("stream_type", stream_type.clone()));
            parameters.push(("stream_id", stream_id.clone()));
        }
        if order == Order::Descending {
            parameters.push(("order", "desc".to_owned()));
        }
        parameters.push(("limit", limit.to_string()));
        if let Some(cursor) = cursor {
            parameters.push(("cursor", cursor.to_owned()));
        }
        let page: WirePage = self.get_json(self.resource(["v1", "events"], &parameters)).await?;
        let events: Result<_, _> =
            page.events.iter().map(|event| StoredEvent::from_json(event.get())).collect();
        Ok(EventPage { events: events?, next: page.next, as_of: Position(page.as_of) })
    }

    /// One event by its identity.
    ///
    /// # Errors
    /// When it is not there, or the server refuses or stays away.
    pub async fn event(&self, event_id: &EventId) -> Result<StoredEvent, ClientError> {
        let url = self.resource(["v1", "events", &event_id.to_string()], &[]);
        let event: Box<RawValue> = self.get_json(url).await?;
        StoredEvent::from_json(event.get())
    }

    /// What is known of a stream.
    ///
    /// # Errors
    /// When it is not there, or the server refuses or stays away.
    pub async fn stream_info(
        &self,
        stream_type: &str,
        stream_id: &str,
    ) -> Result<StreamInfo, ClientError> {
        self.get_json(self.resource(["v1", "streams", stream_type, stream_id], &[])).await
    }

    /// The head of the log as this credential sees it.
    ///
    /// # Errors
    /// When the server refuses or stays away.
    pub async fn head(&self) -> Result<Position, ClientError> {
        Ok(self.events(&EventQuery::all(), Order::Descending, 1, None).await?.as_of)
    }

    /// The server as this credential sees it.
    ///
    /// # Errors
    /// When the server refuses or stays away.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.get_json(self.resource(["v1", "status"], &[])).await
    }

    /// Any other resource, such as `["v1", "runs"]`, read into a type of the caller's.
    ///
    /// # Errors
    /// When the server refuses or stays away, or the answer does not fit the type.
    pub async fn get<'a, T: DeserializeOwned>(
        &self,
        path: impl IntoIterator<Item = &'a str>,
        parameters: &[(&str, String)],
    ) -> Result<T, ClientError> {
        self.get_json(self.resource(path, parameters)).await
    }
}
