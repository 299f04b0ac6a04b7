//! Index files: damage is found and repaired; even an index that lies with right checksums breaks
//! nothing but answers.

#![no_main]

use annals_fuzz::{Input, base, disk_with, edit, event_id, events, look_everywhere, open};
use annals_fuzz::{seal_index, workspace};
use annals_store::contract::LogReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let base = base();
    let mut files = base.files.clone();
    let is_sealed_again = input.byte() & 1 != 0;
    let mut indexes: Vec<_> = files.iter_mut().filter(|(path, _)| path.ends_with(".idx")).collect();
    assert!(!indexes.is_empty());
    let place = input.below(indexes.len());
    let bytes = &mut indexes[place].1;
    for _ in 0..8 {
        if input.is_empty() {
            break;
        }
        // Most of a page is padding: aim at its start.
        let page = input.below(bytes.len() / 4096) * 4096;
        let end = bytes.len().min(page + 256);
        let mut part = bytes[page..end].to_vec();
        edit(&mut part, &mut input);
        part.resize(end - page, 0);
        bytes[page..end].copy_from_slice(&part);
    }
    if is_sealed_again {
        seal_index(bytes);
    }
    let disk = disk_with(&files);
    let Ok(log) = open(&disk) else {
        assert!(is_sealed_again, "damage of derived data does not stop a start");
        return;
    };
    look_everywhere(&log.reader);
    if !is_sealed_again {
        assert_eq!(events(&log.reader).as_ref(), Some(&base.events));
        for event in &base.events {
            let found = log.reader.by_event_id(&workspace(), &event.header().event_id).unwrap();
            assert_eq!(found.as_ref(), Some(event));
        }
        assert_eq!(log.reader.by_event_id(&workspace(), &event_id(0)).unwrap(), None);
    }
    log.writer.settle_index();
    look_everywhere(&log.reader);
});
