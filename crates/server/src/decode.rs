//! Undoing a request body's compression as it arrives, within bounds.
//!
//! A bomb is refused when its output passes the limit, not after it: output is made in small
//! steps, and each is counted before the next. What the decoder itself holds is reported, so that
//! it counts against the budget of bodies.

use std::io::Write;

use annals_core::limits::ZSTD_WINDOW_LOG_MAX;
use axum::body::Bytes;
use flate2::write::MultiGzDecoder;
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use crate::budget::BudgetShare;
use crate::gather::{GatherRefusal, Gathered};

/// Bytes of output made in one step.
const STEP_BYTES: usize = 64 << 10;

/// The compressions that the server can undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Zstd,
}

/// Why a compressed body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeRefusal {
    #[error(transparent)]
    Gather(GatherRefusal),
    #[error("the {encoding} stream is broken: {problem}")]
    Broken { encoding: &'static str, problem: String },
}

/// A body's decoder with the output so far.
pub(crate) enum Decoder {
    Gzip(Box<MultiGzDecoder<Output>>),
    Zstd(Box<ZstdDecoder>),
}

impl Decoder {
    pub(crate) fn new(encoding: Encoding, gathered: Gathered) -> Result<Self, DecodeRefusal> {
        let output = Output { gathered, refusal: None };
        match encoding {
            Encoding::Gzip => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(output)))),
            Encoding::Zstd => ZstdDecoder::new(output).map(Box::new).map(Self::Zstd),
        }
    }

    /// Takes the next compressed bytes.
    pub(crate) fn push(&mut self, input: &[u8]) -> Result<(), DecodeRefusal> {
        match self {
            Self::Gzip(decoder) => {
                let result = decoder.write_all(input);
                gzip_result(decoder.get_ref(), result)
            }
            Self::Zstd(decoder) => decoder.push(input),
        }
    }

    /// Bytes that the decoder itself holds, beside its output.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Gzip(_) => STEP_BYTES,
            Self::Zstd(decoder) => decoder.context.sizeof() + STEP_BYTES,
        }
    }

    /// The whole body, when the compressed stream is complete.
    pub(crate) fn finish(self) -> Result<(Bytes, BudgetShare), DecodeRefusal> {
        match self {
            Self::Gzip(mut decoder) => {
                let result = decoder.try_finish();
                gzip_result(decoder.get_ref(), result)?;
                let output = decoder.finish().map_err(|error| broken("gzip", error.to_string()))?;
                Ok(output.gathered.finish())
            }
            Self::Zstd(decoder) if decoder.frame_complete => Ok(decoder.output.gathered.finish()),
            Self::Zstd(_) => Err(broken("zstd", "it ends too early")),
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Decoder").field("held_bytes", &self.held_bytes()).finish()
    }
}

fn broken(encoding: &'static str, problem: impl Into<String>) -> DecodeRefusal {
    DecodeRefusal::Broken { encoding, problem: problem.into() }
}

fn gzip_result(output: &Output, result: std::io::Result<()>) -> Result<(), DecodeRefusal> {
    match (output.refusal, result) {
        (Some(refusal), _) => Err(DecodeRefusal::Gather(refusal)),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => Err(broken("gzip", error.to_string())),
    }
}

