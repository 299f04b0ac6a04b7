//! Dialects: pure translations between foreign formats and the envelope.
//!
//! A dialect reads no file and sends nothing; it turns text into drafts. What a foreign record says
//! and the envelope has no place for is kept in `origin.raw`, never dropped.

pub mod transcripts;
