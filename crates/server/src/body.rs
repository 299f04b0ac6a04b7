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
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::budget::{BodyBudget, BudgetShare};
use crate::decode::{DecodeRefusal, Decoder, Encoding};
use crate::gather::{GatherRefusal, Gathered};
use crate::problem::ApiProblem;

/// Bodies with more bytes than this are worked on a few at a time.
const LARGE_BYTES_MIN: usize = 1 << 20;
/// Large bodies that are worked on at once.
const LARGE_AT_ONCE: usize = 4;

/// A body in memory; its share of the budget is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct HeldBody {
    pub(crate) bytes: Bytes,
    pub(crate) share: BudgetShare,
}

/// The demands on a body.
#[derive(Debug, Clone)]
pub(crate) struct BodyRules {
    pub(crate) budget: Arc<BodyBudget>,
    pub(crate) byte_count_max: usize,
    pub(crate) window: Duration,
    /// Large bodies that may be worked on at once; the others wait where they are.
    large: Arc<Semaphore>,
}

impl BodyRules {
    pub(crate) fn new(budget: Arc<BodyBudget>, window: Duration) -> Self {
        let large = Arc::new(Semaphore::new(LARGE_AT_ONCE));
        Self { budget, byte_count_max: BODY_BYTES_MAX, window, large }
    }

    /// The same demands with so many bytes around what they are for.
    pub(crate) fn framed(&self, byte_count: usize) -> Self {
        Self { byte_count_max: self.byte_count_max + byte_count, ..self.clone() }
    }

    /// Waits until a body may be worked on, which takes a multiple of its own memory.
    pub(crate) async fn turn(&self, body: &HeldBody) -> Option<OwnedSemaphorePermit> {
        if body.bytes.len() <= LARGE_BYTES_MIN {
            return None;
        }
        self.large_turn().await
    }

    /// Waits as a large body does, for one that may become large.
    pub(crate) async fn large_turn(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.large).acquire_owned().await.ok()
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
        discard(body);
        return Err(too_large(rules.byte_count_max));
    }
    let mut frames = PacedFrames::new(body, rules.window);
    let read = match encoding {
        None => read_plain(&mut frames, rules).await,
        Some(encoding) => read_packed(&mut frames, rules, encoding).await,
    };
    if read.is_err() {
        discard(frames.body);
    }
    read
}

async fn read_plain(frames: &mut PacedFrames, rules: &BodyRules) -> Result<HeldBody, ApiProblem> {
    let mut share = rules.budget.share();
    let first = frames.next().await?.unwrap_or_default();
    if frames.is_done() && first.len() <= rules.byte_count_max {
        // The usual case: the body came at once, and stays where it is.
        let is_held = share.grow_to(first.len());
        return if is_held { Ok(HeldBody { bytes: first, share }) } else { Err(overloaded()) };
    }
    let mut gathered = Gathered::new(share, rules.byte_count_max);
    gathered.push(&first).map_err(gather_problem)?;
    drop(first);
    while let Some(piece) = frames.next().await? {
        gathered.push(&piece).map_err(gather_problem)?;
    }
    let (bytes, share) = gathered.finish();
    Ok(HeldBody { bytes, share })
}

async fn read_packed(
    frames: &mut PacedFrames,
    rules: &BodyRules,
    encoding: Encoding,
) -> Result<HeldBody, ApiProblem> {
    let gathered = Gathered::new(rules.budget.share(), rules.byte_count_max);
    let mut decoder = Decoder::new(encoding, gathered).map_err(decode_problem)?;
    let mut decoder_share = rules.budget.share();
    while let Some(piece) = frames.next().await? {
        for part in piece.chunks(PACKED_PART_BYTES) {
            decoder.push(part).map_err(decode_problem)?;
            if !decoder_share.grow_to(decoder.held_bytes()) {
                return Err(overloaded());
            }
        }
    }
    let (bytes, share) = decoder.finish().map_err(decode_problem)?;
    Ok(HeldBody { bytes, share })
}

/// Unpacks bytes that are in memory already, by the same rules.
pub(crate) fn unpack(
    packed: HeldBody,
    encoding: Encoding,
    rules: &BodyRules,
) -> Result<HeldBody, ApiProblem> {
    let gathered = Gathered::new(rules.budget.share(), rules.byte_count_max);
    let mut decoder = Decoder::new(encoding, gathered).map_err(decode_problem)?;
    let mut decoder_share = rules.budget.share();
    for part in packed.bytes.chunks(PACKED_PART_BYTES) {
        decoder.push(part).map_err(decode_problem)?;
        if !decoder_share.grow_to(decoder.held_bytes()) {
            return Err(overloaded());
        }
    }
    let (bytes, share) = decoder.finish().map_err(decode_problem)?;
    Ok(HeldBody { bytes, share })
}