/// Output that remembers why it took no more.
#[derive(Debug)]
pub(crate) struct Output {
    gathered: Gathered,
    refusal: Option<GatherRefusal>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.gathered.push(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(refusal) => {
                self.refusal = Some(refusal);
                Err(std::io::Error::other(refusal))
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Zstandard, frame after frame, with a bounded window.
pub(crate) struct ZstdDecoder {
    context: DCtx<'static>,
    output: Output,
    step: Vec<u8>,
    frame_complete: bool,
}

impl ZstdDecoder {
    fn new(output: Output) -> Result<Self, DecodeRefusal> {
        let mut context =
            DCtx::try_create().ok_or_else(|| broken("zstd", "there is no memory for it"))?;
        context
            .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
            .map_err(|code| broken("zstd", get_error_name(code)))?;
        Ok(Self { context, output, step: vec![0; STEP_BYTES], frame_complete: false })
    }

    fn push(&mut self, input: &[u8]) -> Result<(), DecodeRefusal> {
        let mut source = InBuffer::around(input);
        loop {
            let mut target = OutBuffer::around(self.step.as_mut_slice());
            let hint = self
                .context
                .decompress_stream(&mut target, &mut source)
                .map_err(|code| broken("zstd", get_error_name(code)))?;
            let written = target.pos();
            self.frame_complete = hint == 0;
            self.output.gathered.push(&self.step[..written]).map_err(DecodeRefusal::Gather)?;
            // A full step may leave output inside the decoder even when all input is taken.
            // Asking it again after a frame's end would begin another frame.
            if source.pos() == input.len() && (self.frame_complete || written < STEP_BYTES) {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::budget::BodyBudget;

    fn decoder(encoding: Encoding, max: usize) -> Decoder {
        Decoder::new(encoding, Gathered::new(BodyBudget::new(64 << 20).share(), max)).unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(encoding: Encoding, input: &[u8], max: usize) -> Result<Vec<u8>, DecodeRefusal> {
        let mut decoder = decoder(encoding, max);
        for piece in input.chunks(7) {
            decoder.push(piece)?;
        }
        decoder.finish().map(|(bytes, _)| bytes.to_vec())
    }

    #[test]
    fn undoes_both_compressions_whatever_the_pieces() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|n| (n % 251).to_le_bytes()).collect();
        assert_eq!(decode(Encoding::Gzip, &gzip(&text), 1 << 20).unwrap(), text);
        let packed = zstd::encode_all(text.as_slice(), 3).unwrap();
        assert_eq!(decode(Encoding::Zstd, &packed, 1 << 20).unwrap(), text);
        let twice: Vec<u8> = [packed.clone(), packed].concat();
        assert_eq!(decode(Encoding::Zstd, &twice, 2 << 20).unwrap().len(), 2 * text.len());
    }

    #[test]
    fn refuses_a_stream_that_is_cut_or_changed() {
        let packed = gzip(b"hello hello hello");
        let broken = |result| matches!(result, Err(DecodeRefusal::Broken { .. }));
        assert!(broken(decode(Encoding::Gzip, &packed[..packed.len() - 3], 100)));
        assert!(broken(decode(Encoding::Gzip, b"{\"a\":1}", 100)));
        let packed = zstd::encode_all(b"hello hello".as_slice(), 3).unwrap();
        assert!(broken(decode(Encoding::Zstd, &packed[..packed.len() - 1], 100)));
        assert!(broken(decode(Encoding::Zstd, b"", 100)));
        assert!(broken(decode(Encoding::Zstd, b"{\"a\":1}", 100)));
    }

    #[test]
    fn refuses_a_bomb_before_it_goes_off() {
        let zeros = vec![0_u8; 64 << 20];
        let limit = DecodeRefusal::Gather(GatherRefusal::TooLarge { byte_count_max: 1 << 20 });
        for (encoding, packed) in [
            (Encoding::Gzip, gzip(&zeros)),
            (Encoding::Zstd, zstd::encode_all(zeros.as_slice(), 3).unwrap()),
        ] {
            let mut decoder = decoder(encoding, 1 << 20);
            assert_eq!(decoder.push(&packed), Err(limit.clone()));
            assert!(decoder.held_bytes() < 16 << 20);
        }
    }

    #[test]
    fn refuses_a_zstd_window_larger_than_allowed() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(25).unwrap();
        encoder.write_all(&[7; 1000]).unwrap();
        let packed = encoder.finish().unwrap();
        assert!(matches!(
            decode(Encoding::Zstd, &packed, 1 << 20),
            Err(DecodeRefusal::Broken { .. })
        ));
    }
}
