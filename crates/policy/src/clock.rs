//! The functions that we give to Rego: time out of the input, and those whose answer the engine does not bound
//! or get right.
//!
//! INVARIANT (no clock): `time.now_ns` is the input's `now`. `with_now` sets it for one evaluation on one
//! thread; outside of one there is no time, and asking for it is an error.

use std::cell::Cell;

use anyhow::{Result, bail, ensure};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use regorus::{Engine, Value};

/// Most elements of a list, or bytes of a text, that one call makes.
const MADE_MAX: usize = 1 << 20;

type Function = fn(&[Value]) -> Result<Value>;

/// What is added: name, count of arguments, and what it does.
pub(crate) const FUNCTIONS: &[(&str, (u8, Function))] = &[
    ("time.now_ns", (0, now_ns)),
    ("time.parse_rfc3339_ns", (1, parse_rfc3339_ns)),
    ("time.parse_duration_ns", (1, parse_duration_ns)),
    ("time.date", (1, date)),
    ("time.clock", (1, clock)),
    ("time.weekday", (1, weekday)),
    ("time.add_date", (4, add_date)),
    ("numbers.range", (2, range)),
    ("numbers.range_step", (3, range_step)),
    ("bits.lsh", (2, shift_left)),
    ("replace", (3, replace)),
    ("strings.replace_n", (2, replace_n)),
    ("strings.count", (2, count_in)),
];

thread_local! {
    static NOW: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Runs one evaluation whose time is `now`.
pub(crate) fn with_now<T>(now: i64, evaluate: impl FnOnce() -> T) -> T {
    NOW.set(Some(now));
    let result = evaluate();
    NOW.set(None);
    result
}

/// Makes the functions known to an engine.
pub(crate) fn add_to(engine: &mut Engine) -> Result<()> {
    for (name, (arguments, function)) in FUNCTIONS {
        let function = *function;
        engine.add_extension(
            (*name).to_owned(),
            *arguments,
            Box::new(move |arguments: Vec<Value>| function(&arguments)),
        )?;
    }
    Ok(())
}

fn now_ns(_: &[Value]) -> Result<Value> {
    match NOW.get() {
        Some(now) => Ok(Value::from(now)),
        None => bail!("time.now_ns: there is no input with a time"),
    }
}

fn parse_rfc3339_ns(arguments: &[Value]) -> Result<Value> {
    let text = text(arguments, 0)?;
    match crate::input::nanoseconds(text) {
        Some(nanoseconds) => Ok(Value::from(nanoseconds)),
        None => bail!("time.parse_rfc3339_ns: `{text}` is not a time"),
    }
}

/// `1h30m`, as Go writes durations.
fn parse_duration_ns(arguments: &[Value]) -> Result<Value> {
    let whole = text(arguments, 0)?;
    let fault = || anyhow::anyhow!("time.parse_duration_ns: `{whole}` is not a duration");
    let (sign, mut rest) = match whole.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, whole.strip_prefix('+').unwrap_or(whole)),
    };
    ensure!(!rest.is_empty(), fault());
    let mut sum = 0_i64;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(fault)?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit = match unit {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000_i64,
            _ => return Err(fault()),
        };
        let number: i64 = number.parse().map_err(|_| fault())?;
        let part = number.checked_mul(unit).ok_or_else(fault)?;
        sum = sum.checked_add(part).ok_or_else(fault)?;
        rest = tail;
    }
    Ok(Value::from(sign * sum))
}

fn date(arguments: &[Value]) -> Result<Value> {
    let date = moment(arguments)?.date();
    Ok(numbers([i64::from(date.year()), i64::from(date.month()), i64::from(date.day())]))
}

fn clock(arguments: &[Value]) -> Result<Value> {
    let time = moment(arguments)?.time();
    Ok(numbers([i64::from(time.hour()), i64::from(time.minute()), i64::from(time.second())]))
}

fn weekday(arguments: &[Value]) -> Result<Value> {
    let name = match moment(arguments)?.weekday() {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    };
    Ok(Value::from(name))
}

fn add_date(arguments: &[Value]) -> Result<Value> {
    let moment = moment(&arguments[..1])?;
    let part = |index: usize| integer(arguments, index).map(i32::try_from);
    let span = 0_i32.years().try_years(part(1)??)?.try_months(part(2)??)?.try_days(part(3)??)?;
    let moved = moment.checked_add(span)?;
    Ok(Value::from(i64::try_from(moved.timestamp().as_nanosecond())?))
}

