//! The room that is set aside for redaction on a full disk: the file `log/reserve`.
//!
//! It is given up in steps, by the append of a redaction's fact and by the erasure that follows,
//! so that on a disk that stays full many secrets can go. Who may use it is the caller's matter.

use std::io;

use super::directory::Directory;
use super::disk::{Disk, DiskFile};
use super::writer::fill_with_zeros;

/// Bytes that are kept free.
const RESERVE_BYTES: u64 = 4 << 20;
/// Bytes that are given up at a time: a small segment, an index of it, and the note of an erasure.
const STEP_BYTES: u64 = 512 << 10;

/// Makes the reserve whole where there is room; being without one is no reason not to go on.
pub(crate) fn set_aside(disk: &dyn Disk, directory: &Directory) {
    let path = directory.reserve();
    let file = disk.open(&path).or_else(|_| disk.create(&path));
    let made = file.and_then(|file| match file.len()? {
        len if len < RESERVE_BYTES => {
            // A length that no room stands behind would pass for a whole reserve.
            fill_up(&*file, len).inspect_err(|_| drop(file.set_len(len)))
        }
        _ => Ok(()),
    });
    if let Err(error) = made {
        let error = &error as &dyn std::error::Error;
        tracing::debug!(error, "the reserve for redaction is not whole");
    }
}

/// Where a file system cannot reserve room, only what was written has any.
fn fill_up(file: &dyn DiskFile, len: u64) -> io::Result<()> {
    file.allocate(RESERVE_BYTES)?;
    fill_with_zeros(file, len, RESERVE_BYTES)
}

/// Gives up a part of the reserve. Says whether there was any.
pub(crate) fn give_up(disk: &dyn Disk, directory: &Directory) -> io::Result<bool> {
    let file = match disk.open(&directory.reserve()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    let len = file.len()?;
    if len == 0 {
        return Ok(false);
    }
    file.set_len(len.saturating_sub(STEP_BYTES))?;
    // A file system may use the room again only after it has forgotten durably whose it was.
    file.sync_all()?;
    Ok(true)
}
