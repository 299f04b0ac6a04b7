//! The Merkle tree of RFC 6962 read from rows of stored hashes: roots and proofs at any size, and
//! the names of its tiles (C2SP tlog-tiles).
//!
//! Row L holds the roots of the perfect subtrees of 256^L leaves, in order: row 0 the leaf hashes,
//! row 1 the roots of 256 leaves each, and so on. A tile is up to 256 neighbours of one row.
//! Where rows are kept is the caller's matter; verification is in `merkle`.
//!
//! INVARIANT (rows only grow): an entry of a row never changes once its leaves are there, so a
//! root or proof at a size is the same however far the tree has grown since.

use std::fmt;
use std::str::FromStr;

use crate::hash::{Digest, sha256};
use crate::merkle::{self, node_hash};

/// Entries of a whole tile.
pub const TILE_WIDTH: u16 = 256;
/// Rows that a tree of 2⁶⁴ leaves has at most.
pub const ROW_COUNT_MAX: u8 = 8;

/// Entries of a row as they are kept somewhere.
pub trait HashRows {
    /// Why entries cannot be had.
    type Error;

    /// `count` entries of row `level` from entry `first` on; fewer where the row ends before.
    ///
    /// # Errors
    /// What stands between the caller and the kept entries.
    fn row(&self, level: u8, first: u64, count: usize) -> Result<Vec<Digest>, Self::Error>;
}

/// Entries that row `level` of a tree of `size` leaves has.
#[must_use]
pub fn row_len(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * 8).unwrap_or(0)
}

/// The root of the tree over the first `size` leaves. `None` when the rows have fewer.
///
/// # Errors
/// What the rows say.
pub fn root_at<R: HashRows + ?Sized>(rows: &R, size: u64) -> Result<Option<Digest>, R::Error> {
    if size == 0 {
        return Ok(Some(sha256(&[])));
    }
    span_root(rows, Span { start: 0, len: size })
}

/// The path from a leaf to the root of the tree over the first `size` leaves, nearest node first.
/// `None` if there is no such leaf, or the rows have fewer than `size`.
///
/// # Errors
/// What the rows say.
pub fn inclusion_path_at<R: HashRows + ?Sized>(
    rows: &R,
    leaf_index: u64,
    size: u64,
) -> Result<Option<Vec<Digest>>, R::Error> {
    if leaf_index >= size {
        return Ok(None);
    }
    let mut span = Span { start: 0, len: size };
    let mut siblings = Vec::new();
    while span.len > 1 {
        let (left, right) = span.split();
        let is_left = leaf_index < right.start;
        siblings.push(if is_left { right } else { left });
        span = if is_left { left } else { right };
    }
    nearest_first(rows, &siblings)
}

/// The proof that the tree over the first `old_size` leaves is a prefix of the tree over the first
/// `new_size`. `None` if `old_size` is 0 or above `new_size`, or the rows have fewer leaves.
///
/// # Errors
/// What the rows say.
pub fn consistency_path_at<R: HashRows + ?Sized>(
    rows: &R,
    old_size: u64,
    new_size: u64,
) -> Result<Option<Vec<Digest>>, R::Error> {
    if old_size == 0 || old_size > new_size {
        return Ok(None);
    }
    let mut span = Span { start: 0, len: new_size };
    let mut siblings = Vec::new();
    while old_size < span.start + span.len {
        let (left, right) = span.split();
        let is_left = old_size <= right.start;
        siblings.push(if is_left { right } else { left });
        span = if is_left { left } else { right };
    }
    // The verifier knows the old root, so a subtree that is the whole old tree is left out.
    if span.start > 0 {
        siblings.push(span);
    }
    nearest_first(rows, &siblings)
}

/// Leaves `start..start + len` of a tree, as RFC 6962 splits it: `start` is a multiple of the
/// smallest power of two that is not below `len`.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u64,
    len: u64,
}

impl Span {
    /// The two halves of a span of at least two leaves; the left one is perfect.
    fn split(self) -> (Self, Self) {
        let left = 1 << (self.len - 1).ilog2();
        let start = self.start + left;
        (Self { start: self.start, len: left }, Self { start, len: self.len - left })
    }
}

fn nearest_first<R: HashRows + ?Sized>(
    rows: &R,
    spans: &[Span],
) -> Result<Option<Vec<Digest>>, R::Error> {
    spans
        .iter()
        .rev()
        .map(|span| span_root(rows, *span).transpose())
        .collect::<Option<_>>()
        .transpose()
}