/// The time of an argument: nanoseconds, or an array of nanoseconds and the name of UTC.
fn moment(arguments: &[Value]) -> Result<jiff::Zoned> {
    let nanoseconds = match arguments.first() {
        Some(Value::Array(parts)) => {
            let zone = parts.get(1).map(|zone| zone.as_string().map(|name| name.to_string()));
            let is_utc = matches!(zone, None | Some(Ok(_)))
                && zone.is_none_or(|zone| zone.is_ok_and(|name| name.is_empty() || name == "UTC"));
            ensure!(is_utc, "times are in UTC here: other zones depend on the machine");
            parts.first().map_or(Ok(0), Value::as_i64)?
        }
        _ => integer(arguments, 0)?,
    };
    Ok(Timestamp::from_nanosecond(i128::from(nanoseconds))?.to_zoned(TimeZone::UTC))
}

fn range(arguments: &[Value]) -> Result<Value> {
    stepped(integer(arguments, 0)?, integer(arguments, 1)?, 1)
}

fn range_step(arguments: &[Value]) -> Result<Value> {
    let step = integer(arguments, 2)?;
    ensure!(step > 0, "numbers.range_step: the step is not above 0");
    stepped(integer(arguments, 0)?, integer(arguments, 1)?, step)
}

fn stepped(first: i64, last: i64, step: i64) -> Result<Value> {
    let count = i128::from(last).abs_diff(i128::from(first)) / u128::from(step.unsigned_abs()) + 1;
    ensure!(count <= MADE_MAX as u128, "numbers.range: more than {MADE_MAX} numbers");
    let step = if last < first { -i128::from(step) } else { i128::from(step) };
    let mut at = i128::from(first);
    let mut made = Vec::new();
    for _ in 0..count {
        made.push(Value::from(i64::try_from(at)?));
        at += step;
    }
    Ok(Value::from(made))
}

fn shift_left(arguments: &[Value]) -> Result<Value> {
    let (number, by) = (integer(arguments, 0)?, integer(arguments, 1)?);
    let by = u32::try_from(by)?;
    ensure!(by < 63, "bits.lsh: numbers of more than 63 bits are not made");
    let shifted = i128::from(number) << by;
    Ok(Value::from(i64::try_from(shifted)?))
}

fn replace(arguments: &[Value]) -> Result<Value> {
    let (from, old, new) = (text(arguments, 0)?, text(arguments, 1)?, text(arguments, 2)?);
    Ok(Value::from(replaced(from, old, new)?))
}

/// The engine's own panics when it is asked for the empty text.
fn count_in(arguments: &[Value]) -> Result<Value> {
    let (whole, part) = (text(arguments, 0)?, text(arguments, 1)?);
    let count =
        if part.is_empty() { whole.chars().count() + 1 } else { whole.matches(part).count() };
    Ok(Value::from(i64::try_from(count)?))
}

fn replace_n(arguments: &[Value]) -> Result<Value> {
    let Some(Value::Object(patterns)) = arguments.first() else {
        bail!("strings.replace_n: the first argument is not an object");
    };
    let mut pairs = Vec::new();
    for (old, new) in patterns.iter() {
        pairs.push((old.as_string()?.to_string(), new.as_string()?.to_string()));
    }
    pairs.sort();
    let mut rest = text(arguments, 1)?;
    let mut made = String::new();
    // At each place the first pattern that fits is replaced, and what was put in is not looked at again.
    while let Some(letter) = rest.chars().next() {
        let fits = pairs.iter().find(|(old, _)| !old.is_empty() && rest.starts_with(old.as_str()));
        if let Some((old, new)) = fits {
            made.push_str(new);
            rest = &rest[old.len()..];
        } else {
            made.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
        ensure!(made.len() <= MADE_MAX, "strings.replace_n: more than {MADE_MAX} bytes");
    }
    Ok(Value::from(made))
}

fn replaced(from: &str, old: &str, new: &str) -> Result<String> {
    let places = if old.is_empty() { from.chars().count() + 1 } else { from.matches(old).count() };
    let bytes = places.saturating_mul(new.len()).saturating_add(from.len());
    ensure!(bytes <= MADE_MAX, "replace: more than {MADE_MAX} bytes");
    Ok(from.replace(old, new))
}

fn text(arguments: &[Value], index: usize) -> Result<&str> {
    match arguments.get(index) {
        Some(Value::String(text)) => Ok(text),
        _ => bail!("argument {} is not a text", index + 1),
    }
}

fn integer(arguments: &[Value], index: usize) -> Result<i64> {
    match arguments.get(index) {
        Some(Value::Number(number)) => number
            .as_i64()
            .ok_or_else(|| anyhow::anyhow!("argument {} is not an integer", index + 1)),
        _ => bail!("argument {} is not a number", index + 1),
    }
}

fn numbers(parts: [i64; 3]) -> Value {
    Value::from(parts.map(Value::from).to_vec())
}
