//! Segments: whatever became of their bytes, a start says so or serves the events that were written.

#![no_main]

use annals_fuzz::{Input, base, disk_with, edit, events, look_everywhere, open, seal_segment};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let base = base();
    let mut files = base.files.clone();
    let kind = input.byte();
    let segments: Vec<usize> =
        (0..files.len()).filter(|place| files[*place].0.ends_with(".seg")).collect();
    // The last segment is the one that a start scans.
    let place = match kind & 3 {
        0 => segments[input.below(segments.len())],
        _ => segments[segments.len() - 1],
    };
    let is_sealed_again = kind & 4 != 0;
    if kind & 8 != 0 {
        files.retain(|(path, _)| !path.starts_with("/data/derived"));
    }
    let path = base.files[place].0.clone();
    let Some(file) = files.iter_mut().find(|file| file.0 == path) else { return };
    for _ in 0..8 {
        if input.is_empty() {
            break;
        }
        edit(&mut file.1, &mut input);
    }
    if is_sealed_again {
        seal_segment(&mut file.1);
    }
    let disk = disk_with(&files);
    let Ok(log) = open(&disk) else { return };
    look_everywhere(&log.reader);
    let Some(found) = events(&log.reader) else { return };
    if !is_sealed_again {
        assert!(found.len() <= base.events.len());
        assert!(found.iter().zip(&base.events).all(|(found, written)| found == written));
    }
    // A second start finds the same.
    drop(log);
    let log = open(&disk).unwrap();
    assert_eq!(events(&log.reader).unwrap(), found);
});
