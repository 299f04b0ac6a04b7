//! A log that takes the operating system's word: what a reader had synced outlives the machine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

mod common;

use std::path::Path;
use std::sync::Arc;

use annals_core::id::Position;
use annals_store::contract::{AppendFailure, EraseFailure, LogReader, LogWriter};
use annals_store::local::{Durability, LocalOptions, Upkeep, open_local_on};
use common::faulty::{Fault, FaultyDisk};
use common::power::{Lie, PowerDisk, Weather};
use common::*;

#[test]
fn what_was_synced_for_a_reader_survives_a_power_loss_over_several_segments() {
    let options =
        LocalOptions { durability: Durability::Os, upkeep: Upkeep::Caller, ..small_options() };
    for seed in 0..40 {
        let disk = PowerDisk::new(seed, Lie::None);
        let open =
            || open_local_on(Arc::new(disk.clone()), Path::new("/data"), options.clone()).unwrap();
        let mut log = open();
        for _ in 0..20 + seed % 15 {
            append(&mut log.writer, vec![sample("s", "1").unit()]);
        }
        log.reader.sync().unwrap();
        let kept = audit(&log.reader);
        // The process is gone before it can close anything, and then the machine.
        disk.stop();
        drop(log);
        disk.lose_power();
        disk.set_weather(Weather::FAIR);
        let found = audit(&open().reader);
        assert_eq!(found.len(), kept.len(), "seed {seed}");
        for (before, after) in kept.iter().zip(&found) {
            assert_eq!(before.event_hash(), after.event_hash(), "seed {seed}");
        }
    }
}

#[test]
fn a_sync_that_failed_for_a_reader_is_never_made_good_by_a_later_one() {
    let (disk, dir) = (FaultyDisk::new(), temporary_dir());
    let options = LocalOptions {
        durability: Durability::Os,
        upkeep: Upkeep::Caller,
        ..LocalOptions::new(LOG_ID)
    };
    let open = || open_local_on(Arc::new(disk.clone()), dir.path(), options.clone()).unwrap();
    let mut log = open();
    append(&mut log.writer, vec![sample("s", "1").unit()]);
    log.reader.sync().unwrap();
    append(&mut log.writer, vec![sample("s", "2").unit()]);
    // The kernel tells of the lost bytes once.
    disk.set(Fault::NextSyncFails);
    for _ in 0..2 {
        assert!(log.reader.sync().is_err());
    }
    let refused = log.writer.append(at(1), vec![sample("s", "3").unit()]);
    assert!(matches!(refused, Err(AppendFailure::Failed { .. })), "{refused:?}");
    let refused = log.writer.erase(&[Position(1)]);
    assert!(matches!(refused, Err(EraseFailure::Failed { .. })), "{refused:?}");
    assert_eq!(audit(&log.reader).len(), 2);
    drop(log);
    let mut log = open();
    assert!(!log.report.was_closed, "its end is looked at as after a crash");
    append(&mut log.writer, vec![sample("s", "3").unit()]);
    log.reader.sync().unwrap();
}
