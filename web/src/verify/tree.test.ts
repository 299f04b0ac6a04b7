// Owns the proof that trees, proofs and tiles are those of RFC 6962, RFC 9162 and C2SP tlog-tiles.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromBase64, fromHex, toHex, utf8 } from "./bytes";
import { leafHash, nodeHash, sha256 } from "./hash";
import { consistencyPath, inclusionPath, rootByDefinition, TestLog } from "./testLog";
import { RootFault, SignedTree, TileFault, tileAt, tilePath } from "./tiles";
import { CompactTree, cover, isConsistent, isIncluded, rootOf } from "./tree";

/** The test log of Certificate Transparency: eight inputs and the root after each. */
const INPUTS = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const LEAVES = INPUTS.map((input) => leafHash(fromHex(input)));

const leaf = (at: number) => leafHash(sha256(utf8(`event ${at}`)));
const MANY = Array.from({ length: 65_793 }, (_, at) => leaf(at));
const leaves = (size: number) => MANY.slice(0, size);

describe("roots", () => {
  it("are those of the published test log, and of no leaves at all", () => {
    const found = ROOTS.map((_, at) => toHex(rootOf(LEAVES.slice(0, at + 1))));
    expect(found).toEqual(ROOTS);
    expect(toHex(rootOf([]))).toBe(createHash("sha256").digest("hex"));
  });

  it("are the same by the definition, leaf by leaf, and by subtrees", () => {
    for (let size = 0; size <= 70; size++) {
      const all = leaves(size);
      const root = toHex(rootByDefinition(all));
      expect(toHex(rootOf(all))).toBe(root);
      const bySubtrees = new CompactTree();
      for (const { first, height } of cover(size)) {
        bySubtrees.push(rootOf(all.slice(first, first + 2 ** height)), height);
      }
      expect(toHex(bySubtrees.root())).toBe(root);
    }
  });

  it("hash leaves and nodes under different prefixes", () => {
    const [a, b] = [sha256(utf8("a")), sha256(utf8("b"))];
    const node = createHash("sha256").update(Buffer.of(1)).update(a).update(b).digest("hex");
    expect(toHex(nodeHash(a, b))).toBe(node);
    expect(() => new CompactTree().push(a, 1)).not.toThrow();
    const tree = new CompactTree();
    tree.push(a);
    expect(() => tree.push(b, 1)).toThrow(RangeError);
  });
});

describe("proofs", () => {
  it("of inclusion hold for every leaf of every size, and for no other leaf, place or size", () => {
    for (let size = 1; size <= 40; size++) {
      const all = leaves(size);
      const root = rootOf(all);
      for (let index = 0; index < size; index++) {
        const path = inclusionPath(index, all);
        const proof = { leaf: leaf(index), index, size, root, path };
        expect(isIncluded(proof)).toBe(true);
        expect(isIncluded({ ...proof, leaf: leaf(size + 1) })).toBe(false);
        expect(isIncluded({ ...proof, index: size })).toBe(false);
        expect(isIncluded({ ...proof, path: [...path, root] })).toBe(false);
        expect(isIncluded({ ...proof, path: path.slice(1) })).toBe(size === 1);
        if (size > 1) expect(isIncluded({ ...proof, index: (index + 1) % size })).toBe(false);
      }
    }
  });

  it("of consistency hold for every pair of sizes, and for no other root", () => {
    for (let to = 1; to <= 40; to++) {
      const all = leaves(to);
      const toRoot = rootOf(all);
      for (let from = 0; from <= to; from++) {
        const fromRoot = rootOf(all.slice(0, from));
        const path = from === 0 ? [] : consistencyPath(from, all);
        const proof = { from, to, fromRoot, toRoot, path };
        expect(isConsistent(proof)).toBe(true);
        expect(isConsistent({ ...proof, fromRoot: leaf(99) })).toBe(false);
        expect(isConsistent({ ...proof, path: [...path, leaf(99)] })).toBe(false);
        if (from > 0) expect(isConsistent({ ...proof, toRoot: leaf(99) })).toBe(false);
        if (path.length > 0) {
          expect(isConsistent({ ...proof, path: path.slice(1) })).toBe(false);
        }
      }
    }
  });
});

const VECTORS = new URL(
  "../../../../shared/data/canonical-merkle/transparency-dev+merkle/testdata/",
  import.meta.url,
);

const HAS_VECTORS = existsSync(VECTORS);

