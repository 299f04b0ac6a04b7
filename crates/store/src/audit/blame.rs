//! Takes the second look: turns what did not fit into the event that is wrong and how.
//!
//! Only here are events looked up a second time, and only here is the kept tree asked: it may say
//! which of two events was changed, never whether one was.

use annals_core::hash::Digest;
use annals_core::merkle::leaf_hash;
use annals_core::record::HeaderRef;
use annals_core::tiles::root_at;

use super::fault::{AuditFault, AuditFaultKind, Named, StreamEnd, StreamLink, Suspicion};
use super::ground::{Ground, SegmentTask};
use super::merge::Merge;
use super::segment::check_segment;
use super::window::Window;
use super::{AuditFailure, SignedTree};
use crate::frame::{FRAME_HEAD_BYTES, FrameHead, RECORD_HEAD_BYTES, RecordFront, Records};
use crate::local::segment::SEGMENT_HEAD_BYTES;

/// Says what a suspicion is about.
pub(super) fn settle(ground: &Ground, suspicion: Suspicion) -> AuditFault {
    match suspicion {
        Suspicion::Fault(fault) => match fault.stream {
            Some(_) => fault,
            None => with_name(ground, fault),
        },
        Suspicion::Misplaced { expected, found } => misplaced(ground, expected, &found),
        Suspicion::Link { end, link } => broken_link(ground, end, link),
    }
}

/// Adds the name of the event at the fault's position, if there is one.
fn with_name(ground: &Ground, fault: AuditFault) -> AuditFault {
    match name_of(ground, fault.position.get()) {
        Some(named) => named.fault(fault.kind, fault.expected, fault.found),
        None => fault,
    }
}

/// `found` is where the event `expected` should be.
fn misplaced(ground: &Ground, expected: u64, found: &Named) -> AuditFault {
    let position = found.position;
    let is_there = format!("the one that says it is at position {position}");
    if position < expected {
        let expected = format!("the event at position {expected} next");
        let found = format!("a second one that says it is at position {position}");
        return fault_at(ground, position, AuditFaultKind::Inserted, expected, found);
    }
    if position == expected {
        let expected = format!("no event here: the next segment begins with position {position}");
        return found.fault(AuditFaultKind::Inserted, expected, is_there);
    }
    if let Some(later) = name_of(ground, expected) {
        return later.fault(AuditFaultKind::Reordered, "this event here", is_there);
    }
    let is_front = expected == 1;
    let kind = if is_front { AuditFaultKind::CutFront } else { AuditFaultKind::Removed };
    let missing = match position - expected {
        1 => format!("the event at position {expected}"),
        _ => format!("the events from position {expected} to {}", position - 1),
    };
    AuditFault::at(expected, kind, missing, is_there)
}

fn fault_at(
    ground: &Ground,
    position: u64,
    kind: AuditFaultKind,
    expected: String,
    found: String,
) -> AuditFault {
    with_name(ground, AuditFault::at(position, kind, expected, found))
}

/// An event does not continue its stream: it or the one before it was changed, or events between
/// them are missing or too many.
fn broken_link(ground: &Ground, end: Option<StreamEnd>, link: StreamLink) -> AuditFault {
    let last_seq = end.map_or(0, |end| end.seq);
    let at_link = |kind, expected: String, found: String| {
        fault_at(ground, link.position, kind, expected, found)
    };
    if link.seq > last_seq + 1 {
        let expected = format!("seq {} of the stream before this one", last_seq + 1);
        return at_link(AuditFaultKind::Removed, expected, format!("seq {}", link.seq));
    }
    if link.seq <= last_seq {
        let expected = format!("seq {} of the stream", last_seq + 1);
        return at_link(AuditFaultKind::Inserted, expected, format!("seq {} again", link.seq));
    }
    let Some(end) = end else {
        let expected = "no event before the first of its stream".to_owned();
        return at_link(AuditFaultKind::EditedHeader, expected, format!("the hash {}", link.prev));
    };
    if is_later_one_changed(ground, &end, &link) {
        let expected = format!("the hash {} of the event before it in its stream", end.event_hash);
        return at_link(AuditFaultKind::EditedHeader, expected, link.prev.to_string());
    }
    let expected =
        format!("the hash {} that the event at position {} continues", link.prev, link.position);
    let found = end.event_hash.to_string();
    fault_at(ground, end.position, AuditFaultKind::EditedHeader, expected, found)
}

