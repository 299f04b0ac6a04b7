//! The memory of groups: the one that a group was written in is used again for a later one.
//!
//! Fresh memory has to be zeroed by the system page by page, which is a part of what an append
//! costs. A buffer comes back when the last event of its group is dropped, whichever thread does so.
//! Owned by a lock that is held for a look only. Spare buffers are bounded in bytes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Buffers with less are not worth keeping.
const BUFFER_BYTES_MIN: usize = 64 << 10;

/// Bytes of all buffers that wait for their next group.
const SPARE_BYTES_MAX: usize = 8 << 20;

/// Spare buffers of one log. Cloning gives another handle.
#[derive(Debug, Default, Clone)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// An empty buffer with room for so many bytes, and not for much more: what is in it counts
    /// with its length where memory is bounded.
    pub(crate) fn take(&self, byte_count: usize) -> Vec<u8> {
        let fits = |spare: &Vec<u8>| {
            (byte_count..=byte_count.saturating_mul(2)).contains(&spare.capacity())
        };
        let mut spares = self.lock();
        match spares.iter().position(fits) {
            Some(index) => spares.swap_remove(index),
            None => {
                drop(spares);
                Vec::with_capacity(byte_count)
            }
        }
    }

    /// Bytes that can be shared and not changed, in memory that comes back here.
    pub(crate) fn share(&self, buffer: Vec<u8>) -> Bytes {
        if (BUFFER_BYTES_MIN..=SPARE_BYTES_MAX).contains(&buffer.capacity()) {
            return Bytes::from_owner(Lent { buffer, home: self.clone() });
        }
        Bytes::from(buffer)
    }

    fn give_back(&self, buffer: Vec<u8>) {
        let mut spares = self.lock();
        spares.push(buffer);
        let mut byte_count: usize = spares.iter().map(Vec::capacity).sum();
        let mut excess = 0;
        for oldest in spares.iter() {
            if byte_count <= SPARE_BYTES_MAX {
                break;
            }
            byte_count -= oldest.capacity();
            excess += 1;
        }
        let excess: Vec<_> = spares.drain(..excess).collect();
        // Memory is given up without the lock.
        drop(spares);
        drop(excess);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer that is shared out.
struct Lent {
    buffer: Vec<u8>,
    home: Buffers,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        self.home.give_back(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = BUFFER_BYTES_MIN;

    fn spare_bytes(buffers: &Buffers) -> usize {
        buffers.lock().iter().map(Vec::capacity).sum()
    }

    #[test]
    fn a_buffer_comes_back_with_its_last_event_and_empty() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take(BYTES);
        buffer.extend_from_slice(b"header, body");
        let place = buffer.as_ptr();
        let shared = buffers.share(buffer);
        let body = shared.slice(8..);
        drop(shared);
        assert_eq!((&*body, spare_bytes(&buffers)), (&b"body"[..], 0));
        drop(body);
        let again = buffers.take(BYTES);
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
    }

    #[test]
    fn a_small_group_does_not_hold_a_large_buffer() {
        let buffers = Buffers::default();
        drop(buffers.share(buffers.take(2 * BYTES + 1)));
        assert!(buffers.take(BYTES).capacity() < 2 * BYTES);
        assert!(spare_bytes(&buffers) > 0);
    }

    #[test]
    fn spare_buffers_are_bounded() {
        let buffers = Buffers::default();
        let lent: Vec<_> =
            (0..5).map(|_| buffers.share(Vec::with_capacity(SPARE_BYTES_MAX / 2))).collect();
        drop(lent);
        assert!(spare_bytes(&buffers) <= SPARE_BYTES_MAX);
        assert!(spare_bytes(&buffers) > 0);
    }
}