fn span_root<R: HashRows + ?Sized>(rows: &R, span: Span) -> Result<Option<Digest>, R::Error> {
    let mut peaks = Vec::new();
    let mut rest = span;
    while !rest.len.is_power_of_two() {
        let (left, right) = rest.split();
        peaks.push(left);
        rest = right;
    }
    let Some(mut hash) = perfect_root(rows, rest)? else { return Ok(None) };
    for peak in peaks.into_iter().rev() {
        let Some(left) = perfect_root(rows, peak)? else { return Ok(None) };
        hash = node_hash(&left, &hash);
    }
    Ok(Some(hash))
}

/// The root of a span whose length is a power of two: at most 128 neighbours of one row make it.
fn perfect_root<R: HashRows + ?Sized>(rows: &R, span: Span) -> Result<Option<Digest>, R::Error> {
    let height = span.len.ilog2();
    // INVARIANT (few rows): a height is below 64, so that its row is below 8.
    let level = u8::try_from(height / 8).unwrap_or(u8::MAX);
    let count = 1_usize << (height % 8);
    let entries = rows.row(level, span.start >> (u32::from(level) * 8), count)?;
    Ok((entries.len() == count).then(|| merkle::root(&entries)))
}

/// A tile of the tree: which row, which 256 entries of it, and how many of them.
///
/// `Display` and `FromStr` are the part of a C2SP tile path behind `tile/`, such as
/// `0/x001/067` or, for the first eight entries, `0/x001/067.p/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TilePath {
    /// The row.
    pub level: u8,
    /// The tile in its row, from 0.
    pub index: u64,
    /// Entries: 256 for a whole tile, else 1 to 255.
    pub width: u16,
}

impl TilePath {
    /// The first entry's place in its row; `None` when no row reaches so far.
    #[must_use]
    pub fn first_entry(&self) -> Option<u64> {
        self.index.checked_mul(u64::from(TILE_WIDTH))
    }
}

/// A text is not the canonical path of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tile path is LEVEL/INDEX or LEVEL/INDEX.p/WIDTH, such as 0/x001/067.p/8")]
pub struct TilePathError;

impl fmt::Display for TilePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.level)?;
        let mut groups = vec![self.index % 1_000];
        let mut rest = self.index / 1_000;
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        for (place, group) in groups.iter().enumerate().rev() {
            let mark = if place > 0 { "x" } else { "" };
            write!(formatter, "/{mark}{group:03}")?;
        }
        match self.width {
            TILE_WIDTH => Ok(()),
            width => write!(formatter, ".p/{width}"),
        }
    }
}

impl FromStr for TilePath {
    type Err = TilePathError;

    fn from_str(text: &str) -> Result<Self, TilePathError> {
        let (whole, width) = match text.split_once(".p/") {
            Some((whole, width)) => (whole, width.parse().map_err(|_| TilePathError)?),
            None => (text, TILE_WIDTH),
        };
        let (level, groups) = whole.split_once('/').ok_or(TilePathError)?;
        let level = level.parse().map_err(|_| TilePathError)?;
        let mut index = 0_u64;
        for group in groups.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let number: u64 = digits.parse().map_err(|_| TilePathError)?;
            let shifted = index.checked_mul(1_000).ok_or(TilePathError)?;
            index = shifted.checked_add(number).ok_or(TilePathError)?;
        }
        let path = Self { level, index, width };
        // One spelling a tile: what it would be written as is the only text that is read as it.
        let is_tile = level < 64 && (1..=TILE_WIDTH).contains(&width);
        if is_tile && path.to_string() == text { Ok(path) } else { Err(TilePathError) }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::merkle::leaf_hash;

    /// Rows made from leaf hashes the plain way.
    struct PlainRows(Vec<Vec<Digest>>);

    impl PlainRows {
        fn new(leaves: &[Digest]) -> Self {
            let mut rows = vec![leaves.to_vec()];
            while let Some(row) = rows.last().filter(|row| row.len() >= 256) {
                let above = row.chunks_exact(256).map(merkle::root).collect();
                rows.push(above);
            }
            Self(rows)
        }
    }

    impl HashRows for PlainRows {
        type Error = Infallible;

