//! The values of query and path parameters: what is read is written back as the same value.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use annals_core::hash::Digest;
use annals_core::id::*;
use annals_core::time::Timestamp;
use annals_store::query::TypePattern;
use libfuzzer_sys::fuzz_target;

fn there_and_back<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let again = value.to_string().parse::<T>();
        assert!(again.is_ok_and(|again| again == value), "{text:?} {value:?}");
    }
}

fuzz_target!(|text: &str| {
    there_and_back::<EventId>(text);
    there_and_back::<LogId>(text);
    there_and_back::<Digest>(text);
    there_and_back::<WorkspaceId>(text);
    there_and_back::<EventType>(text);
    there_and_back::<StreamType>(text);
    there_and_back::<StreamId>(text);
    there_and_back::<RunId>(text);
    there_and_back::<RoomId>(text);
    there_and_back::<ThreadId>(text);
    there_and_back::<MissionId>(text);
    there_and_back::<StepId>(text);
    there_and_back::<ActorId>(text);
    there_and_back::<CorrelationId>(text);
    there_and_back::<IdempotencyKey>(text);
    let _ = TypePattern::parse(text);
    if let Ok(parsed) = Timestamp::parse(text) {
        let canonical = parsed.at.to_string();
        let again = Timestamp::parse(&canonical).unwrap();
        assert_eq!(again.at, parsed.at);
        assert!(again.exact);
        assert_eq!(parsed.exact, canonical == text);
    }
});
