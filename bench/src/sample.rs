//! Owns the event that every contestant stores: one tool call of about 600 bytes as JSON text.
//!
//! Only the event id and the stream change from event to event; they have a fixed width, so that a
//! rendered request is patched in place and rendering costs the client next to nothing.

/// The size of one event as its sender writes it.
pub const EVENT_BYTES: usize = 600;
/// The events are spread over so many streams (runs).
pub const STREAM_COUNT: u64 = 64;
/// Each connection numbers its events from a multiple of this, so that no id is sent twice.
pub const LANE_NUMBERS: u64 = 1_000_000_000;
/// How many streams lie between the first ones of two neighbouring connections, so that they do not
/// walk through the streams in step.
const LANE_STREAMS: u64 = 5;

const ID_SLOT: &str = "01990000-0000-7000-8000-";
const RUN_SLOT: &str = "run-";

/// Where the changing parts of one event sit in a rendered text.
#[derive(Debug, Clone)]
pub struct Slots {
    id_at: Vec<usize>,
    run_at: Vec<usize>,
}

/// Renders one event with empty slots.
pub fn event() -> String {
    let head = r#"{"event_id":"01990000-0000-7000-8000-000000000000","event_type":"tool.invoked","occurred_at":"2026-11-01T10:00:00.000000Z","run_id":"run-0000","actor":{"actor_type":"agent","actor_id":"claude-code"},"stream":{"stream_type":"run","stream_id":"run-0000"},"correlation_id":"run-0000","data":{"run_id":"run-0000","tool_call_id":"toolu_0123456789abcdef","tool_name":"Bash","title":"Run the tests of the parser","input":{"command":"cargo test -p parser -- --nocapture","timeout_ms":120000,"description":""#;
    let tail = r#""}}}"#;
    let padding = "Runs the tests and shows what they print. ";
    let room = EVENT_BYTES - head.len() - tail.len();
    let padding: String = padding.chars().cycle().take(room).collect();
    format!("{head}{padding}{tail}")
}

impl Slots {
    /// Finds the slots of every event in `text`.
    pub fn find(text: &[u8]) -> Self {
        Self { id_at: positions(text, ID_SLOT), run_at: positions(text, RUN_SLOT) }
    }

    /// The offset of the first event id, for protocols that send it as a field of its own.
    pub fn id_count(&self) -> usize {
        self.id_at.len()
    }

    /// Writes fresh ids, and one run for the whole text, into the slots. `ids_per_event` is how often
    /// an event's id is spelled in the text.
    pub fn fill(&self, text: &mut [u8], first_number: u64, ids_per_event: usize) {
        for (index, at) in self.id_at.iter().enumerate() {
            let number = first_number + (index / ids_per_event) as u64;
            write_digits(&mut text[at + ID_SLOT.len()..at + ID_SLOT.len() + 12], number);
        }
        let walked = first_number % LANE_NUMBERS / self.id_at.len().max(1) as u64;
        let run = (walked + first_number / LANE_NUMBERS * LANE_STREAMS) % STREAM_COUNT;
        for at in &self.run_at {
            write_digits(&mut text[at + RUN_SLOT.len()..at + RUN_SLOT.len() + 4], run);
        }
    }
}

fn positions(text: &[u8], wanted: &str) -> Vec<usize> {
    text.windows(wanted.len())
        .enumerate()
        .filter(|(_, window)| *window == wanted.as_bytes())
        .map(|(at, _)| at)
        .collect()
}

fn write_digits(slot: &mut [u8], mut number: u64) {
    for digit in slot.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_size_and_fresh_ids() {
        let mut text = event().into_bytes();
        assert_eq!(text.len(), EVENT_BYTES);
        let slots = Slots::find(&text);
        slots.fill(&mut text, 42, 1);
        let text = String::from_utf8(text).expect("digits are ASCII");
        assert!(text.contains("01990000-0000-7000-8000-000000000042"), "{text}");
        assert_eq!(text.matches("run-0042").count(), 4);
    }
}