/// Which of two linked events was changed, as far as the kept tree knows. Without it the earlier
/// one is named: its hash is the one that is not what was linked to.
fn is_later_one_changed(ground: &Ground, end: &StreamEnd, link: &StreamLink) -> bool {
    let kept_has = |position: u64, event_hash: &Digest| {
        let leaf = ground.kept.as_ref()?.leaf(position - 1)?;
        Some(leaf == leaf_hash(event_hash.as_bytes()))
    };
    kept_has(end.position, &end.event_hash) == Some(true)
        && kept_has(link.position, &link.event_hash) != Some(true)
}

/// Compares what was merged with what was signed once.
pub(super) fn against_signed(
    ground: &Ground,
    merge: &Merge,
) -> Result<Option<AuditFault>, AuditFailure> {
    let mut agreed = 0;
    for tree in &ground.signed {
        if tree.size > merge.head() {
            return Ok(Some(cut_tail(merge.head(), tree)));
        }
        match merge.root_at(tree.size) {
            Some(root) if root == tree.root => agreed = tree.size,
            Some(root) => return first_difference(ground, tree, root, agreed).map(Some),
            // The check began in the middle, and nothing is said about this tree.
            None => {}
        }
    }
    Ok(None)
}

fn cut_tail(head: u64, tree: &SignedTree) -> AuditFault {
    AuditFault::at(
        head + 1,
        AuditFaultKind::CutTail,
        format!("at least {} events, as a signed checkpoint says", tree.size),
        match head {
            0 => "none".to_owned(),
            _ => format!("that the log ends with position {head}"),
        },
    )
}

/// The log holds together, but not under this signed root. If the kept tree has that root, it has
/// the leaves that were signed, and the first other leaf is the event that was changed.
fn first_difference(
    ground: &Ground,
    tree: &SignedTree,
    root: Digest,
    agreed: u64,
) -> Result<AuditFault, AuditFailure> {
    let kept = ground.kept.as_ref().filter(|kept| {
        kept.size() >= tree.size && root_at(*kept, tree.size).ok().flatten() == Some(tree.root)
    });
    for task in kept.map_or(&[][..], |_| &ground.tasks) {
        if let Some(suspicion) = check_segment(ground, task, kept)?.suspicion {
            return Ok(settle(ground, suspicion));
        }
    }
    Ok(AuditFault::at(
        agreed + 1,
        AuditFaultKind::OtherHistory,
        format!("the root {} over the first {} events, as signed", tree.root, tree.size),
        format!("the root {root}"),
    ))
}

/// What the event at a position is called, wherever in its segment it is.
fn name_of(ground: &Ground, position: u64) -> Option<Named> {
    let task = ground.task_of(position)?;
    let mut named = None;
    visit_headers(ground, task, &mut |header| {
        if header.position.get() == position {
            named = Some(Named::of(header));
        }
        named.is_none()
    });
    named
}

/// Shows every header of a segment that can be read, checked or not, until told to stop.
fn visit_headers(
    ground: &Ground,
    task: &SegmentTask,
    visit: &mut dyn FnMut(&HeaderRef<'_>) -> bool,
) {
    let Ok(file) = ground.open(task) else { return };
    let mut window = Window::new(&*file);
    let mut offset = SEGMENT_HEAD_BYTES;
    loop {
        let head = window.at(offset, FRAME_HEAD_BYTES).ok().and_then(FrameHead::parse);
        let Some(head) = head.filter(|head| head.frame_len > 0) else { return };
        offset += FRAME_HEAD_BYTES as u64;
        let Ok(records) = window.at(offset, head.frame_len as usize) else { return };
        for record in (Records { rest: records }) {
            let front = record.first_chunk().and_then(|head| RecordFront::len_of(head).ok());
            let header = front.and_then(|len| record.get(RECORD_HEAD_BYTES..len - 64));
            let header = header.and_then(|header| HeaderRef::parse(header).ok());
            if header.is_some_and(|header| !visit(&header)) {
                return;
            }
        }
        offset += u64::from(head.frame_len);
    }
}
