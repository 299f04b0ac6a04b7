//! Restored logs: what of them belongs to which log, and whether somebody changed the answer.

use annals_store::contract::Ancestor;
use annals_store::local::backup::{restore_directory, write_identity};

use super::*;

const OWN: LogId = LogId::from_bytes(*b"the restored one");
const OTHER: LogId = LogId::from_bytes(*b"some other log!!");

/// A log that was restored from a scene.
fn restored(scene: &Scene) -> (tempfile::TempDir, PathBuf) {
    let dir = temporary_dir();
    let target = dir.path().join("data");
    restore_directory(scene.path(), &target, OWN).unwrap();
    (dir, target)
}

/// The same with an event of its own, at position 61.
fn continued(scene: &Scene) -> (tempfile::TempDir, PathBuf) {
    let (dir, target) = restored(scene);
    let mut log = open_local(&target, LocalOptions { new_log_id: OWN, ..options() }).unwrap();
    let sample = sample("s1", "1");
    let mut unit = sample.unit();
    unit.events[0].header = Header::complete(&sample.draft, server_fields(901, "w1")).encode(&OWN);
    log.writer.append(at(2_000), vec![unit]).unwrap();
    log.writer.close().unwrap();
    (dir, target)
}

#[test]
fn a_restored_log_is_checked_over_all_its_names() {
    let scene = scene();
    let (_dir, target) = continued(&scene);
    let options = AuditOptions { signed: scene.signed.clone(), ..AuditOptions::default() };
    let report = report(&target, &options);
    assert_eq!(report.fault, None);
    assert_eq!((report.log_id, report.head, report.events), (OWN, Position(61), 61));
    assert_eq!(report.lineage.len(), 1);
    assert_eq!(report.signed_checked, scene.signed);
}

fn assert_names(target: &Path, lineage: &[(LogId, u64)], kind: AuditFaultKind, position: u64) {
    let ancestor = |(log_id, last): &(LogId, u64)| Ancestor {
        log_id: *log_id,
        last_position: Position(*last),
    };
    let ancestors: Vec<Ancestor> = lineage.iter().map(ancestor).collect();
    fs::remove_file(target.join("trust").join("lineage")).unwrap();
    write_identity(target, OWN, &ancestors).unwrap();
    let report = report(target, &AuditOptions::default());
    let fault = report.fault.unwrap();
    assert_eq!((fault.kind, fault.position), (kind, Position(position)), "{lineage:?}: {fault}");
}

#[test]
fn names_the_first_event_that_an_edited_lineage_gives_to_another_log() {
    use AuditFaultKind::{CutFront, ForeignLog, Removed};
    let scene = scene();
    let (_dir, target) = continued(&scene);
    for last in 40..60 {
        assert_names(&target, &[(LOG_ID, last)], ForeignLog, last + 1);
        assert_names(&target, &[(LOG_ID, last), (OTHER, 60)], ForeignLog, last + 1);
    }
    assert_names(&target, &[(OTHER, 60)], ForeignLog, 1);
    assert_names(&target, &[(LOG_ID, 61)], ForeignLog, 61);
    // Before it has an event of its own, the lineage alone says where it ends.
    let (_dir, target) = restored(&scene);
    assert_eq!(report(&target, &AuditOptions::default()).fault, None);
    for last in 40..60 {
        assert_names(&target, &[(LOG_ID, last)], ForeignLog, last + 1);
    }
    assert_names(&target, &[(LOG_ID, 61)], Removed, 61);
    for segment in log_files(&target) {
        fs::remove_file(segment).unwrap();
    }
    assert_names(&target, &[(LOG_ID, 60)], CutFront, 1);
}
