//! Files whose checksums are right and whose numbers are not: nothing breaks but answers.
//!
//! No accident makes such files, but whoever can write to the directory can. Who holds the log
//! against its hashes finds them; here they may not stop or exhaust a process.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use annals_core::id::Seq;
use annals_store::contract::LogReader;
use annals_store::local::open_local;
use common::*;
use crc32c::{crc32c, crc32c_append};

const PAGE_BYTES: usize = 4096;

fn number(bytes: &[u8], offset: usize) -> usize {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap()) as usize
}

fn put(bytes: &mut [u8], offset: usize, number: u32) {
    bytes[offset..offset + 4].copy_from_slice(&number.to_le_bytes());
}

/// Changes the header of the first record of a segment and makes all checksums fit again.
fn forge_first_header(file: &Path, change: impl Fn(&mut [u8])) {
    let mut bytes = fs::read(file).unwrap();
    let (frame, record) = (64, 80);
    let record_end = record + number(&bytes, record);
    let header = record + 20;
    let header_end = header + number(&bytes, record + 16);
    change(&mut bytes[header..header_end]);
    let salt = header_end + 64;
    let head_crc = crc32c_append(crc32c(&bytes[record..record + 4]), &bytes[record + 8..salt]);
    put(&mut bytes, record + 4, head_crc);
    assert_eq!(record_end, frame + 16 + number(&bytes, frame), "the frame has one record");
    let frame_crc = crc32c_append(crc32c(&bytes[frame..frame + 8]), &bytes[frame + 12..frame + 16]);
    let frame_crc = crc32c_append(frame_crc, &bytes[record + 4..record + 12]);
    put(&mut bytes, frame + 8, frame_crc);
    fs::write(file, bytes).unwrap();
}

/// A stream's count of events was computed from two seqs that the records state.
#[test]
fn seqs_that_run_backwards_do_not_stop_a_reader() {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), small_options()).unwrap();
    for _ in 0..2 {
        append(&mut log.writer, vec![sample("a", "1").unit()]);
    }
    log.writer.close().unwrap();
    for forged_seq in [9, u64::MAX] {
        forge_first_header(&log_files(dir.path())[0], |header| {
            let seq = header.len() - 16;
            header[seq..seq + 8].copy_from_slice(&forged_seq.to_le_bytes());
        });
        let log = open_local(dir.path(), small_options()).unwrap();
        let head = log.reader.stream_head(&workspace("w1"), &stream("run", "a")).unwrap().unwrap();
        assert_eq!((head.first_seq, head.event_count), (Seq(forged_seq), 0));
        log.writer.close().unwrap();
    }
}

fn index_files(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join("derived/index")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// A merge made a filter for as many keys as a file said that it had, and ran out of memory.
#[test]
fn an_index_file_whose_parts_do_not_fill_it_is_built_again() {
    let dir = temporary_dir();
    let mut log = open_local(dir.path(), small_options()).unwrap();
    for number in 0..40 {
        append(&mut log.writer, vec![sample("a", "1").id(number).unit()]);
    }
    log.writer.settle_index();
    let events = audit(&log.reader);
    log.writer.close().unwrap();
    // Behind the identity: two numbers of 8 bytes and seven of 4.
    for offset in (44..60).step_by(8).chain((60..88).step_by(4)) {
        for forged in [u32::MAX, 1 << 24] {
            for file in index_files(dir.path()) {
                let mut bytes = fs::read(&file).unwrap();
                let last = bytes.len() - PAGE_BYTES;
                put(&mut bytes, last + offset, forged);
                let crc = crc32c(&bytes[last..last + PAGE_BYTES - 4]);
                put(&mut bytes, last + PAGE_BYTES - 4, crc);
                fs::write(&file, bytes).unwrap();
            }
            let log = open_local(dir.path(), small_options()).unwrap();
            log.writer.settle_index();
            assert_eq!(audit(&log.reader), events);
            for (number, event) in events.iter().enumerate() {
                let found = log.reader.by_event_id(&workspace("w1"), &event_id(number as u128));
                assert_eq!(found.unwrap().as_ref(), Some(event), "offset {offset}");
            }
            log.writer.close().unwrap();
        }
    }
}
