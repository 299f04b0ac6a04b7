//! Owns the floor: the very writes that a run of Annals made, each followed by fdatasync, with no server
//! and no client around them. Nothing that commits the same way can be faster.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The sizes of the writes that one run of Annals made, one for each commit.
#[derive(Debug, Clone, Default)]
pub struct Writes(pub Vec<u32>);

/// Bytes before a segment's first frame, and of a frame's head: see `docs/formats/segment.md`.
const SEGMENT_HEAD_BYTES: usize = 64;
const FRAME_HEAD_BYTES: usize = 16;

impl Writes {
    /// Reads the commits of a log from the heads of its frames: each names the place where its commit
    /// began.
    pub fn of_log(directory: &Path) -> Result<Self> {
        let mut segments: Vec<_> = std::fs::read_dir(directory)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
            .collect();
        segments.sort();
        let mut sizes = Vec::new();
        for segment in segments {
            commits_of(&std::fs::read(segment)?, &mut sizes);
        }
        Ok(Self(sizes))
    }

    pub fn byte_count(&self) -> u64 {
        self.0.iter().map(|size| u64::from(*size)).sum()
    }
}

fn commits_of(segment: &[u8], sizes: &mut Vec<u32>) {
    let number = |at: usize| {
        let bytes = segment.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    let (mut at, mut commit) = (SEGMENT_HEAD_BYTES, None);
    while let (Some(length @ 1..), Some(begin)) = (number(at), number(at + 12)) {
        let frame_bytes = FRAME_HEAD_BYTES as u32 + length;
        match sizes.last_mut() {
            Some(size) if commit == Some(begin) => *size += frame_bytes,
            _ => sizes.push(frame_bytes),
        }
        commit = Some(begin);
        at += frame_bytes as usize;
    }
}

/// A segment's size: the floor changes files as the engine does.
const SEGMENT_BYTES: u64 = 64 << 20;

/// Writes and syncs, and says how long it took. The files are made, and filled with zeros, before the
/// clock starts: the engine does that in the background too.
pub fn replay(directory: &Path, writes: &Writes) -> Result<Duration> {
    let largest = writes.0.iter().copied().max().context("nothing to replay")?;
    let buffer: Vec<u8> = (0..largest).map(|at| (at % 251) as u8).collect();
    let segment_count = writes.byte_count() / (SEGMENT_BYTES - u64::from(largest)) + 1;
    let files =
        (0..segment_count).map(|number| open(directory, number)).collect::<Result<Vec<_>>>()?;
    let mut files = files.into_iter();
    let (mut file, mut at) = (files.next().context("there is a segment")?, 0);
    let start = Instant::now();
    for size in &writes.0 {
        if at + u64::from(*size) > SEGMENT_BYTES {
            (file, at) = (files.next().context("there are enough segments")?, 0);
        }
        file.write_all_at(&buffer[..*size as usize], at)?;
        file.sync_data()?;
        at += u64::from(*size);
    }
    Ok(start.elapsed())
}

fn open(directory: &Path, number: u64) -> Result<File> {
    let file = File::create(directory.join(format!("{number}.floor")))?;
    preallocate(&file)?;
    let zeros = vec![0; 1 << 20];
    for megabyte in 0..SEGMENT_BYTES >> 20 {
        file.write_all_at(&zeros, megabyte << 20)?;
    }
    file.sync_all()?;
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
