//! The connection to one server: address, credential, time-outs, and one way to send a request.
//!
//! Everything else in this crate goes through [`Client::call`] (with retries) or
//! [`Client::send_once`]. Cloning shares the connection pool.

use std::sync::Arc;
use std::time::Duration;

use annals_api::Problem;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Url};
use serde::de::DeserializeOwned;

use crate::error::{ClientError, problem_of_status};
use crate::retry::RetryPolicy;

/// Where a server listens that nobody told otherwise.
pub const DEFAULT_URL: &str = "http://127.0.0.1:7171";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// For what may make the server read or write large parts of its files anew before it answers.
pub(crate) const LONG_REQUEST_TIMEOUT: Duration = Duration::from_secs(600);

/// A client of one Annals server.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
    retry: RetryPolicy,
}

impl std::fmt::Debug for Inner {
    /// Leaves the token out, because debug output ends up in logs.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Inner")
            .field("base", &self.base.as_str())
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// Sets up a [`Client`].
#[derive(Clone)]
pub struct ClientBuilder {
    url: String,
    token: Option<String>,
    retry: RetryPolicy,
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClientBuilder")
            .field("url", &self.url)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self { url: DEFAULT_URL.to_owned(), token: None, retry: RetryPolicy::default() }
    }
}

impl ClientBuilder {
    /// The server's address, such as `http://127.0.0.1:7171`.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// The bearer token.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Bounds on trying again.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// When the address is no HTTP address or the HTTP client cannot be set up.
    pub fn build(self) -> Result<Client, ClientError> {
        let base = Url::parse(&self.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                ClientError::Invalid(format!(
                    "`{}` is not an address such as {DEFAULT_URL}",
                    self.url
                ))
            })?;
        let http = http_client(&base)?;
        let token = self.token.map(|token| token.trim().to_owned());
        Ok(Client { inner: Arc::new(Inner { http, base, token, retry: self.retry }) })
    }
}

/// The HTTP client, which never follows a redirect with the token in hand.
fn http_client(base: &Url) -> Result<reqwest::Client, ClientError> {
    install_tls_provider();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .user_agent(concat!("annals-sdk/", env!("CARGO_PKG_VERSION")));
    if is_loopback(base) {
        // A proxy cannot reach this machine's own loopback interface.
        builder = builder.no_proxy();
    }
    builder
        .build()
        .map_err(|error| ClientError::Invalid(format!("the HTTP client cannot be set up: {error}")))
}

/// Gives the process a TLS provider unless it has one: without, reqwest panics even for `http://`.
fn install_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Whether an address is one of this machine's own. What is no address is not.
#[must_use]
pub fn is_local(url: &str) -> bool {
    Url::parse(url.trim()).is_ok_and(|url| is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| ClientError::Protocol(error.to_string()))
    }
}

/// Whether doing something twice is the same as doing it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Tried again after every passing trouble.
    Harmless,
    /// Tried again only when the last try certainly changed nothing.
    Matters,
}

/// What to send; sent again as it is on a retry.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// JSON text.
    pub(crate) body: Option<Bytes>,
    pub(crate) repeat: Repeat,
    /// The body's media type; JSON's, unless it says another.
    pub(crate) media_type: Option<&'static str>,
}

impl Call {
    pub(crate) const fn new(method: Method, url: Url, body: Option<Bytes>, repeat: Repeat) -> Self {
        Self { method, url, body, repeat, media_type: None }
    }
}

impl Client {
    /// Sets up a client by hand.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Sets up a client from `ANNALS_URL` and `ANNALS_TOKEN`.
    ///
    /// # Errors
    /// When the address is no HTTP address.
    pub fn from_env() -> Result<Self, ClientError> {
        let mut builder = Self::builder();
        if let Ok(url) = std::env::var("ANNALS_URL") {
            builder = builder.url(url);
        }
        if let Ok(token) = std::env::var("ANNALS_TOKEN") {
            builder = builder.token(token);
        }
        builder.build()
    }

    /// The server's address.
    #[must_use]
    pub fn url(&self) -> &str {
        self.inner.base.as_str().trim_end_matches('/')
    }

