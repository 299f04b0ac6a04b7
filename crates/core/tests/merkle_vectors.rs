//! The Merkle tree against published roots, against every small tree, and against the proof
//! vectors of transparency-dev/merkle where their files are at hand.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skipped"
)]

use std::path::{Path, PathBuf};

use annals_core::hash::Digest;
use annals_core::merkle::{
    ConsistencyProof, Frontier, InclusionProof, ProofError, consistency_path, inclusion_path,
    leaf_hash, root, verify_consistency, verify_inclusion,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// The leaves that certificate transparency implementations share, and the root after each.
const PUBLISHED: [(&[u8], &str); 8] = [
    (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (b"\x00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (b"\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (b"\x20\x21", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (b"\x30\x31", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    (b"\x40\x41\x42\x43", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    (
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    ),
    (b"`abcdefghijklmno", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
];

const EMPTY_ROOT: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn leaves(count: u8) -> Vec<Digest> {
    (0..count).map(|index| leaf_hash(&[index])).collect()
}

#[test]
fn gives_the_published_roots() {
    assert_eq!(root(&[]).to_string(), EMPTY_ROOT);
    let hashes: Vec<_> = PUBLISHED.iter().map(|(data, _)| leaf_hash(data)).collect();
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root().to_string(), EMPTY_ROOT);
    for (index, (_, expected)) in PUBLISHED.iter().enumerate() {
        assert_eq!(root(&hashes[..=index]).to_string(), *expected);
        frontier.append(hashes[index]);
        assert_eq!(frontier.root().to_string(), *expected);
        assert_eq!(frontier.size(), index as u64 + 1);
    }
}

#[test]
fn a_frontier_resumes_from_its_peaks() {
    let all = leaves(100);
    let mut frontier = Frontier::new();
    for (index, leaf) in all.iter().enumerate() {
        assert_eq!(frontier.root(), root(&all[..index]));
        frontier = Frontier::from_peaks(frontier.size(), frontier.peaks().to_vec()).unwrap();
        frontier.append(*leaf);
    }
    assert_eq!(Frontier::from_peaks(3, leaves(1)), None);
    assert_eq!(Frontier::from_peaks(0, leaves(1)), None);
}

#[test]
fn every_leaf_of_every_small_tree_is_proven_and_no_other() {
    let all = leaves(40);
    for size in 1..=all.len() {
        let tree = &all[..size];
        let tree_root = root(tree);
        for index in 0..size {
            let path = inclusion_path(tree, index).unwrap();
            let claim = |leaf_index: usize, size: usize| InclusionProof {
                leaf_index: leaf_index as u64,
                size: size as u64,
                path: &path,
            };
            assert_eq!(verify_inclusion(&claim(index, size), &tree[index], &tree_root), Ok(()));
            for other in (0..size + 2).filter(|other| *other != index) {
                assert!(verify_inclusion(&claim(other, size), &tree[index], &tree_root).is_err());
            }
            let stranger = leaf_hash(b"stranger");
            assert_eq!(
                verify_inclusion(&claim(index, size), &stranger, &tree_root),
                Err(ProofError::RootMismatch)
            );
        }
        assert_eq!(inclusion_path(tree, size), None);
    }
}

#[test]
fn every_prefix_of_every_small_tree_is_proven_and_no_other() {
    let all = leaves(40);
    for new_size in 1..=all.len() {
        let tree = &all[..new_size];
        let new_root = root(tree);
        for old_size in 1..=new_size {
            let old_root = root(&tree[..old_size]);
            let path = consistency_path(tree, old_size).unwrap();
            let proof = ConsistencyProof {
                old_size: old_size as u64,
                new_size: new_size as u64,
                path: &path,
            };
            assert_eq!(verify_consistency(&proof, &old_root, &new_root), Ok(()));
            assert!(verify_consistency(&proof, &Digest::ZERO, &new_root).is_err());
            assert!(verify_consistency(&proof, &old_root, &Digest::ZERO).is_err());
            for other in (0..=new_size + 1).filter(|other| *other != old_size) {
                let wrong = ConsistencyProof { old_size: other as u64, ..proof };
                assert!(verify_consistency(&wrong, &old_root, &new_root).is_err());
            }
        }
        assert_eq!(consistency_path(tree, 0), None);
        assert_eq!(consistency_path(tree, new_size + 1), None);
    }
}

#[test]
fn says_what_is_wrong_with_a_proof() {
    let all = leaves(7);
    let tree_root = root(&all);
    let path = inclusion_path(&all, 2).unwrap();
    let mut long = path.clone();
    long.push(Digest::ZERO);
    let inclusion = |path| InclusionProof { leaf_index: 2, size: 7, path };
    let long_error = Err(ProofError::PathLength { node_count: path.len() + 1 });
    assert_eq!(verify_inclusion(&inclusion(&long), &all[2], &tree_root), long_error);
    let short_error = Err(ProofError::PathLength { node_count: path.len() - 1 });
    assert_eq!(verify_inclusion(&inclusion(&path[1..]), &all[2], &tree_root), short_error);
    let outside = InclusionProof { leaf_index: 7, size: 7, path: &[] };
    let outside_error = Err(ProofError::LeafOutsideTree { leaf_index: 7, size: 7 });
    assert_eq!(verify_inclusion(&outside, &all[2], &tree_root), outside_error);

    let consistency = |old_size, path| ConsistencyProof { old_size, new_size: 7, path };
    let empty = verify_consistency(&consistency(3, &[]), &root(&all[..3]), &tree_root);
    assert_eq!(empty, Err(ProofError::PathLength { node_count: 0 }));
    let order = verify_consistency(&consistency(8, &[]), &tree_root, &tree_root);
    assert_eq!(order, Err(ProofError::SizesOutOfOrder { old_size: 8, new_size: 7 }));
    let path = consistency_path(&all, 3).unwrap();
    let old = verify_consistency(&consistency(3, &path), &Digest::ZERO, &tree_root);
    assert_eq!(old, Err(ProofError::OldRootMismatch));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InclusionVector {
    leaf_idx: u64,
    tree_size: u64,
    root: Option<String>,
    leaf_hash: Option<String>,
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsistencyVector {
    size1: u64,
    size2: u64,
    root1: Option<String>,
    root2: Option<String>,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// A digest, or `None` where the vector holds something that cannot be one.
fn digest(text: &Option<String>) -> Option<Digest> {
    Digest::from_slice(&STANDARD.decode(text.as_deref().unwrap_or_default()).unwrap())
}

fn digests(proof: Option<Vec<String>>) -> Option<Vec<Digest>> {
    proof.unwrap_or_default().into_iter().map(|text| digest(&Some(text))).collect()
}

/// All vectors of a kind. Empty, after saying so, where the files are not at hand.
fn vectors(kind: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/canonical-merkle/transparency-dev+merkle/testdata")
        .join(kind);
    let Ok(groups) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not here", folder.display());
        return Vec::new();
    };
    let files = groups.flat_map(|group| std::fs::read_dir(group.unwrap().path()).unwrap());
    let all: Vec<_> = files
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    assert!(all.len() > 30, "only {} files", all.len());
    all
}

#[test]
fn agrees_with_the_inclusion_vectors() {
    for (path, text) in vectors("inclusion") {
        let vector: InclusionVector = serde_json::from_slice(&text).unwrap();
        let holds = digest(&vector.root)
            .zip(digest(&vector.leaf_hash))
            .zip(digests(vector.proof))
            .is_some_and(|((root, leaf), path)| {
                let proof = InclusionProof {
                    leaf_index: vector.leaf_idx,
                    size: vector.tree_size,
                    path: &path,
                };
                verify_inclusion(&proof, &leaf, &root).is_ok()
            });
        assert_eq!(holds, !vector.want_err, "{}", path.display());
    }
}

#[test]
fn agrees_with_the_consistency_vectors() {
    for (path, text) in vectors("consistency") {
        let vector: ConsistencyVector = serde_json::from_slice(&text).unwrap();
        let holds = digest(&vector.root1)
            .zip(digest(&vector.root2))
            .zip(digests(vector.proof))
            .is_some_and(|((old_root, new_root), path)| {
                let proof = ConsistencyProof {
                    old_size: vector.size1,
                    new_size: vector.size2,
                    path: &path,
                };
                verify_consistency(&proof, &old_root, &new_root).is_ok()
            });
        assert_eq!(holds, !vector.want_err, "{}", path.display());
    }
}
