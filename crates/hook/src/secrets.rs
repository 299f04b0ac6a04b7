//! Secrets do not wait on a disk: what is spooled has marks in their place.
//!
//! The server does the same to what is delivered at once. The key of the marks is this spool's own.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use annals_core::secrets::{MaskKey, Scanner};

use crate::spool::{Private as _, make_private_dir};
use crate::stamped::Stamped;

const KEY_FILE: &str = "mask.key";

/// A payload without its secrets. No rule is compiled unless a text that it looks for is there.
pub(crate) fn without(stamped: &Stamped, spool: &Path) -> Stamped {
    let key = MaskKey::new(key_bytes(spool));
    match Scanner::builtin().redact_json(&key, stamped.payload(), "/payload") {
        Some((payload, _)) => stamped.with_payload(payload),
        None => stamped.clone(),
    }
}

/// The spool's key, made when it is first needed. Where none can be kept, a new one each time: then
/// equal secrets have unequal marks, and nothing else is different.
fn key_bytes(spool: &Path) -> [u8; 32] {
    let path = spool.join(KEY_FILE);
    if let Some(key) = fs::read(&path).ok().and_then(|bytes| bytes.try_into().ok()) {
        return key;
    }
    let mut key = [0; 32];
    if getrandom::fill(&mut key).is_ok() && make_private_dir(spool).is_ok() {
        let file = OpenOptions::new().write(true).create_new(true).private().open(&path);
        // Another process may have been first; then this one's marks have a key of their own.
        let _ = file.and_then(|mut file| file.write_all(&key));
    }
    key
}
