//! A request body of events: one event, an array of them, or an object with an `events` array.
//!
//! Each event is judged on its own for depth, number of values, duplicate keys and unpaired
//! surrogates; anything else that is wrong is wrong with the whole body. It does not know what an
//! event is beyond being a value.

use std::ops::Range;

use super::compact::{Compactor, Member};
use super::error::JsonError;
use super::open::Container;
use super::sink::TextSink;
use super::string::unescape;
use super::text::JsonLimits;

/// What a body is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// For each event, and for the members beside `events`.
    pub json: JsonLimits,
    /// Events of one body. One more fails the whole body, before it is held in memory.
    pub element_count_max: usize,
}

/// A checked body. All ranges are of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactBody {
    /// How the sender wrapped the events.
    pub form: BodyForm,
    /// The events in the sender's order; exactly one for `BodyForm::One`.
    pub elements: Vec<Element>,
    /// The members of all events, one event after the other; see `Element::members`.
    pub members: Vec<Member>,
    /// The members beside `events` of a `BodyForm::Object`.
    pub options: Vec<Member>,
}

impl CompactBody {
    /// The top-level members of an event; none if it is no object.
    pub fn members_of(&self, element: &Element) -> &[Member] {
        self.members.get(element.members.clone()).unwrap_or_default()
    }
}

/// How a body wraps its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyForm {
    /// One value that is neither of the others.
    One,
    /// An array of events.
    Array,
    /// An object with an `events` member that is an array.
    Object,
}

/// One event of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Where its text is, or what is wrong with it. The text of a faulty event is not in the output.
    pub text: Result<Range<usize>, JsonError>,
    /// Which of `CompactBody::members` are its members.
    pub members: Range<usize>,
}

/// Checks a body and appends it to `out` without insignificant whitespace and without the texts of
/// faulty events, so that `out` is only to be read through the ranges.
///
/// On an error `out` is as it was, and nothing is known about single events.
pub fn compact_body<S: TextSink>(
    input: &[u8],
    out: &mut S,
    limits: &BodyLimits,
) -> Result<CompactBody, JsonError> {
    let byte_count = out.byte_count();
    scan_body(input, out, limits).inspect_err(|_| out.cut(byte_count))
}

fn scan_body<S: TextSink>(
    input: &[u8],
    out: &mut S,
    limits: &BodyLimits,
) -> Result<CompactBody, JsonError> {
    let mut compactor = Compactor::start(input, out, &limits.json)?;
    let mut events = Events {
        count_max: limits.element_count_max,
        elements: Vec::new(),
        // Room for an event of the usual size, so that it is not made in steps.
        members: Vec::with_capacity(16),
    };
    match compactor.cursor.peek() {
        Some(b'[') => {
            events.scan_array(&mut compactor)?;
            compactor.finish()?;
            Ok(events.into_body(BodyForm::Array, Vec::new()))
        }
        Some(b'{') => scan_object(&mut compactor, events),
        _ => {
            events.scan_one(&mut compactor)?;
            compactor.finish()?;
            Ok(events.into_body(BodyForm::One, Vec::new()))
        }
    }
}

/// Scans an object that is either an event or a wrapper around events, which only the key `events`
/// tells, and that may come last.
fn scan_object<S: TextSink>(
    compactor: &mut Compactor<'_, '_, S>,
    mut events: Events,
) -> Result<CompactBody, JsonError> {
    let start = compactor.output_offset();
    let mut members = Vec::with_capacity(16);
    let mut wraps_events = false;
    compactor.object(&mut members, |compactor, key| {
        let is_events = key.raw == "events" || key.has_escape && unescape(key.raw) == "events";
        if !is_events || wraps_events || compactor.cursor.peek() != Some(b'[') {
            return compactor.noted_value();
        }
        wraps_events = true;
        events.scan_array(compactor)?;
        Ok(None)
    })?;
    let end = compactor.output_offset();
    let fault = match compactor.finish() {
        Ok(()) => None,
        Err(fault) if fault.concerns_one_element() && !wraps_events => Some(fault),
        Err(error) => return Err(error),
    };
    if wraps_events {
        return Ok(events.into_body(BodyForm::Object, members));
    }
    events.members = members;
    events.close_element(compactor, start..end, 0, fault);
    Ok(events.into_body(BodyForm::One, Vec::new()))
}

