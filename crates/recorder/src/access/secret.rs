//! Token texts: how they are made, hashed, kept and compared.
//!
//! A token is `annals_<kind>_<id>_<secret>`; the secret is 32 random bytes in hex. The log has
//! only a hash under a key (the pepper) that lies in the data directory, apart from the log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use annals_core::id::TokenId;
use annals_core::secrets::MaskKey;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::decide::TokenKind;
use crate::world::Entropy;

pub(super) const OWNER_KIND: &str = "owner";
const PEPPER_BYTES: usize = 32;
const SECRET_BYTES: usize = 32;
const ID_BYTES: usize = 8;

/// The files of the owner token or the pepper cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {}: {problem}", .file.display())]
pub struct SecretError {
    file: PathBuf,
    problem: String,
    #[source]
    source: Option<io::Error>,
}

/// The keyed hash of a token's text.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecretHash([u8; 32]);

impl SecretHash {
    /// Reads the hash as the log has it; none when it is not one.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }
}

/// The parts of a token's text.
pub(super) struct TokenParts<'a> {
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
}

/// Splits a token's text; none when it is not one.
pub(super) fn parse(text: &str) -> Option<TokenParts<'_>> {
    let rest = text.strip_prefix("annals_")?;
    let mut parts = rest.split('_');
    let (kind, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let is_whole = parts.next().is_none() && !id.is_empty() && secret.len() == SECRET_BYTES * 2;
    is_whole.then_some(TokenParts { kind, id })
}

/// What a recorder must keep secret. `Debug` shows nothing of it.
pub struct Secrets {
    /// Ready to hash texts under the pepper.
    keyed: Hmac<Sha256>,
    owner_hash: [u8; 32],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Reads the secrets of a data directory, and makes what is not there yet.
    pub(crate) fn open(data_dir: &Path, entropy: &dyn Entropy) -> Result<Self, SecretError> {
        let trust = data_dir.join("trust");
        fs::create_dir_all(&trust).map_err(failed(&trust, "it cannot be made"))?;
        restrict_directory(&trust)?;
        let pepper_file = trust.join("pepper");
        let pepper_text = read_or_make(&pepper_file, || random_hex(entropy, PEPPER_BYTES))?;
        let pepper: [u8; PEPPER_BYTES] =
            unhex(pepper_text.trim()).ok_or_else(|| damaged(&pepper_file))?;
        let keyed = keyed(&pepper);
        let owner_file = data_dir.join("owner.token");
        let owner_text = read_or_make(&owner_file, || token_text(entropy, OWNER_KIND).1)?;
        let owner_text = owner_text.trim();
        if parse(owner_text).is_none_or(|parts| parts.kind != OWNER_KIND) {
            return Err(damaged(&owner_file));
        }
        Ok(Self { owner_hash: keyed_hash(&keyed, owner_text), keyed })
    }

    /// Secrets that nobody else has, for a log in memory.
    pub(crate) fn ephemeral(entropy: &dyn Entropy) -> Self {
        let mut pepper = [0; PEPPER_BYTES];
        entropy.fill(&mut pepper);
        let keyed = keyed(&pepper);
        let owner_hash = keyed_hash(&keyed, &token_text(entropy, OWNER_KIND).1);
        Self { keyed, owner_hash }
    }

    /// The key of this log's marks and pseudonyms: made of the pepper, and not the pepper.
    pub(crate) fn mask_key(&self) -> MaskKey {
        MaskKey::new(keyed_hash(&self.keyed, "annals/mask/1"))
    }

    pub(super) fn is_owner(&self, bearer: &str) -> bool {
        keyed_hash(&self.keyed, bearer).ct_eq(&self.owner_hash).into()
    }

    pub(super) fn matches(&self, bearer: &str, secret_hash: &SecretHash) -> bool {
        keyed_hash(&self.keyed, bearer).ct_eq(&secret_hash.0).into()
    }

    /// A new token: its id, its text and the hash for the log.
    pub(super) fn new_token(
        &self,
        entropy: &dyn Entropy,
        kind: TokenKind,
    ) -> (TokenId, String, String) {
        let (id, text) = token_text(entropy, kind.as_str());
        let hash = hex(&keyed_hash(&self.keyed, &text));
        (TokenId::parse(&id).expect("hex digits are an id"), text, hash)
    }
}

fn token_text(entropy: &dyn Entropy, kind: &str) -> (String, String) {
    let id = random_hex(entropy, ID_BYTES);
    let text = format!("annals_{kind}_{id}_{}", random_hex(entropy, SECRET_BYTES));
    (id, text)
}

fn keyed(pepper: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(pepper).expect("HMAC takes keys of any length")
}

fn keyed_hash(keyed: &Hmac<Sha256>, text: &str) -> [u8; 32] {
    let mut mac = keyed.clone();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn random_hex(entropy: &dyn Entropy, byte_count: usize) -> String {
    let mut bytes = vec![0; byte_count];
    entropy.fill(&mut bytes);
    hex(&bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn failed(file: &Path, problem: &str) -> impl FnOnce(io::Error) -> SecretError {
    let (file, problem) = (file.to_owned(), problem.to_owned());
    move |source| SecretError { file, problem, source: Some(source) }
}

fn damaged(file: &Path) -> SecretError {
    let problem = "it does not hold what it should; restore it from a backup".to_owned();
    SecretError { file: file.to_owned(), problem, source: None }
}

fn read_or_make(file: &Path, make: impl FnOnce() -> String) -> Result<String, SecretError> {
    match File::open(file) {
        Ok(mut open) => {
            let mut text = String::new();
            open.read_to_string(&mut text).map_err(failed(file, "it cannot be read"))?;
            Ok(text)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = make();
            write_durably(file, &text).map_err(failed(file, "it cannot be written"))?;
            Ok(text)
        }
        Err(error) => Err(failed(file, "it cannot be opened")(error)),
    }
}

/// Writes a secret whole or not at all: beside, synced, then renamed, and the directory synced.
fn write_durably(file: &Path, text: &str) -> io::Result<()> {
    let beside = file.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(&beside)?;
    open.write_all(text.as_bytes())?;
    open.write_all(b"\n")?;
    open.sync_all()?;
    fs::rename(&beside, file)?;
    match file.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn restrict_directory(directory: &Path) -> Result<(), SecretError> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
        .map_err(failed(directory, "its permissions cannot be set"))
}

#[cfg(not(unix))]
fn restrict_directory(_: &Path) -> Result<(), SecretError> {
    Ok(())
}