        fn row(&self, level: u8, first: u64, count: usize) -> Result<Vec<Digest>, Infallible> {
            let row = self.0.get(usize::from(level)).map_or(&[][..], Vec::as_slice);
            let start = usize::try_from(first).unwrap().min(row.len());
            Ok(row[start..(start + count).min(row.len())].to_vec())
        }
    }

    fn leaves(count: usize) -> Vec<Digest> {
        (0..count).map(|number| leaf_hash(&number.to_le_bytes())).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn roots_and_proofs_at_any_size_are_those_over_all_leaves(
            grown in 1_usize..1_500,
            part in 0_usize..1_000,
            smaller in 0_usize..1_000,
        ) {
            let leaves = leaves(grown);
            let rows = PlainRows::new(&leaves);
            let size = grown * part / 1_000 + 1;
            let old = size * smaller / 1_000 + 1;
            let tree = &leaves[..size];
            prop_assert_eq!(root_at(&rows, size as u64), Ok(Some(merkle::root(tree))));
            prop_assert_eq!(
                inclusion_path_at(&rows, old as u64 - 1, size as u64),
                Ok(merkle::inclusion_path(tree, old - 1))
            );
            prop_assert_eq!(
                consistency_path_at(&rows, old as u64, size as u64),
                Ok(merkle::consistency_path(tree, old))
            );
        }
    }

    #[test]
    fn every_small_tree_has_the_proofs_of_the_plain_one() {
        let leaves = leaves(40);
        let rows = PlainRows::new(&leaves);
        for size in 1..=leaves.len() {
            for part in 0..=size + 1 {
                let tree = &leaves[..size];
                let path = inclusion_path_at(&rows, part as u64, size as u64);
                assert_eq!(path, Ok(merkle::inclusion_path(tree, part)));
                let path = consistency_path_at(&rows, part as u64, size as u64);
                assert_eq!(path, Ok(merkle::consistency_path(tree, part)));
            }
        }
    }

    #[test]
    fn an_empty_tree_has_the_hash_of_nothing() {
        assert_eq!(root_at(&PlainRows::new(&[]), 0), Ok(Some(merkle::root(&[]))));
    }

    #[test]
    fn rows_that_end_before_the_size_have_no_root_and_no_proof() {
        let rows = PlainRows::new(&leaves(300));
        assert_eq!(root_at(&rows, 301), Ok(None));
        assert_eq!(root_at(&rows, 1 << 40), Ok(None));
        assert_eq!(inclusion_path_at(&rows, 0, 301), Ok(None));
        assert_eq!(consistency_path_at(&rows, 7, 301), Ok(None));
    }

    #[test]
    fn rows_get_256_times_shorter_a_level() {
        assert_eq!(row_len(0, 70_000), 70_000);
        assert_eq!(row_len(1, 70_000), 273);
        assert_eq!(row_len(2, 70_000), 1);
        assert_eq!(row_len(3, 70_000), 0);
        assert_eq!(row_len(8, u64::MAX), 0);
    }

    #[test]
    fn tile_paths_are_read_as_they_are_written() {
        let cases = [
            ("0/000", 0, 0, 256),
            ("0/067.p/8", 0, 67, 8),
            ("0/x001/067.p/8", 0, 1_067, 8),
            ("1/x001/x234/067", 1, 1_234_067, 256),
            ("63/x001/000", 63, 1_000, 256),
            ("2/255.p/255", 2, 255, 255),
            ("0/x018/x446/x744/x073/x709/x551/615", 0, u64::MAX, 256),
        ];
        for (text, level, index, width) in cases {
            let path = TilePath { level, index, width };
            assert_eq!(text.parse(), Ok(path));
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn other_spellings_of_a_tile_path_are_refused() {
        for text in [
            "",
            "0",
            "0/",
            "/000",
            "0/0",
            "0/0000",
            "0/x000/067",
            "0/001/067",
            "0/x001/67",
            "0/x1/067",
            "64/000",
            "00/000",
            "+1/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/08",
            "0/000.p/",
            "0/000.p/8/9",
            "0/+00",
            "0/000/",
            "a/000",
            "0/x018/x446/x744/x073/x709/x551/616",
            "256/000",
            "0/000 ",
            "entries/000",
            "0/x000",
        ] {
            assert_eq!(text.parse::<TilePath>(), Err(TilePathError), "{text}");
        }
    }
}
