//! The payload, from standard input, within bounds of size and time.
//!
//! What is too large is read to its end and counted, because an agent whose pipe breaks may break
//! too. An end that does not come in time is taken for the end.

use std::io::Read;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;

use crate::deadline::Deadline;

/// Bytes of a payload that is kept. With its stamp it must still be an event.
pub(crate) const PAYLOAD_BYTES_MAX: usize = annals_core::limits::EVENT_BYTES_MAX - (8 << 10);

const CHUNK_BYTES: usize = 64 << 10;

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// The payload, or its beginning.
    pub(crate) bytes: Vec<u8>,
    /// Bytes that came, kept or not.
    pub(crate) byte_count: u64,
}

impl Input {
    /// Whether there was more than is kept.
    pub(crate) fn is_too_large(&self) -> bool {
        self.byte_count > self.bytes.len() as u64
    }
}

/// Reads until the end, or until the time is up.
pub(crate) fn read(mut source: impl Read + Send + 'static, deadline: &Deadline) -> Input {
    // One chunk waits here at most; the reader goes on as soon as it is taken.
    let (send, receive) = sync_channel::<Vec<u8>>(1);
    let reader = move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match source.read(&mut chunk) {
                Ok(0) => return,
                Ok(count) => {
                    if send.send(chunk.get(..count).unwrap_or_default().to_vec()).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    };
    let mut input = Input { bytes: Vec::new(), byte_count: 0 };
    if thread::Builder::new().spawn(reader).is_err() {
        return input;
    }
    loop {
        match receive.recv_timeout(deadline.left()) {
            Ok(chunk) => input.take(&chunk),
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return input,
        }
    }
}

impl Input {
    fn take(&mut self, chunk: &[u8]) {
        let room = PAYLOAD_BYTES_MAX - self.bytes.len();
        self.bytes.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        self.byte_count += chunk.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_too_large_is_read_to_its_end_and_counted() {
        let deadline = Deadline::after(Duration::from_secs(30));
        let input = read(std::io::repeat(b'x').take(3 << 20), &deadline);
        assert_eq!((input.bytes.len(), input.byte_count), (PAYLOAD_BYTES_MAX, 3 << 20));
        assert!(input.is_too_large());
        let input = read(&b"{}"[..], &deadline);
        assert_eq!((input.bytes.as_slice(), input.is_too_large()), (&b"{}"[..], false));
    }

    #[test]
    fn an_end_that_does_not_come_is_not_waited_for() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        std::io::Write::write_all(&mut writer, b"{\"cut").unwrap();
        let input = read(reader, &Deadline::after(Duration::from_millis(300)));
        assert_eq!(input.bytes, b"{\"cut");
        drop(writer);
    }
}
