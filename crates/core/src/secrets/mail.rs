//! Mail addresses in ids, and the pseudonyms that stand for them.
//!
//! Only ids are looked at: an address in a payload is the sender's matter. An id is mostly the
//! address alone; one in front of which stands `user:`, `agent/` or the like keeps that.

use super::mark::MaskKey;

const LOCAL_BYTES_MAX: usize = 64;

/// An id with pseudonyms in the place of mail addresses; none where it has none.
pub(super) fn without_addresses(key: &MaskKey, id: &str) -> Option<String> {
    let mut out = String::new();
    let mut at = 0;
    while let Some(sign) = id[at..].find('@').map(|sign| at + sign) {
        let found = address_around(id, at, sign);
        let end = found.as_ref().map_or(sign + 1, |found| found.end);
        match found {
            Some(found) => {
                out.push_str(&id[at..found.start]);
                out.push_str(&key.address(&id[found]));
            }
            None => out.push_str(&id[at..end]),
        }
        at = end;
    }
    out.push_str(&id[at..]);
    (out != id).then_some(out)
}

fn address_around(id: &str, from: usize, sign: usize) -> Option<std::ops::Range<usize>> {
    let bytes = id.as_bytes();
    let is_local = |byte: &u8| {
        byte.is_ascii_alphanumeric() || !byte.is_ascii() || b".!#$%&'*+-=?^_{|}~".contains(byte)
    };
    let local = bytes[from..sign]
        .iter()
        .rev()
        .take(LOCAL_BYTES_MAX + 1)
        .take_while(|byte| is_local(byte))
        .count();
    let is_host =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') || !byte.is_ascii();
    let host = bytes[sign + 1..].iter().take_while(|byte| is_host(byte)).count();
    let host_text = id.get(sign + 1..sign + 1 + host)?.trim_end_matches('.');
    let (start, end) = (sign - local, sign + 1 + host_text.len());
    let is_framed = start.checked_sub(1).is_none_or(|before| b":/<( ,;\"".contains(&bytes[before]))
        && bytes.get(end).is_none_or(|behind| b">)/ ,;#?\"".contains(behind));
    let is_address = (1..=LOCAL_BYTES_MAX).contains(&local) && is_domain(host_text) && is_framed;
    is_address.then_some(start..end)
}

/// Whether a host has at least two labels and a top-level one of letters.
fn is_domain(host: &str) -> bool {
    let mut labels = host.rsplit('.');
    let top = labels.next().unwrap_or_default();
    let is_top = top.len() >= 2 && top.chars().all(char::is_alphabetic);
    let rest: Vec<&str> = labels.collect();
    is_top && !rest.is_empty() && rest.iter().all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_pseudonym_and_what_frames_it_stays() {
        let key = MaskKey::new([7; 32]);
        let ann = key.address("ann@example.org");
        let check = |id: &str, expected: &str| {
            let found = without_addresses(&key, id);
            assert_eq!(found.as_deref().unwrap_or(id), expected, "{id}");
        };
        check("ann@example.org", &ann);
        check("Ann@Example.ORG", &ann);
        check("mailto:ann@example.org", &format!("mailto:{ann}"));
        check("user/ann@example.org/2026", &format!("user/{ann}/2026"));
        check("Ann <ann@example.org>", &format!("Ann <{ann}>"));
        check("ann@example.org,ann@example.org", &format!("{ann},{ann}"));
        for id in [
            "run-1",
            "@scope/package",
            "pkg@1.2.3",
            "git@github.com:o/r",
            "a@b",
            "@",
            "a@b@",
            "user@host",
        ] {
            check(id, id);
        }
    }

    #[test]
    fn a_pseudonym_is_no_address() {
        let key = MaskKey::new([7; 32]);
        let once = without_addresses(&key, "ann@example.org").unwrap();
        assert_eq!(without_addresses(&key, &once), None);
    }
}
