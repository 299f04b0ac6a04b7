//! What `annals serve` runs with: a flag wins over the config file, the file over the default.
//!
//! A key of the file has its flag's name; an unknown key is refused, so that a typing mistake is no
//! silent default.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use annals_core::secrets::SecretSettings;
use annals_recorder::config::SchemaCheck;
use annals_server::Witness;
use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::otlp::{OtlpAddresses, OtlpSettings};
use crate::args::{DurabilityArg, LogFormat, ServeArgs};
use crate::data_dir;

const DEFAULT_PORT: u16 = 7171;

/// The config file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileSettings {
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    durability: Option<DurabilityArg>,
    log_format: Option<LogFormat>,
    log_level: Option<String>,
    otlp: Option<OtlpSettings>,
    #[serde(default)]
    allow_host: Vec<String>,
    #[serde(default)]
    allow_plaintext: bool,
    segment_bytes: Option<u64>,
    schema_check: Option<SchemaCheckSetting>,
    #[serde(default)]
    secrets: SecretSettings,
    #[serde(default)]
    trust: TrustSettings,
}

/// Who vouches for the log. Only in the file, for the same reason.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TrustSettings {
    /// The name under which a new log signs.
    origin: Option<String>,
    #[serde(default)]
    witness: Vec<WitnessSetting>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WitnessSetting {
    name: String,
    url: String,
    key: String,
}

impl WitnessSetting {
    fn witness(&self) -> anyhow::Result<Witness> {
        Witness::new(&self.name, &self.url, &self.key).with_context(|| {
            format!("the witness `{}` of the config file cannot be used", self.name)
        })
    }
}

/// Whether payloads of known types are held against the catalog. Only in the file: it is a
/// decision about an installation, not about a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SchemaCheckSetting {
    KnownTypes,
    Off,
}

impl From<SchemaCheckSetting> for SchemaCheck {
    fn from(setting: SchemaCheckSetting) -> Self {
        match setting {
            SchemaCheckSetting::KnownTypes => Self::KnownTypes,
            SchemaCheckSetting::Off => Self::Off,
        }
    }
}

/// Everything that was decided.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) otlp: Option<OtlpAddresses>,
    pub(crate) durability: DurabilityArg,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: String,
    pub(crate) allow_hosts: Vec<String>,
    pub(crate) segment_bytes: Option<u64>,
    pub(crate) schema_check: SchemaCheck,
    pub(crate) secrets: SecretSettings,
    pub(crate) origin: Option<String>,
    pub(crate) witnesses: Vec<Witness>,
}

impl Settings {
    pub(crate) fn of(args: ServeArgs) -> anyhow::Result<Self> {
        let file = args.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let mut allow_hosts = args.allow_hosts;
        allow_hosts.extend(file.allow_host);
        let default_listen = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
        let settings = Self {
            data_dir: data_dir::resolve(args.data.or(file.data).as_deref())?,
            listen: args.listen.or(file.listen).unwrap_or(default_listen),
            otlp: OtlpAddresses::of(&args.otlp, file.otlp),
            durability: args.durability.or(file.durability).unwrap_or(DurabilityArg::Sync),
            log_format: args.log_format.or(file.log_format).unwrap_or(LogFormat::Json),
            log_level: args.log_level.or(file.log_level).unwrap_or_else(|| "info".to_owned()),
            allow_hosts,
            segment_bytes: args.segment_bytes.or(file.segment_bytes),
            schema_check: file.schema_check.map_or(SchemaCheck::KnownTypes, Into::into),
            secrets: file.secrets,
            witnesses: file
                .trust
                .witness
                .iter()
                .map(WitnessSetting::witness)
                .collect::<anyhow::Result<_>>()?,
            origin: file.trust.origin,
        };
        let is_plaintext_allowed = args.allow_plaintext || file.allow_plaintext;
        let is_open = |address: &SocketAddr| !address.ip().is_loopback();
        if let Some(open) = settings.addresses().find(is_open)
            && !is_plaintext_allowed
        {
            bail!(
                "{open} is reachable from other machines and there is no TLS: tokens and events could be read on the way; \
                 listen on 127.0.0.1 behind a TLS proxy, or say --allow-plaintext"
            );
        }
        Ok(settings)
    }

