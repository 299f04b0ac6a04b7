//! Owns the floor: as many writes of as many bytes as a run of Annals made, each followed by fdatasync,
//! with no server and no client around them. Nothing that keeps the promise can be faster.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// The writes of one run, as the server counted them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Writes {
    pub commit_count: u64,
    pub byte_count: u64,
}

/// A segment's size: the floor preallocates and changes files as the engine does.
const SEGMENT_BYTES: u64 = 64 << 20;

/// Writes and syncs, and says how long it took.
pub fn replay(directory: &Path, writes: Writes) -> Result<Duration> {
    ensure!(writes.commit_count > 0, "nothing to replay");
    let commit_bytes = usize::try_from(writes.byte_count / writes.commit_count)?;
    let buffer: Vec<u8> = (0..commit_bytes).map(|at| (at % 251) as u8).collect();
    let start = Instant::now();
    let mut segment_count = 0;
    let (mut file, mut at) = (open(directory, segment_count)?, 0);
    for _ in 0..writes.commit_count {
        if at + commit_bytes as u64 > SEGMENT_BYTES {
            segment_count += 1;
            (file, at) = (open(directory, segment_count)?, 0);
        }
        file.write_all_at(&buffer, at)?;
        file.sync_data()?;
        at += commit_bytes as u64;
    }
    Ok(start.elapsed())
}

fn open(directory: &Path, number: u32) -> Result<File> {
    let file = File::create(directory.join(format!("{number}.floor")))?;
    preallocate(&file)?;
    File::open(directory)?.sync_all()?;
    Ok(file)
}

#[cfg(target_os = "linux")]
fn preallocate(file: &File) -> Result<()> {
    rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, SEGMENT_BYTES)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn preallocate(_file: &File) -> Result<()> {
    Ok(())
}

/// The median time of a 4 KiB write and fdatasync on this disk, which every figure here hangs on.
pub fn sync_median(directory: &Path) -> Result<Duration> {
    let file = File::create(directory.join("probe"))?;
    preallocate(&file)?;
    let mut times = Vec::new();
    for number in 0..500_u64 {
        let start = Instant::now();
        file.write_all_at(&[7; 4096], number * 4096)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
