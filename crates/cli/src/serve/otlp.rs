//! Where OTLP is taken in beside the main address: the ports that OpenTelemetry's exporters know by themselves.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::args::OtlpArgs;

const GRPC_PORT: u16 = 4317;
const HTTP_PORT: u16 = 4318;

/// `[otlp]` of the config file. The section being there is enough.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct OtlpSettings {
    enabled: Option<bool>,
    grpc: Option<SocketAddr>,
    http: Option<SocketAddr>,
}

/// The addresses for gRPC and for HTTP. Each takes both; exporters that have no choice take their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OtlpAddresses {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
}

impl OtlpAddresses {
    /// None where nobody asks for them.
    pub(super) fn of(args: &OtlpArgs, file: Option<OtlpSettings>) -> Option<Self> {
        let is_flagged = args.otlp || args.otlp_grpc.is_some() || args.otlp_http.is_some();
        let is_filed = file.as_ref().is_some_and(|file| file.enabled != Some(false));
        let file = file.unwrap_or_default();
        let usual = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        (is_flagged || is_filed).then(|| Self {
            grpc: args.otlp_grpc.or(file.grpc).unwrap_or_else(|| usual(GRPC_PORT)),
            http: args.otlp_http.or(file.http).unwrap_or_else(|| usual(HTTP_PORT)),
        })
    }

    pub(crate) fn both(self) -> [SocketAddr; 2] {
        [self.grpc, self.http]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(args: &OtlpArgs, file: Option<&str>) -> Option<String> {
        let file = file.map(|text| toml::from_str(text).unwrap());
        OtlpAddresses::of(args, file).map(|found| format!("{} {}", found.grpc, found.http))
    }

    #[test]
    fn the_usual_ports_are_listened_on_when_asked_for_and_others_when_named() {
        let none = OtlpArgs::default();
        let flag = OtlpArgs { otlp: true, ..OtlpArgs::default() };
        let named = OtlpArgs { otlp_grpc: "127.0.0.1:1".parse().ok(), ..OtlpArgs::default() };
        let usual = Some("127.0.0.1:4317 127.0.0.1:4318".to_owned());
        assert_eq!(of(&none, None), None);
        assert_eq!(of(&flag, None), usual);
        assert_eq!(of(&none, Some("")), usual, "the section is there");
        assert_eq!(of(&none, Some("enabled = false")), None);
        assert_eq!(of(&flag, Some("enabled = false")), usual, "a flag wins");
        let both = Some("127.0.0.1:1 127.0.0.1:2".to_owned());
        assert_eq!(of(&named, Some("http = \"127.0.0.1:2\"\ngrpc = \"127.0.0.1:3\"")), both);
    }
}
