//! A vendor's dollars as integer micro-dollars.
//!
//! The number's text is read digit by digit, so that it is rounded once, half up, and never by way
//! of a binary fraction. The text itself stays in the event beside the result.

/// Decimal places of a micro-dollar.
const MICRO_DIGITS: i64 = 6;

/// Micro-dollars of a JSON number of dollars; `None` for negative or absurd amounts and other kinds.
pub(in crate::dialect) fn dollars_to_micros(number: &str) -> Option<i64> {
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

/// Dollars that are added as they are written and rounded once, half up, in the end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DollarSum {
    attos: Option<i128>,
}

/// Decimal places that a sum keeps; amounts with more lose the rest.
const SUM_DIGITS: i64 = 18;

impl DollarSum {
    /// Adds a JSON number of dollars. What is no amount adds nothing.
    pub(super) fn add(&mut self, number: Option<&str>) {
        let Some(attos) = number.and_then(|number| scaled_by(number, SUM_DIGITS)) else { return };
        self.attos = Some(self.attos.unwrap_or(0).saturating_add(attos));
    }

    /// The sum in micro-dollars; none where nothing was added.
    pub(super) fn micros(self) -> Option<i64> {
        let unit = 10_i128.pow(u32::try_from(SUM_DIGITS - MICRO_DIGITS).ok()?);
        i64::try_from((self.attos? + unit / 2) / unit).ok()
    }
}

/// A non-negative number's text as an integer of 10⁻ⁿ parts, the rest cut.
fn scaled_by(number: &str, digit_count: i64) -> Option<i128> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(digit_count)?;
    let first = i64::try_from(digits.bytes().position(|digit| digit != b'0').unwrap_or(0)).ok()?;
    // More digits than these are no amount of money.
    if point - first > 36 {
        return None;
    }
    Some((first..point.max(first)).fold(0, |value, place| {
        let digit = usize::try_from(place).ok().and_then(|place| digits.as_bytes().get(place));
        value * 10 + i128::from(digit.copied().unwrap_or(b'0') - b'0')
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_rounded_once_and_not_at_each_part() {
        let mut sum = DollarSum::default();
        assert_eq!(sum.micros(), None);
        sum.add(Some("null"));
        sum.add(None);
        assert_eq!(sum.micros(), None);
        for part in ["0.000489", "0.000234449999", "3.645e-05", "0.0002223", "1e-40"] {
            sum.add(Some(part));
        }
        assert_eq!(sum.micros(), Some(982));
        sum.add(Some("12.5E1"));
        assert_eq!(sum.micros(), Some(125_000_982));
        sum.add(Some("1e40"));
        assert_eq!(sum.micros(), Some(125_000_982));
    }

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
