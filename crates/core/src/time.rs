//! Points in time: UTC microseconds inside, RFC 3339 outside.
//!
//! A time without a zone is taken as UTC and marked; finer digits than microseconds are cut
//! and marked, so that the caller can keep the original text. Reading a clock is not done here.

use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z, between the years 0000 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A time as somebody wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParsedTime {
    /// The point in time.
    pub at: Timestamp,
    /// Whether the text is exactly how we write this time.
    pub exact: bool,
    /// Whether the text had no zone and UTC was assumed.
    pub zone_assumed: bool,
}

/// A text is not an RFC 3339 date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not an RFC 3339 date and time, such as 2026-01-31T09:30:00.250Z")]
pub struct TimeError;

impl Timestamp {
    /// Takes microseconds since 1970 in UTC.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970 in UTC.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This time moved by a number of seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND)))
    }

    /// Reads RFC 3339, with or without a zone.
    ///
    /// # Errors
    /// `TimeError` for any other text, impossible dates included.
    pub fn parse(text: &str) -> Result<ParsedTime, TimeError> {
        let mut digits = Digits { rest: text.as_bytes() };
        let date = civil_date(&mut digits)?;
        digits.one_of(b"Tt ")?;
        let seconds = second_of_day(&mut digits)?;
        let micros = fraction_micros(&mut digits)?;
        let zone = zone_offset_seconds(&mut digits)?;
        let days = days_from_civil(date);
        let local = days * SECONDS_PER_DAY + seconds;
        let at = Self((local - zone.unwrap_or(0)) * MICROS_PER_SECOND + micros);
        let exact = is_canonical(text.as_bytes());
        Ok(ParsedTime { at, exact, zone_assumed: zone.is_none() })
    }
}

impl Timestamp {
    /// The one text of a time, written digit by digit because every event has one or two; none
    /// for years that do not have four digits.
    fn canonical(self) -> Option<[u8; CANONICAL.len()]> {
        let days = self.0.div_euclid(SECONDS_PER_DAY * MICROS_PER_SECOND);
        let micros = self.0.rem_euclid(SECONDS_PER_DAY * MICROS_PER_SECOND);
        let (year, month, day) = civil_from_days(days);
        if !(0..=9_999).contains(&year) {
            return None;
        }
        let seconds = micros / MICROS_PER_SECOND;
        let mut text = *CANONICAL;
        put_digits(&mut text[..4], year);
        put_digits(&mut text[5..7], month);
        put_digits(&mut text[8..10], day);
        put_digits(&mut text[11..13], seconds / 3_600);
        put_digits(&mut text[14..16], seconds / 60 % 60);
        put_digits(&mut text[17..19], seconds % 60);
        put_digits(&mut text[20..26], micros % MICROS_PER_SECOND);
        Some(text)
    }
}

/// How we write times.
const CANONICAL: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";

/// Whether a text that was read as a time is how we write it: of that length a time has microseconds,
/// and only the separator, the zone's letter and a leap second have other spellings.
fn is_canonical(text: &[u8]) -> bool {
    text.len() == CANONICAL.len() && text[10] == b'T' && text[17] != b'6' && text[26] == b'Z'
}

fn put_digits(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        let [low, ..] = (number % 10).to_le_bytes();
        *digit = b'0' + low;
        number /= 10;
    }
}

struct Digits<'a> {
    rest: &'a [u8],
}

impl Digits<'_> {
    fn number(&mut self, digit_count: usize) -> Result<i64, TimeError> {
        let (head, tail) = self.rest.split_at_checked(digit_count).ok_or(TimeError)?;
        let mut value = 0;
        for digit in head {
            if !digit.is_ascii_digit() {
                return Err(TimeError);
            }
            value = value * 10 + i64::from(digit - b'0');
        }
        self.rest = tail;
        Ok(value)
    }

    fn one_of(&mut self, allowed: &[u8]) -> Result<u8, TimeError> {
        match self.rest.split_first() {
            Some((first, tail)) if allowed.contains(first) => {
                self.rest = tail;
                Ok(*first)
            }
            _ => Err(TimeError),
        }
    }
}

fn civil_date(digits: &mut Digits<'_>) -> Result<(i64, i64, i64), TimeError> {
    let year = digits.number(4)?;
    digits.one_of(b"-")?;
    let month = digits.number(2)?;
    digits.one_of(b"-")?;
    let day = digits.number(2)?;
    let narrow = |value: i64| i8::try_from(value).map_err(|_| TimeError);
    let short_year = i16::try_from(year).map_err(|_| TimeError)?;
    jiff::civil::Date::new(short_year, narrow(month)?, narrow(day)?).map_err(|_| TimeError)?;
    Ok((year, month, day))
}

