// Owns RFC 6962 trees: a root from hashes in order, and the proofs of inclusion and consistency (RFC 9162 §2.1).
// It knows nothing of tiles, events or servers.
import { sameBytes } from "./bytes";
import { DIGEST_BYTES, EMPTY_ROOT, nodeHash } from "./hash";

/** A perfect subtree of 2^height leaves. */
interface Subtree {
  height: number;
  hash: Uint8Array;
}

/** The root of what was pushed, kept as the few perfect subtrees that cover it from the left. */
export class CompactTree {
  private subtrees: Subtree[] = [];
  size = 0;

  /** Adds a perfect subtree of 2^height leaves; it must begin at a multiple of its own size. */
  push(hash: Uint8Array, height = 0): void {
    const width = 2 ** height;
    if (this.size % width !== 0) throw new RangeError("a subtree must begin at its own multiple");
    let top: Subtree = { height, hash };
    for (
      let last = this.subtrees.at(-1);
      last?.height === top.height;
      last = this.subtrees.at(-1)
    ) {
      this.subtrees.pop();
      top = { height: top.height + 1, hash: nodeHash(last.hash, top.hash) };
    }
    this.subtrees.push(top);
    this.size += width;
  }

  root(): Uint8Array {
    let root: Uint8Array | null = null;
    for (const { hash } of this.subtrees.toReversed()) root = root ? nodeHash(hash, root) : hash;
    return root ?? EMPTY_ROOT;
  }
}

/** The root of a perfect subtree, or of any run of hashes read as a tree of their own. */
export function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const tree = new CompactTree();
  for (const hash of hashes) tree.push(hash);
  return tree.root();
}

/** The perfect subtrees that cover the first `size` leaves, left to right, as their heights and first leaves. */
export function cover(size: number): { first: number; height: number }[] {
  const parts: { first: number; height: number }[] = [];
  let first = 0;
  for (let height = 52; height >= 0; height--) {
    const width = 2 ** height;
    if (size - first >= width) {
      parts.push({ first, height });
      first += width;
    }
  }
  return parts;
}

const half = (value: number): number => Math.floor(value / 2);
const isOdd = (value: number): boolean => value % 2 === 1;

export interface InclusionProof {
  leaf: Uint8Array;
  /** From 0. */
  index: number;
  size: number;
  root: Uint8Array;
  path: readonly Uint8Array[];
}

/** RFC 9162 §2.1.3.2. */
export function isIncluded({ leaf, index, size, root, path }: InclusionProof): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || leaf.length !== DIGEST_BYTES) {
    return false;
  }
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const step of path) {
    if (sn === 0 || step.length !== DIGEST_BYTES) return false;
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(step, hash);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      hash = nodeHash(hash, step);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && sameBytes(hash, root);
}

export interface ConsistencyProof {
  from: number;
  to: number;
  fromRoot: Uint8Array;
  toRoot: Uint8Array;
  path: readonly Uint8Array[];
}

/** RFC 9162 §2.1.4.2. Every tree is consistent with the empty one and with itself, without a path. */
export function isConsistent({ from, to, fromRoot, toRoot, path }: ConsistencyProof): boolean {
  if (!isCount(from) || !isCount(to) || from > to) return false;
  if (path.some((step) => step.length !== DIGEST_BYTES)) return false;
  if (from === to) return path.length === 0 && sameBytes(fromRoot, toRoot);
  if (from === 0) return path.length === 0 && sameBytes(fromRoot, EMPTY_ROOT);
  const isPerfect = Number.isInteger(Math.log2(from));
  const steps = isPerfect ? [fromRoot, ...path] : [...path];
  const first = steps.shift();
  if (!first) return false;
  let fn = from - 1;
  let sn = to - 1;
  while (isOdd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  let old = first;
  let now = first;
  for (const step of steps) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      old = nodeHash(step, old);
      now = nodeHash(step, now);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else {
      now = nodeHash(now, step);
    }
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && sameBytes(old, fromRoot) && sameBytes(now, toRoot);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