/// The events found so far.
#[derive(Debug)]
struct Events {
    count_max: usize,
    elements: Vec<Element>,
    members: Vec<Member>,
}

impl Events {
    fn into_body(self, form: BodyForm, options: Vec<Member>) -> CompactBody {
        CompactBody { form, elements: self.elements, members: self.members, options }
    }

    /// Scans the array of events that opens at the cursor.
    fn scan_array<S: TextSink>(
        &mut self,
        compactor: &mut Compactor<'_, '_, S>,
    ) -> Result<(), JsonError> {
        compactor.enter(Container::Array);
        if compactor.cursor.peek() == Some(b']') {
            compactor.leave();
            return Ok(());
        }
        loop {
            self.scan_one(compactor)?;
            compactor.gap();
            match compactor.cursor.peek() {
                Some(b',') => compactor.step(),
                Some(b']') => {
                    compactor.leave();
                    return Ok(());
                }
                _ => return Err(compactor.cursor.syntax("`,` or `]`")),
            }
        }
    }

    /// Scans the event at the cursor.
    fn scan_one<S: TextSink>(
        &mut self,
        compactor: &mut Compactor<'_, '_, S>,
    ) -> Result<(), JsonError> {
        if self.elements.len() == self.count_max {
            return Err(JsonError::TooManyElements { element_count_max: self.count_max });
        }
        let start = compactor.output_offset();
        let first_member = self.members.len();
        let outer = compactor.enter_scope();
        if compactor.cursor.peek() == Some(b'{') {
            compactor.object(&mut self.members, |compactor, _| compactor.noted_value())?;
        } else {
            compactor.value()?;
        }
        let fault = compactor.leave_scope(outer);
        let end = compactor.output_offset();
        self.close_element(compactor, start..end, first_member, fault);
        Ok(())
    }