/// Compressed bytes that are unpacked between two looks at the budget.
const PACKED_PART_BYTES: usize = 1 << 10;

/// Reads on, for a while, what is not wanted.
///
/// A connection that is closed with bytes unread is reset, and the reset may reach the client
/// before the refusal does.
fn discard(mut body: Body) {
    tokio::spawn(async move {
        let unwanted = async {
            let mut discarded_bytes = 0;
            while let Some(Ok(frame)) = body.frame().await {
                discarded_bytes += frame.data_ref().map_or(0, Bytes::len);
                if discarded_bytes > DISCARD_BYTES_MAX {
                    return;
                }
            }
        };
        // Whoever is still sending after that time has to live with the reset.
        let _ = tokio::time::timeout(DISCARD_WAIT, unwanted).await;
    });
}

/// Bytes of a refused body that are read nevertheless.
const DISCARD_BYTES_MAX: usize = 2 * BODY_BYTES_MAX;
/// For how long a refused body is read nevertheless.
const DISCARD_WAIT: Duration = Duration::from_secs(5);

fn decode_problem(refusal: DecodeRefusal) -> ApiProblem {
    match refusal {
        DecodeRefusal::Gather(refusal) => gather_problem(refusal),
        DecodeRefusal::Broken { .. } => {
            ApiProblem::new(reason::INVALID_COMPRESSION, refusal.to_string())
        }
    }
}

fn gather_problem(refusal: GatherRefusal) -> ApiProblem {
    match refusal {
        GatherRefusal::TooLarge { byte_count_max } => too_large(byte_count_max),
        GatherRefusal::Overloaded => overloaded(),
    }
}

fn overloaded() -> ApiProblem {
    let detail = "too many request bodies are being read; send the same request again later";
    ApiProblem::new(reason::OVERLOADED, detail)
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
    let detail =
        format!("the body came more slowly than {BODY_BYTES_PER_SECOND_MIN} bytes a second");
    ApiProblem::new(reason::BODY_TOO_SLOW, detail)
        .with("bytes_per_second_min", BODY_BYTES_PER_SECOND_MIN)
}

fn cut_off(error: &axum::Error) -> ApiProblem {
    ApiProblem::new(reason::INVALID_BODY, format!("the body could not be read to its end: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    const PIECE_BYTES: usize = 64 << 10;

    const LIMIT: usize = 10 * PIECE_BYTES;

    fn rules(budget_bytes: usize) -> BodyRules {
        let rules = BodyRules::new(BodyBudget::new(budget_bytes), Duration::from_secs(5));
        BodyRules { byte_count_max: LIMIT, ..rules }
    }

    async fn read(body: Body, rules: &BodyRules) -> Result<usize, &'static str> {
        let headers = HeaderMap::new();
        let held = read_body(&headers, body, rules).await;
        held.map(|held| held.bytes.len()).map_err(|problem| problem.reason().code)
    }

    fn pieces(count: usize) -> Body {
        let piece = |_| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; PIECE_BYTES]));
        Body::from_stream(futures_util::stream::iter((0..count).map(piece)))
    }

    #[tokio::test]
    async fn refuses_a_body_that_is_too_large_announced_or_not() {
        let rules = rules(3 * LIMIT);
        assert_eq!(read(Body::from(vec![0; LIMIT]), &rules).await, Ok(LIMIT));
        assert_eq!(read(Body::from(vec![0; LIMIT + 1]), &rules).await, Err("payload_too_large"));
        assert_eq!(read(pieces(10), &rules).await, Ok(LIMIT));
        assert_eq!(read(pieces(11), &rules).await, Err("payload_too_large"));
    }

    #[tokio::test]
    async fn says_overloaded_when_the_budget_is_spent_and_gives_back_what_it_held() {
        let rules = rules(5 * PIECE_BYTES);
        assert_eq!(read(pieces(6), &rules).await, Err("overloaded"));
        assert_eq!(rules.budget.held_bytes(), 0);
        let held = read_body(&HeaderMap::new(), pieces(2), &rules).await.unwrap();
        assert_eq!(rules.budget.held_bytes(), 2 * PIECE_BYTES);
        drop(held);
        assert_eq!(rules.budget.held_bytes(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn cuts_off_a_sender_of_one_byte_a_second() {
        let slow = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), ()))
        });
        assert_eq!(read(Body::from_stream(slow), &rules(LIMIT)).await, Err("body_too_slow"));
    }
}