fn second_of_day(digits: &mut Digits<'_>) -> Result<i64, TimeError> {
    let hour = digits.number(2)?;
    digits.one_of(b":")?;
    let minute = digits.number(2)?;
    digits.one_of(b":")?;
    let second = digits.number(2)?;
    // RFC 3339 allows :60 for a leap second; UTC microseconds have no place for it,
    // so it becomes the first moment of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return Err(TimeError);
    }
    Ok(hour * 3_600 + minute * 60 + second)
}

fn fraction_micros(digits: &mut Digits<'_>) -> Result<i64, TimeError> {
    if digits.one_of(b".").is_err() {
        return Ok(0);
    }
    let mut micros = 0;
    let mut scale = 100_000;
    let mut digit_count = 0;
    while let Ok(digit) = digits.one_of(b"0123456789") {
        micros += i64::from(digit - b'0') * scale;
        scale /= 10;
        digit_count += 1;
    }
    if digit_count == 0 { Err(TimeError) } else { Ok(micros) }
}

fn zone_offset_seconds(digits: &mut Digits<'_>) -> Result<Option<i64>, TimeError> {
    if digits.rest.is_empty() {
        return Ok(None);
    }
    let sign = match digits.one_of(b"Zz+-")? {
        b'Z' | b'z' => return if digits.rest.is_empty() { Ok(Some(0)) } else { Err(TimeError) },
        b'-' => -1,
        _ => 1,
    };
    let hours = digits.number(2)?;
    digits.one_of(b":")?;
    let minutes = digits.number(2)?;
    if hours > 23 || minutes > 59 || !digits.rest.is_empty() {
        return Err(TimeError);
    }
    Ok(Some(sign * (hours * 3_600 + minutes * 60)))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(canonical) = self.canonical() {
            return formatter.write_str(std::str::from_utf8(&canonical).unwrap_or_default());
        }
        let days = self.0.div_euclid(SECONDS_PER_DAY * MICROS_PER_SECOND);
        let micros = self.0.rem_euclid(SECONDS_PER_DAY * MICROS_PER_SECOND);
        let (year, month, day) = civil_from_days(days);
        let seconds = micros / MICROS_PER_SECOND;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let fraction = micros % MICROS_PER_SECOND;
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z"
        )
    }
}

/// The proleptic Gregorian date of a day counted from 1970-01-01.
///
/// Counts in eras of 400 years that begin on March 1st, so that the leap day is the last of its year.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The inverse of [`civil_from_days`] for dates that there are.
fn days_from_civil((year, month, day): (i64, i64, i64)) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_rfc_3339_allows_and_marks_what_it_changed() {
        let cases = [
            ("2026-01-31T09:30:00.250000Z", "2026-01-31T09:30:00.250000Z", true, false),
            ("2026-01-31T09:30:00.25Z", "2026-01-31T09:30:00.250000Z", false, false),
            ("2026-01-31t11:30:00+02:00", "2026-01-31T09:30:00.000000Z", false, false),
            ("2026-01-31 09:30:00", "2026-01-31T09:30:00.000000Z", false, true),
            ("2026-01-29T15:32:12.036014999", "2026-01-29T15:32:12.036014Z", false, true),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", true, false),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z", false, false),
            ("2016-12-31T23:59:60.000000Z", "2017-01-01T00:00:00.000000Z", false, false),
            ("2026-01-31t09:30:00.250000Z", "2026-01-31T09:30:00.250000Z", false, false),
            ("2026-01-31 09:30:00.250000Z", "2026-01-31T09:30:00.250000Z", false, false),
            ("2026-01-31T09:30:00.250000z", "2026-01-31T09:30:00.250000Z", false, false),
            ("2026-01-31T09:30:00.2500000", "2026-01-31T09:30:00.250000Z", false, true),
        ];
        for (text, canonical, exact, zone_assumed) in cases {
            let parsed = Timestamp::parse(text).expect(text);
            assert_eq!(parsed.at.to_string(), canonical);
            assert_eq!((parsed.exact, parsed.zone_assumed), (exact, zone_assumed), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2026",
            "2026-02-30T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+0200",
            "2026-01-01T00:00:00Zx",
            "20260101T000000Z",
            "2026-W01-1T00:00:00Z",
            "+2026-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), Err(TimeError), "{text}");
        }
    }

    #[test]
    fn counts_days_as_the_calendar_library_does() {
        let epoch = jiff::civil::date(1970, 1, 1);
        let mut date = jiff::civil::date(0, 1, 1);
        while date.year() < 9_000 {
            let days = i64::from(date.since(epoch).unwrap().get_days());
            let civil = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
            assert_eq!((days_from_civil(civil), civil_from_days(days)), (days, civil));
            date = date.checked_add(jiff::Span::new().days(17)).unwrap();
        }
    }

    proptest! {
        #[test]
        fn every_time_reads_back_as_itself(micros in -62_167_219_200_000_000_i64..253_402_300_799_999_999) {
            let at = Timestamp::from_micros(micros);
            let parsed = Timestamp::parse(&at.to_string()).unwrap();
            prop_assert_eq!(parsed, ParsedTime { at, exact: true, zone_assumed: false });
        }
    }
}