    /// Every address that is listened on.
    fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        std::iter::once(self.listen).chain(self.otlp.into_iter().flat_map(OtlpAddresses::both))
    }
}

fn read_file(path: &Path) -> anyhow::Result<FileSettings> {
    let unusable = || format!("the config file {} cannot be used", path.display());
    let text = std::fs::read_to_string(path).with_context(unusable)?;
    toml::from_str(&text).with_context(unusable)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Command, CommandLine};

    fn settings(flags: &str) -> anyhow::Result<Settings> {
        let command_line = CommandLine::try_parse_from(
            format!("annals serve --data d {flags}").split_whitespace(),
        )?;
        match command_line.command {
            Command::Serve(args) => Settings::of(args),
            other => bail!("{other:?}"),
        }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = file("listen = \"127.0.0.1:1\"\ndurability = \"os\"\nlog-format = \"text\"");
        let found =
            settings(&format!("--listen 127.0.0.1:2 --config {}", file.path().display())).unwrap();
        assert_eq!(found.listen.port(), 2);
        assert_eq!((found.durability, found.log_format), (DurabilityArg::Os, LogFormat::Text));
        let default = settings("").unwrap();
        assert_eq!((default.listen.port(), default.durability), (7171, DurabilityArg::Sync));
        assert_eq!(default.schema_check, SchemaCheck::KnownTypes);
    }

    #[test]
    fn what_is_looked_for_comes_from_the_file() {
        let file = file(
            "[secrets]\nenabled = true\n[[secrets.rules]]\nid = \"badge\"\nregex = \"b([0-9]+)\"\n\
             keywords = [\"badge\"]\n[[secrets.allow]]\npaths = [\"/data/public\"]\n",
        );
        let found = settings(&format!("--config {}", file.path().display())).unwrap().secrets;
        assert!(found.enabled);
        assert_eq!((found.rules[0].id.as_str(), found.allow[0].paths.len()), ("badge", 1));
        assert_eq!(settings("").unwrap().secrets, SecretSettings::default());
    }

    #[test]
    fn an_unknown_key_of_the_file_is_refused_by_name() {
        let file = file("lisen = \"127.0.0.1:1\"");
        let error = settings(&format!("--config {}", file.path().display())).unwrap_err();
        assert!(format!("{error:#}").contains("lisen"), "{error:#}");
    }

    #[test]
    fn witnesses_and_the_name_come_from_the_file() {
        let key = annals_core::note::CosigningKey::from_seed("w.example", [1; 32]).unwrap();
        let key = key.verifier();
        let witness = |key: &str| {
            file(&format!(
                "[trust]\norigin = \"logs.example/one\"\n[[trust.witness]]\nname = \"w\"\n\
                 url = \"https://w.example\"\nkey = \"{key}\"\n"
            ))
        };
        let right = witness(&key.to_string());
        let found = settings(&format!("--config {}", right.path().display())).unwrap();
        assert_eq!(found.origin.as_deref(), Some("logs.example/one"));
        assert_eq!(found.witnesses.len(), 1);
        let wrong = witness("no key");
        let error = settings(&format!("--config {}", wrong.path().display())).unwrap_err();
        assert!(format!("{error:#}").contains("witness `w`"), "{error:#}");
    }

    #[test]
    fn other_machines_reach_it_without_tls_only_when_that_is_said() {
        assert!(
            settings("--listen 0.0.0.0:7171")
                .unwrap_err()
                .to_string()
                .contains("--allow-plaintext")
        );
        assert!(settings("--listen 0.0.0.0:7171 --allow-plaintext").is_ok());
        assert!(settings("--listen [::1]:7171").is_ok());
        assert!(settings("--otlp").is_ok());
        assert!(settings("--otlp-http 0.0.0.0:4318").is_err());
        assert!(settings("--otlp-http 0.0.0.0:4318 --allow-plaintext").is_ok());
    }
}
