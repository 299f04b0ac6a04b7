//! Reading a request body: as fast as demanded, as large as allowed, out of a common budget.
//!
//! It does not look at what the bytes say.
//!
//! INVARIANT (bounded bodies): a body never holds more than its limit, and all bodies together
//! never more than the budget. Memory is counted before it is used.

use std::sync::Arc;
use std::time::Duration;

use annals_api::reason;
use annals_core::limits::{BODY_BYTES_MAX, BODY_BYTES_PER_SECOND_MIN};
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use tokio::time::Instant;

use crate::budget::{BodyBudget, BudgetShare};
use crate::decode::{DecodeRefusal, Decoder, Encoding};
use crate::problem::ApiProblem;

/// A body in memory; its share of the budget is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct HeldBody {
    pub(crate) bytes: Bytes,
    _share: BudgetShare,
}

/// The demands on a body.
#[derive(Debug, Clone)]
pub(crate) struct BodyRules {
    pub(crate) budget: Arc<BodyBudget>,
    pub(crate) byte_count_max: usize,
    pub(crate) window: Duration,
}

impl BodyRules {
    pub(crate) fn new(budget: Arc<BodyBudget>, window: Duration) -> Self {
        Self { budget, byte_count_max: BODY_BYTES_MAX, window }
    }
}

/// Reads and, where it is compressed, unpacks a body.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    rules: &BodyRules,
) -> Result<HeldBody, ApiProblem> {
    let encoding = content_encoding(headers)?;
    if body.size_hint().lower() > rules.byte_count_max as u64 {
        return Err(too_large(rules.byte_count_max));
    }
    let mut share = rules.budget.share();
    let mut frames = PacedFrames::new(body, rules.window);
    let bytes = match encoding {
        None => read_plain(&mut frames, &mut share, rules.byte_count_max).await?,
        Some(encoding) => read_packed(&mut frames, &mut share, encoding, rules.byte_count_max).await?,
    };
    Ok(HeldBody { bytes, _share: share })
}

async fn read_plain(
    frames: &mut PacedFrames,
    share: &mut BudgetShare,
    byte_count_max: usize,
) -> Result<Bytes, ApiProblem> {
    let Some(first) = frames.next().await? else {
        return Ok(Bytes::new());
    };
    hold(share, first.len(), byte_count_max)?;
    if frames.is_done() {
        return Ok(first);
    }
    let mut whole = Vec::from(first);
    while let Some(piece) = frames.next().await? {
        grow(&mut whole, piece.len(), share, byte_count_max)?;
        whole.extend_from_slice(&piece);
    }
    Ok(Bytes::from(whole))
}

/// Makes room for more bytes, counting what the vector will really take.
fn grow(
    whole: &mut Vec<u8>,
    more: usize,
    share: &mut BudgetShare,
    byte_count_max: usize,
) -> Result<(), ApiProblem> {
    let wanted = whole.len() + more;
    if wanted > byte_count_max {
        return Err(too_large(byte_count_max));
    }
    if wanted > whole.capacity() {
        let capacity = wanted.max(whole.capacity() * 2).min(byte_count_max);
        // While the bytes move, both places are held.
        take(share, whole.capacity() + capacity)?;
        whole.reserve_exact(capacity - whole.len());
        share.shrink_to(whole.capacity());
    }
    Ok(())
}

fn hold(share: &mut BudgetShare, byte_count: usize, byte_count_max: usize) -> Result<(), ApiProblem> {
    if byte_count > byte_count_max {
        return Err(too_large(byte_count_max));
    }
    take(share, byte_count)
}

fn take(share: &mut BudgetShare, byte_count: usize) -> Result<(), ApiProblem> {
    if share.grow_to(byte_count) {
        return Ok(());
    }
    let detail = "too many request bodies are being read; send the same request again later";
    Err(ApiProblem::new(reason::OVERLOADED, detail))
}

async fn read_packed(
    frames: &mut PacedFrames,
    share: &mut BudgetShare,
    encoding: Encoding,
    byte_count_max: usize,
) -> Result<Bytes, ApiProblem> {
    let mut decoder = Decoder::new(encoding, byte_count_max).map_err(decode_problem)?;
    while let Some(piece) = frames.next().await? {
        for part in piece.chunks(PACKED_PART_BYTES) {
            decoder.push(part).map_err(decode_problem)?;
            take(share, decoder.held_bytes())?;
        }
    }
    decoder.finish().map(Bytes::from).map_err(decode_problem)
}

/// Compressed bytes that are unpacked between two looks at the budget.
const PACKED_PART_BYTES: usize = 1 << 10;

fn decode_problem(refusal: DecodeRefusal) -> ApiProblem {
    match refusal {
        DecodeRefusal::TooLarge { byte_count_max } => too_large(byte_count_max),
        DecodeRefusal::Broken { .. } => {
            ApiProblem::new(reason::INVALID_COMPRESSION, refusal.to_string())
        }
    }
}

