//! Undoing a request body's compression as it arrives, within bounds.
//!
//! A bomb is refused when its output passes the limit, not after it: output is made in small
//! steps, and each is counted before the next. What the decoder itself holds is reported, so that
//! it counts against the budget of bodies.

use std::io::Write;

use annals_core::limits::ZSTD_WINDOW_LOG_MAX;
use flate2::write::MultiGzDecoder;
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

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
    #[error("the body grows larger than {byte_count_max} bytes")]
    TooLarge { byte_count_max: usize },
    #[error("the {encoding} stream is broken: {problem}")]
    Broken { encoding: &'static str, problem: String },
}

/// A body's decoder with the output so far.
pub(crate) enum Decoder {
    Gzip(Box<MultiGzDecoder<BoundedOutput>>),
    Zstd(Box<ZstdDecoder>),
}

impl Decoder {
    pub(crate) fn new(encoding: Encoding, byte_count_max: usize) -> Result<Self, DecodeRefusal> {
        let output = BoundedOutput { bytes: Vec::new(), byte_count_max, overflowed: false };
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

    /// Bytes that the output and the decoder hold.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Gzip(decoder) => decoder.get_ref().bytes.capacity() + STEP_BYTES,
            Self::Zstd(decoder) => decoder.output.bytes.capacity() + decoder.context.sizeof(),
        }
    }

    /// The whole body, when the compressed stream is complete.
    pub(crate) fn finish(self) -> Result<Vec<u8>, DecodeRefusal> {
        match self {
            Self::Gzip(mut decoder) => {
                let result = decoder.try_finish();
                gzip_result(decoder.get_ref(), result)?;
                Ok(std::mem::take(&mut decoder.get_mut().bytes))
            }
            Self::Zstd(decoder) if decoder.frame_complete => Ok(decoder.output.bytes),
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

fn gzip_result(output: &BoundedOutput, result: std::io::Result<()>) -> Result<(), DecodeRefusal> {
    match result {
        _ if output.overflowed => Err(output.too_large()),
        Ok(()) => Ok(()),
        Err(error) => Err(broken("gzip", error.to_string())),
    }
}

/// Output that refuses to grow past its limit.
#[derive(Debug)]
pub(crate) struct BoundedOutput {
    bytes: Vec<u8>,
    byte_count_max: usize,
    overflowed: bool,
}

impl BoundedOutput {
    fn too_large(&self) -> DecodeRefusal {
        DecodeRefusal::TooLarge { byte_count_max: self.byte_count_max }
    }

    fn take(&mut self, bytes: &[u8]) -> bool {
        self.overflowed |= self.bytes.len() + bytes.len() > self.byte_count_max;
        if !self.overflowed {
            self.bytes.extend_from_slice(bytes);
        }
        !self.overflowed
    }
}

impl Write for BoundedOutput {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.take(bytes) {
            Ok(bytes.len())
        } else {
            Err(std::io::Error::other("the output is larger than allowed"))
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Zstandard, frame after frame, with a bounded window.
pub(crate) struct ZstdDecoder {
    context: DCtx<'static>,
    output: BoundedOutput,
    step: Vec<u8>,
    frame_complete: bool,
}

impl ZstdDecoder {
    fn new(output: BoundedOutput) -> Result<Self, DecodeRefusal> {
        let mut context = DCtx::try_create().ok_or_else(|| broken("zstd", "there is no memory for it"))?;
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
            if !self.output.take(&self.step[..written]) {
                return Err(self.output.too_large());
            }
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

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(encoding: Encoding, input: &[u8], max: usize) -> Result<Vec<u8>, DecodeRefusal> {
        let mut decoder = Decoder::new(encoding, max)?;
        for piece in input.chunks(7) {
            decoder.push(piece)?;
        }
        decoder.finish()
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
        let limit = DecodeRefusal::TooLarge { byte_count_max: 1 << 20 };
        for (encoding, packed) in [
            (Encoding::Gzip, gzip(&zeros)),
            (Encoding::Zstd, zstd::encode_all(zeros.as_slice(), 3).unwrap()),
        ] {
            let mut decoder = Decoder::new(encoding, 1 << 20).unwrap();
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
        assert!(matches!(decode(Encoding::Zstd, &packed, 1 << 20), Err(DecodeRefusal::Broken { .. })));
    }
}
