//! What translations are made of: taking documents apart, moving members by a spelling of the
//! catalog, keeping what has no home, and proving that the way back gives the same document.
//!
//! It knows no format; a dialect puts the pieces together.

pub(super) mod homes;
pub(super) mod identity;
pub(super) mod ids;
pub(super) mod lens;
pub(super) mod parts;
pub(super) mod same;
pub(super) mod settle;
pub(super) mod types;
pub(super) mod view;