fn too_large(byte_count_max: usize) -> ApiProblem {
    let detail = format!("the body is larger than {byte_count_max} bytes; send smaller batches");
    ApiProblem::new(reason::PAYLOAD_TOO_LARGE, detail).with("byte_count_max", byte_count_max)
}

fn content_encoding(headers: &HeaderMap) -> Result<Option<Encoding>, ApiProblem> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return match headers.contains_key(header::CONTENT_ENCODING) {
            true => Err(unsupported_encoding("several encodings at once")),
            false => Ok(None),
        };
    };
    match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Encoding::Gzip)),
        "zstd" => Ok(Some(Encoding::Zstd)),
        other => Err(unsupported_encoding(&format!("`{other}`"))),
    }
}

fn unsupported_encoding(given: &str) -> ApiProblem {
    let detail = format!("the server does not undo {given}; send the body plain, gzip or zstd");
    ApiProblem::new(reason::UNSUPPORTED_ENCODING, detail)
        .with("supported", vec!["gzip", "zstd"])
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"))
}

/// A body's data frames, each of which must come before its sender has become too slow.
///
/// In every window of time a sender owes as many bytes as the least speed makes of it.
struct PacedFrames {
    body: Body,
    window: Duration,
    window_end: Instant,
    window_bytes: u64,
}

impl PacedFrames {
    fn new(body: Body, window: Duration) -> Self {
        Self { body, window, window_end: Instant::now() + window, window_bytes: 0 }
    }

    fn is_done(&self) -> bool {
        self.body.is_end_stream()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ApiProblem> {
        loop {
            let frame = tokio::time::timeout_at(self.window_end, self.body.frame()).await;
            let data = match frame {
                Err(_late) => return Err(too_slow()),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(cut_off(&error)),
                Ok(Some(Ok(frame))) => frame.into_data(),
            };
            // What is no data is trailers, and nobody asked for those.
            if let Ok(data) = data {
                self.count(data.len() as u64);
                return Ok(Some(data));
            }
        }
    }

    fn count(&mut self, byte_count: u64) {
        self.window_bytes += byte_count;
        if self.window_bytes >= self.owed_bytes() {
            self.window_bytes = 0;
            self.window_end = Instant::now() + self.window;
        }
    }

    fn owed_bytes(&self) -> u64 {
        BODY_BYTES_PER_SECOND_MIN * self.window.as_secs().max(1)
    }
}

fn too_slow() -> ApiProblem {
    let detail = format!("the body came more slowly than {BODY_BYTES_PER_SECOND_MIN} bytes a second");
    ApiProblem::new(reason::BODY_TOO_SLOW, detail)
        .with("bytes_per_second_min", BODY_BYTES_PER_SECOND_MIN)
}

fn cut_off(error: &axum::Error) -> ApiProblem {
    ApiProblem::new(reason::INVALID_BODY, format!("the body could not be read to its end: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(budget_bytes: usize) -> BodyRules {
        BodyRules {
            budget: BodyBudget::new(budget_bytes),
            byte_count_max: 1_000,
            window: Duration::from_secs(5),
        }
    }

    async fn read(body: Body, rules: &BodyRules) -> Result<usize, &'static str> {
        let headers = HeaderMap::new();
        let held = read_body(&headers, body, rules).await;
        held.map(|held| held.bytes.len()).map_err(|problem| problem.reason().code)
    }

    fn pieces(count: usize, byte_count: usize) -> Body {
        let piece = move |_| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; byte_count]));
        Body::from_stream(futures_util::stream::iter((0..count).map(piece)))
    }

    #[tokio::test]
    async fn refuses_a_body_that_is_too_large_announced_or_not() {
        assert_eq!(read(Body::from(vec![0; 1_000]), &rules(10_000)).await, Ok(1_000));
        assert_eq!(read(Body::from(vec![0; 1_001]), &rules(10_000)).await, Err("payload_too_large"));
        assert_eq!(read(pieces(10, 100), &rules(10_000)).await, Ok(1_000));
        assert_eq!(read(pieces(11, 100), &rules(10_000)).await, Err("payload_too_large"));
    }

    #[tokio::test]
    async fn says_overloaded_when_the_budget_is_spent_and_gives_back_what_it_held() {
        let rules = rules(500);
        assert_eq!(read(pieces(6, 100), &rules).await, Err("overloaded"));
        assert_eq!(rules.budget.held_bytes(), 0);
        let headers = HeaderMap::new();
        let held = read_body(&headers, pieces(3, 100), &rules).await.unwrap();
        assert!(rules.budget.held_bytes() >= 300);
        drop(held);
        assert_eq!(rules.budget.held_bytes(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn cuts_off_a_sender_of_one_byte_a_second() {
        let slow = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        assert_eq!(read(Body::from_stream(slow), &rules(500)).await, Err("body_too_slow"));
    }
}