    /// The same client with other bounds on trying again.
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        let Inner { http, base, token, .. } = self.inner.as_ref();
        let inner = Inner { http: http.clone(), base: base.clone(), token: token.clone(), retry };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        self.inner.retry
    }

    /// The address of a resource; segments may hold any characters of an id.
    pub(crate) fn resource<'a>(
        &self,
        segments: impl IntoIterator<Item = &'a str>,
        parameters: &[(&str, String)],
    ) -> Url {
        let mut url = self.inner.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }

    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.inner.http.request(method, url);
        match &self.inner.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a call and reads its answer, again and again within the retry policy.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, ClientError> {
        self.call_within(REQUEST_TIMEOUT, call).await
    }

    /// The same, with this much time for each attempt.
    pub(crate) async fn call_within(
        &self,
        timeout: Duration,
        call: Call,
    ) -> Result<Answer, ClientError> {
        let mut failed_attempts = 0;
        loop {
            let (error, retry_after) = match self.send_once(&call, timeout).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            failed_attempts += 1;
            if call.repeat == Repeat::Matters && !error.has_no_side_effects() {
                return Err(error);
            }
            match self.inner.retry.next_delay(failed_attempts, &error, retry_after) {
                Some(delay) => {
                    tracing::debug!(%error, failed_attempts, ?delay, "a call is tried again");
                    tokio::time::sleep(delay).await;
                }
                None => return Err(error),
            }
        }
    }

    async fn send_once(
        &self,
        call: &Call,
        timeout: Duration,
    ) -> Result<Answer, (ClientError, Option<Duration>)> {
        let mut request = self.request(call.method.clone(), call.url.clone()).timeout(timeout);
        if let Some(body) = &call.body {
            let media_type = call.media_type.unwrap_or("application/json");
            request = request.header(CONTENT_TYPE, media_type).body(body.clone());
        }
        let broken = |error| (ClientError::from_transport(self.url(), error), None);
        let response = request.send().await.map_err(broken)?;
        if response.status().is_success() {
            let body = response.bytes().await.map_err(broken)?;
            return Ok(Answer { body });
        }
        let retry_after = retry_after(response.headers());
        Err((refusal(response).await, retry_after))
    }

    /// Reads a JSON resource.
    pub(crate) async fn get_json<T: DeserializeOwned>(&self, url: Url) -> Result<T, ClientError> {
        self.call(Call::new(Method::GET, url, None, Repeat::Harmless)).await?.json()
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// The problem in an unsuccessful answer. A batch's results, which stand beside the problem, are
/// kept in its details.
pub(crate) async fn refusal(response: reqwest::Response) -> ClientError {
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap_or_default();
    let problem = match serde_json::from_slice::<Problem>(&body) {
        Ok(mut problem) => {
            if problem.reason_code == "batch_rejected" {
                let results = serde_json::from_slice::<serde_json::Value>(&body).ok();
                let results = results
                    .and_then(|mut body| body.get_mut("results").map(serde_json::Value::take));
                problem.details.extend(results.map(|results| ("results".to_owned(), results)));
            }
            problem
        }
        Err(_) => problem_of_status(status, &String::from_utf8_lossy(&body)),
    };
    ClientError::Refused(Box::new(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str) -> Client {
        Client::builder().url(url).token(" secret\n").build().unwrap()
    }

    #[test]
    fn a_segment_may_hold_any_character_of_an_id() {
        let url =
            client("http://localhost:1/base/").resource(["v1", "streams", "run", "a/b c?é%"], &[]);
        assert_eq!(url.as_str(), "http://localhost:1/base/v1/streams/run/a%2Fb%20c%3F%C3%A9%25");
    }

    #[test]
    fn parameters_are_escaped() {
        let url = client("http://localhost:1")
            .resource(["v1", "events"], &[("run_id", "a&b=c".to_owned())]);
        assert_eq!(url.query(), Some("run_id=a%26b%3Dc"));
    }

    #[test]
    fn only_loopback_addresses_are_local() {
        for ours in ["http://127.0.0.1:7171", "http://localhost:1", "http://[::1]:7171/"] {
            assert!(is_local(ours), "{ours}");
        }
        for foreign in [
            "http://127.0.0.1.example.com",
            "https://example.com",
            "http://localhost@example.com",
            "http://10.0.0.1:7171",
            "nonsense",
            "",
        ] {
            assert!(!is_local(foreign), "{foreign}");
        }
    }

    #[test]
    fn the_token_is_never_in_debug_output() {
        assert!(!format!("{:?}", client("http://localhost:1")).contains("secret"));
        assert!(!format!("{:?}", Client::builder().token("secret")).contains("secret"));
    }

    #[test]
    fn refuses_what_is_no_http_address() {
        for url in ["", "localhost:7171", "ftp://x", "http://"] {
            assert!(Client::builder().url(url).build().is_err(), "{url}");
        }
    }
}
