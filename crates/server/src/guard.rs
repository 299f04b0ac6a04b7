//! Which requests are for this server at all: the `Host` and `Origin` checks.
//!
//! A web page anywhere can make a browser send requests here, under a name of its own that points
//! to this machine (DNS rebinding) or across origins. Both are refused before anything else is
//! looked at. There is no CORS: no other origin is ever allowed.

use std::net::IpAddr;

use annals_api::reason;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Request, header};

use crate::problem::ApiProblem;

/// The names that requests may give this server.
#[derive(Debug, Clone)]
pub(crate) struct HostNames {
    names: Vec<String>,
}

impl HostNames {
    /// The loopback names, and those that the operator added.
    pub(crate) fn new(configured: &[String]) -> Self {
        let loopback = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let configured = configured.iter().map(|name| name.to_ascii_lowercase());
        Self { names: loopback.into_iter().chain(configured).collect() }
    }

    /// Refuses a request for another host or from a page of another site.
    ///
    /// `local_ip` is the address that the connection came in by; it may always be named.
    pub(crate) fn check<B>(
        &self,
        request: &Request<B>,
        local_ip: IpAddr,
    ) -> Result<(), ApiProblem> {
        let host = named_host(request).ok_or_else(|| misdirected("it names no host"))?;
        if !self.knows(&host, local_ip) {
            return Err(misdirected(&format!("`{}` is not a name of this server", host.host())));
        }
        check_origin(request.headers(), &host)
    }

    fn knows(&self, host: &Authority, local_ip: IpAddr) -> bool {
        let name = host.host().to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let literal = name.trim_start_matches('[').trim_end_matches(']');
        let is_local = literal.parse::<IpAddr>().is_ok_and(|ip| ip == local_ip.to_canonical());
        is_local || self.names.iter().any(|known| known == name)
    }
}

/// The host of the request line, else of the header; both, when there are both, must agree.
fn named_host<B>(request: &Request<B>) -> Option<Authority> {
    let mut values = request.headers().get_all(header::HOST).iter();
    let (first, second) = (values.next(), values.next());
    let from_header = match first {
        Some(value) => Some(parse_host(value)?),
        None => None,
    };
    match (request.uri().authority(), from_header) {
        _ if second.is_some() => None,
        (Some(target), Some(named)) if *target != named => None,
        (Some(target), _) => Some(target.clone()),
        (None, named) => named,
    }
}

fn parse_host(value: &HeaderValue) -> Option<Authority> {
    let authority: Authority = value.to_str().ok()?.parse().ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}

fn check_origin(headers: &HeaderMap, host: &Authority) -> Result<(), ApiProblem> {
    for origin in headers.get_all(header::ORIGIN) {
        let text = origin.to_str().unwrap_or_default();
        let site = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        if site.is_none_or(|site| !site.eq_ignore_ascii_case(host.as_str())) {
            let detail = format!("the origin `{text}` is not this server");
            return Err(ApiProblem::new(reason::FOREIGN_ORIGIN, detail));
        }
    }
    Ok(())
}

fn misdirected(problem: &str) -> ApiProblem {
    let detail = format!("the request is not for this server: {problem}; see --allow-host");
    ApiProblem::new(reason::MISDIRECTED, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL_IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 7, 7));

    fn check(uri: &str, headers: &[(&str, &str)]) -> Result<(), &'static str> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let names = HostNames::new(&["Annals.example".to_owned()]);
        let checked = names.check(&request.body(()).unwrap(), LOCAL_IP);
        checked.map_err(|problem| problem.reason().code)
    }

    #[test]
    fn knows_its_own_names_at_any_port() {
        for host in [
            "localhost:7171",
            "LOCALHOST",
            "127.0.0.1:1",
            "[::1]:7171",
            "192.168.7.7",
            "annals.example:80",
        ] {
            assert_eq!(check("/v1/events", &[("host", host)]), Ok(()), "{host}");
        }
        assert_eq!(check("http://localhost:7171/v1/events", &[("host", "localhost:7171")]), Ok(()));
    }

    #[test]
    fn refuses_foreign_missing_doubled_and_contradicting_hosts() {
        for host in ["evil.example", "localhost.evil.example", "192.168.7.8", "evil@localhost", ""]
        {
            assert_eq!(check("/", &[("host", host)]), Err("misdirected"), "{host}");
        }
        assert_eq!(check("/", &[]), Err("misdirected"));
        assert_eq!(
            check("/", &[("host", "localhost"), ("host", "evil.example")]),
            Err("misdirected")
        );
        assert_eq!(check("http://evil.example/", &[("host", "localhost")]), Err("misdirected"));
    }

    #[test]
    fn refuses_pages_of_other_sites() {
        let host = ("host", "localhost:7171");
        assert_eq!(check("/", &[host, ("origin", "http://localhost:7171")]), Ok(()));
        for origin in [
            "http://localhost:3000",
            "https://evil.example",
            "null",
            "",
            "http://localhost:7171.evil.example",
        ] {
            assert_eq!(check("/", &[host, ("origin", origin)]), Err("foreign_origin"), "{origin}");
        }
    }
}
