//! A reader of live tails.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use super::Call;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) data: Option<String>,
    pub(crate) retry: Option<String>,
    pub(crate) is_comment: bool,
}

impl Frame {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.data.as_deref().unwrap()).unwrap()
    }

    fn parse(text: &str) -> Self {
        let mut frame = Self::default();
        for line in text.lines() {
            match line.split_once(':').unwrap() {
                ("id", value) => frame.id = Some(value.to_owned()),
                ("event", value) => frame.event = Some(value.to_owned()),
                ("data", value) => frame.data = Some(value.to_owned()),
                ("retry", value) => frame.retry = Some(value.to_owned()),
                ("", _) => frame.is_comment = true,
                other => panic!("unknown field {other:?}"),
            }
        }
        frame
    }
}

#[derive(Debug)]
pub(crate) struct TailReader {
    body: Incoming,
    buffer: Vec<u8>,
}

impl TailReader {
    pub(crate) async fn open(call: Call) -> Self {
        let response = call.header("accept", "text/event-stream").open().await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { body: response.into_body(), buffer: Vec::new() }
    }

    /// The next frame of any kind; none when the tail has ended.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.buffer.split_off(end + 2);
                let text = String::from_utf8(std::mem::replace(&mut self.buffer, rest)).unwrap();
                return Some(Frame::parse(text.trim_end()));
            }
            let piece =
                tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("a sign of life");
            match piece {
                Some(Ok(piece)) => self.buffer.extend_from_slice(&piece.into_data().unwrap()),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next frame with an event; none when the tail has ended.
    pub(crate) async fn event(&mut self) -> Option<Frame> {
        while let Some(frame) = self.frame().await {
            if frame.data.is_some() {
                return Some(frame);
            }
        }
        None
    }

    /// The ids of the next events.
    pub(crate) async fn ids(&mut self, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let frame = self.event().await.expect("the tail goes on");
            ids.push(frame.id.unwrap().parse().unwrap());
        }
        ids
    }

    /// The ids of the events that still come before the tail ends.
    pub(crate) async fn ids_until_end(&mut self) -> Vec<u64> {
        let mut ids = Vec::new();
        while let Some(frame) = self.event().await {
            ids.push(frame.id.unwrap().parse().unwrap());
        }
        ids
    }
}
