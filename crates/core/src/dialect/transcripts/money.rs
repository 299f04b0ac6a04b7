//! A vendor's dollars as integer micro-dollars.
//!
//! The number's text is read digit by digit, so that it is rounded once, half up, and never by way
//! of a binary fraction. The text itself stays in the event beside the result.

/// Decimal places of a micro-dollar.
const MICRO_DIGITS: i64 = 6;

/// Micro-dollars of a JSON number of dollars; `None` for negative or absurd amounts and other kinds.
pub(super) fn dollars_to_micros(number: &str) -> Option<i64> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let point =
        i64::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(MICRO_DIGITS)?;
    scaled(digits.as_bytes(), point)
}

/// The integer made of the digits before `point`, rounded half up by the digit at it.
fn scaled(digits: &[u8], point: i64) -> Option<i64> {
    let digit_at = |place: i64| {
        let digit = usize::try_from(place).ok().and_then(|place| digits.get(place));
        i64::from(digit.copied().unwrap_or(b'0') - b'0')
    };
    // Zeros in front say nothing; more than 18 digits after them are no amount of money.
    let first = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    let first = i64::try_from(first).ok()?;
    if point - first > 18 {
        return (first == i64::try_from(digits.len()).ok()?).then_some(0);
    }
    let whole = (first..point).fold(0, |value, place| value * 10 + digit_at(place));
    Some(whole + i64::from(digit_at(point) >= 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_the_text_once() {
        for (dollars, micros) in [
            ("1.6079357500000002", Some(1_607_936)),
            ("1.2111497999999998", Some(1_211_150)),
            ("0", Some(0)),
            ("0.0", Some(0)),
            ("0.00031800000000000003", Some(318)),
            ("2.5e-05", Some(25)),
            ("5e-7", Some(1)),
            ("4.999e-7", Some(0)),
            ("1e-40", Some(0)),
            ("0e40", Some(0)),
            ("12", Some(12_000_000)),
            ("1.5E3", Some(1_500_000_000)),
            ("1e40", None),
            ("-1", None),
            ("\"1\"", None),
            ("null", None),
        ] {
            assert_eq!(dollars_to_micros(dollars), micros, "{dollars}");
        }
    }
}