// A skipped suite is still read, so what it reads must not be missed.
describe.skipIf(!HAS_VECTORS)("vectors of transparency-dev/merkle, where they are", () => {
  interface Vector {
    desc: string;
    wantErr: boolean;
    proof: string[] | null;
    leafIdx: number;
    treeSize: number;
    root: string;
    leafHash: string;
    size1: number;
    size2: number;
    root1: string;
    root2: string;
  }
  const bytes = (text: string | null) => Uint8Array.from(Buffer.from(text ?? "", "base64"));
  const read = (kind: string): [string, Vector][] => {
    if (!HAS_VECTORS) return [];
    const names = readdirSync(new URL(kind, VECTORS), { recursive: true, encoding: "utf8" });
    return names
      .filter((name) => name.endsWith(".json"))
      .map((name) => {
        const at = new URL(`${kind}/${name.split("/").map(encodeURIComponent).join("/")}`, VECTORS);
        return [name, JSON.parse(readFileSync(at, "utf8")) as Vector];
      });
  };

  it.each(read("inclusion"))("inclusion %s", (_, vector) => {
    const holds = isIncluded({
      leaf: bytes(vector.leafHash),
      index: vector.leafIdx,
      size: vector.treeSize,
      root: bytes(vector.root),
      path: (vector.proof ?? []).map(bytes),
    });
    expect(holds).toBe(!vector.wantErr);
  });

  it.each(read("consistency"))("consistency %s", (_, vector) => {
    const holds = isConsistent({
      from: vector.size1,
      to: vector.size2,
      fromRoot: bytes(vector.root1),
      toRoot: bytes(vector.root2),
      path: (vector.proof ?? []).map(bytes),
    });
    expect(holds).toBe(!vector.wantErr);
  });
});

describe("tiles", () => {
  it("are called as tlog-tiles says", () => {
    expect(tilePath({ level: 0, index: 0, width: 256 })).toBe("0/000");
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe("0/x001/x234/067");
    expect(tilePath({ level: 1, index: 67, width: 8 })).toBe("1/067.p/8");
  });

  it("are as wide as the tree lets them be", () => {
    expect(tileAt(0, 0, 10)).toEqual({ level: 0, index: 0, width: 10 });
    expect(tileAt(0, 1, 256)).toBeNull();
    expect(tileAt(1, 0, 256)).toEqual({ level: 1, index: 0, width: 1 });
    expect(tileAt(2, 0, 70_000)).toEqual({ level: 2, index: 0, width: 1 });
  });

  /** Some hundred thousand hashes, on a machine that is busy with other tests. */
  const BIG_TREE_MS_MAX = 60_000;
  const sizes = [1, 2, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_793];
  it.each(sizes)(
    "give every leaf and every earlier root of %i events",
    async (size) => {
      const log = new TestLog();
      log.leaves = leaves(size);
      const tree = new SignedTree(size, rootOf(log.leaves), log.tile);
      for (const index of new Set([0, 1, 255, 256, size - 2, size - 1])) {
        if (index < 0 || index >= size) continue;
        expect(toHex(await tree.leaf(index))).toBe(toHex(leaf(index)));
      }
      for (const earlier of new Set([0, 1, 3, 256, 257, 600, size - 1, size])) {
        if (earlier > size) continue;
        const root = toHex(rootOf(log.leaves.slice(0, earlier)));
        expect(toHex(await tree.rootAt(earlier))).toBe(root);
      }
    },
    BIG_TREE_MS_MAX,
  );

  it("are not believed: a changed leaf names its tile, a changed edge the root", async () => {
    const log = new TestLog();
    log.leaves = leaves(700);
    const root = rootOf(log.leaves);
    log.tileLeaves = log.leaves.with(300, leaf(9_999));
    // The row above is the one that was signed: only the tile of leaves itself is changed.
    const honest = new TestLog();
    honest.leaves = log.leaves;
    const tree = new SignedTree(700, root, (name) =>
      name.level === 0 ? log.tile(name) : honest.tile(name),
    );
    const fault = await tree.leaf(301).catch((cause: unknown) => cause);
    expect(fault).toBeInstanceOf(TileFault);
    expect(fault).toMatchObject({ first: 257, last: 512 });
    expect(toHex(await tree.leaf(0))).toBe(toHex(leaf(0)));

    log.tileLeaves = log.leaves.with(699, leaf(9_999));
    await expect(new SignedTree(700, root, log.tile).leaf(0)).rejects.toBeInstanceOf(RootFault);
  });

  it("of a wrong length are refused", async () => {
    const log = new TestLog().fill(3);
    const tree = new SignedTree(3, rootOf(log.leaves), async () => new Uint8Array(64));
    await expect(tree.leaf(0)).rejects.toThrow("a tile of 3 hashes has 64 bytes");
  });
});

it("base64 is strict", () => {
  expect(fromBase64("AQI=")).toEqual(Uint8Array.of(1, 2));
  for (const wrong of ["AQI", "AQ_=", "A=I=", 7, null]) {
    expect(() => fromBase64(wrong)).toThrow("not base64");
  }
});