    /// Adds the event that was just scanned, or its fault without its text.
    fn close_element<S: TextSink>(
        &mut self,
        compactor: &mut Compactor<'_, '_, S>,
        output: Range<usize>,
        first_member: usize,
        fault: Option<JsonError>,
    ) {
        let text = match fault {
            None => Ok(output),
            Some(fault) => {
                compactor.drop_output(output.start);
                self.members.truncate(first_member);
                Err(fault)
            }
        };
        self.elements.push(Element { text, members: first_member..self.members.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BodyLimits =
        BodyLimits { json: JsonLimits { depth_max: 3, node_count_max: 6 }, element_count_max: 4 };

    /// One line per event: its text or its fault, then its members.
    fn check(input: &str, form: BodyForm, events: &[&str], options: &[&str]) {
        let mut out = String::from("before");
        let body = compact_body(input.as_bytes(), &mut out, &LIMITS).unwrap();
        assert_eq!(body.form, form);
        let show = |member: &Member| {
            format!("{}={}", &out[member.key.clone()], &out[member.value.clone()])
        };
        let shown: Vec<String> = body
            .elements
            .iter()
            .map(|element| {
                let text = element
                    .text
                    .clone()
                    .map_or_else(|e| e.to_string(), |range| out[range].to_owned());
                let members: Vec<String> = body.members_of(element).iter().map(show).collect();
                if members.is_empty() { text } else { format!("{text} {}", members.join(" ")) }
            })
            .collect();
        assert_eq!(shown, events);
        assert_eq!(body.options.iter().map(show).collect::<Vec<_>>(), options);
        assert!(out.starts_with("before"));
    }

    fn refuse(input: &str, error: JsonError) {
        let mut out = String::from("before");
        assert_eq!(compact_body(input.as_bytes(), &mut out, &LIMITS), Err(error));
        assert_eq!(out, "before");
    }

    #[test]
    fn takes_one_event_with_its_members() {
        check(r#" { "a" : 1, "b":[ 2 ] } "#, BodyForm::One, &[r#"{"a":1,"b":[2]} a=1 b=[2]"#], &[]);
        check("{}", BodyForm::One, &["{}"], &[]);
        check(" 5 ", BodyForm::One, &["5"], &[]);
        check(
            r#"{"events":{"a":1}}"#,
            BodyForm::One,
            &[r#"{"events":{"a":1}} events={"a":1}"#],
            &[],
        );
    }

    #[test]
    fn takes_an_array_of_events() {
        check("[ ]", BodyForm::Array, &[], &[]);
        check(
            r#" [ {"a" : 1} , 7 , {} , {"b":{ "c":2 }} ] "#,
            BodyForm::Array,
            &[r#"{"a":1} a=1"#, "7", "{}", r#"{"b":{"c":2}} b={"c":2}"#],
            &[],
        );
    }

    #[test]
    fn takes_events_wrapped_in_an_object_whatever_the_order_of_its_members() {
        let events = [r#"{"a":1} a=1"#, r#"{"a":2} a=2"#];
        check(
            r#"{ "atomic": true, "events": [ {"a":1}, {"a":2} ], "expected": [ ] }"#,
            BodyForm::Object,
            &events,
            &["atomic=true", "expected=[]"],
        );
        check(
            r#"{"events":[{"a":1},{"a":2}],"atomic":true}"#,
            BodyForm::Object,
            &events,
            &["atomic=true"],
        );
        check(r#"{"\u0065vents":[]}"#, BodyForm::Object, &[], &[]);
    }

    #[test]
    fn blames_a_fault_on_its_event_alone() {
        check(
            r#"[{"a":1}, {"a":1,"a":2}, ["\ud800"], {"b": 2}]"#,
            BodyForm::Array,
            &[
                r#"{"a":1} a=1"#,
                "duplicate key \"a\" at byte 17",
                "unpaired surrogate escape at byte 27",
                r#"{"b":2} b=2"#,
            ],
            &[],
        );
        check(
            r#"[[[[]]], [[[[]]]], [1,2,3,4,5], [1,2,3,4,5,6]]"#,
            BodyForm::Array,
            &["[[[]]]", "nested deeper than 3", "[1,2,3,4,5]", "more than 6 values"],
            &[],
        );
        check(r#"{"a":1,"a":2}"#, BodyForm::One, &["duplicate key \"a\" at byte 7"], &[]);
        check(
            r#"{"events":[{"a":1,"a":2},{"a":3}],"x":1}"#,
            BodyForm::Object,
            &["duplicate key \"a\" at byte 18", r#"{"a":3} a=3"#],
            &["x=1"],
        );
    }

    #[test]
    fn refuses_a_body_whose_structure_cannot_be_followed() {
        refuse(
            r#"[{"a":1},{"a":1,"a":2},{"b"}]"#,
            JsonError::Syntax { offset: 27, expected: "`:`" },
        );
        refuse("[1] 2", JsonError::TrailingData { offset: 4 });
        refuse("[1", JsonError::Syntax { offset: 2, expected: "`,` or `]`" });
        refuse(" ", JsonError::Empty);
        refuse("[1,2,3,4,5]", JsonError::TooManyElements { element_count_max: 4 });
    }

    #[test]
    fn refuses_a_wrapper_with_a_fault_of_its_own() {
        let key = "events".to_owned();
        refuse(r#"{"events":[],"events":[]}"#, JsonError::DuplicateKey { key, offset: 13 });
        refuse(r#"{"events":[1],"x":[[[]]]}"#, JsonError::TooDeep { depth_max: 3 });
    }
}
