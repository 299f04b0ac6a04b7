//! Runs the contract suite on every engine.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test stops where it goes wrong"
)]

mod common;

use common::{LocalEngine, MemoryEngine, suite};

macro_rules! contract {
    ($($promise:ident,)*) => {
        mod memory {
            use super::*;
            $(#[test] fn $promise() { suite::$promise(&mut MemoryEngine::start()); })*
        }
        mod local {
            use super::*;
            $(#[test] fn $promise() { suite::$promise(&mut LocalEngine::start()); })*
        }
        mod local_with_small_segments {
            use super::*;
            $(#[test] fn $promise() { suite::$promise(&mut LocalEngine::start_small()); })*
        }
    };
}

contract! {
    places_are_gapless,
    receipts_are_what_is_kept,
    a_companion_comes_with_its_event_and_not_with_a_replay,
    time_never_goes_back,
    same_id_and_content_is_answered_with_the_first_receipt,
    same_key_and_content_is_answered_with_the_first_receipt,
    keys_are_per_stream_and_ids_per_workspace,
    an_identity_with_other_content_is_refused,
    an_identity_counts_within_the_same_call,
    a_refused_unit_leaves_nothing_behind,
    expected_seq_is_checked_before_the_unit,
    identities_are_looked_up_before_expected_seq,
    replays_in_a_unit_answer_and_the_rest_is_appended,
    headers_of_another_log_are_refused,
    identities_survive_sealing_merging_and_reopening,
    stream_pages_and_heads_follow_the_stream,
    pages_end_by_bytes_too,
    streams_are_listed_by_birth,
    queries_find_what_a_look_at_every_event_finds,
    any_history_is_as_in_the_plain_model,
    an_erased_body_is_gone_and_the_rest_stays,
    a_repeated_append_of_an_erased_event_is_believed,
    erasing_again_changes_nothing,
    an_event_that_is_not_there_is_not_erased,
    the_newest_events_can_be_erased,
}
