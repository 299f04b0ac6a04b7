// Owns C2SP tlog-tiles as a reader sees them: what they are called, how wide they are at a size,
// and that no hash of one is believed before the path to a signed root has been walked.
import { FormatFault, sameBytes } from "./bytes";
import { DIGEST_BYTES, EMPTY_ROOT, nodeHash } from "./hash";
import { CompactTree, cover, rootOf } from "./tree";

export const TILE_HEIGHT = 8;
export const TILE_WIDTH = 2 ** TILE_HEIGHT;

export interface TileName {
  level: number;
  index: number;
  /** 1 to 256 hashes; less than 256 only at the right edge. */
  width: number;
}

/** What stands behind `tile/`: `0/x001/067.p/8`. */
export function tilePath({ level, index, width }: TileName): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, "0");
  const groups = digits.match(/\d{3}/g) ?? [];
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
  return `${level}/${path}${width < TILE_WIDTH ? `.p/${width}` : ""}`;
}

/** How many hashes stand in a row: perfect subtrees of 256^level leaves. */
export function rowLength(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** The tile at this place in a tree of this size; null beyond its right edge. */
export function tileAt(level: number, index: number, size: number): TileName | null {
  const width = Math.min(TILE_WIDTH, rowLength(level, size) - index * TILE_WIDTH);
  return width > 0 ? { level, index, width } : null;
}

export function tileHashes(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length !== width * DIGEST_BYTES) {
    throw new FormatFault(`a tile of ${width} hashes has ${bytes.length} bytes`);
  }
  return Array.from({ length: width }, (_, at) =>
    bytes.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES),
  );
}

/** A tile whose hashes do not lead to the signed root: some leaf under it is not what was signed. */
export class TileFault extends Error {
  /** Positions (from 1) that the tile covers. */
  readonly first: number;
  readonly last: number;
  constructor(
    readonly tile: TileName,
    size: number,
  ) {
    const span = TILE_WIDTH ** tile.level;
    const first = tile.index * TILE_WIDTH * span + 1;
    const last = Math.min(size, first - 1 + tile.width * span);
    super(`tile ${tilePath(tile)} does not lead to the signed root`);
    this.name = "TileFault";
    this.first = first;
    this.last = last;
  }
}

/** The right edge does not give the signed root: nothing below it can be placed. */
export class RootFault extends Error {
  constructor(
    readonly size: number,
    readonly found: Uint8Array,
  ) {
    super(`the tiles of ${size} events lead to another root than the signed one`);
    this.name = "RootFault";
  }
}

export type FetchTile = (tile: TileName) => Promise<Uint8Array>;

const TILES_KEPT_MAX = 512;

/** The tree of one signed checkpoint, read by tiles. INVARIANT (nothing unproven): every hash it gives leads to the root. */
export class SignedTree {
  private readonly kept = new Map<string, Promise<Uint8Array[]>>();
  private edges: Promise<Map<number, Uint8Array[]>> | null = null;

  constructor(
    readonly size: number,
    readonly root: Uint8Array,
    private readonly fetchTile: FetchTile,
  ) {}

  /** The leaf hash of index `index` (from 0). */
  async leaf(index: number): Promise<Uint8Array> {
    const hash = (await this.tile(0, Math.floor(index / TILE_WIDTH)))[index % TILE_WIDTH];
    if (!hash) throw new RangeError(`leaf ${index} is beyond the tree`);
    return hash;
  }

  /** The root that this same tree had when it was smaller: what an earlier checkpoint must have said. */
  async rootAt(size: number): Promise<Uint8Array> {
    if (size > this.size) throw new RangeError(`the tree has only ${this.size} leaves`);
    const tree = new CompactTree();
    for (const { first, height } of cover(size))
      tree.push(await this.subtree(first, height), height);
    return tree.root();
  }

  /** The hashes of a tile, proven. */
  async tile(level: number, index: number): Promise<Uint8Array[]> {
    const name = tileAt(level, index, this.size);
    if (!name) throw new RangeError(`tile ${level}/${index} is beyond the tree`);
    if (name.width < TILE_WIDTH) return (await this.rightEdge()).get(level) ?? [];
    const key = `${level}/${index}`;
    const known = this.kept.get(key) ?? this.proven(name);
    this.kept.delete(key);
    this.kept.set(key, known);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= TILES_KEPT_MAX) break;
      this.kept.delete(oldest);
    }
    return known;
  }

  private async proven(name: TileName): Promise<Uint8Array[]> {
    const [above, bytes] = await Promise.all([
      this.tile(name.level + 1, Math.floor(name.index / TILE_WIDTH)),
      this.fetchTile(name),
    ]);
    const hashes = tileHashes(bytes, name.width);
    const said = above[name.index % TILE_WIDTH];
    if (!said || !sameBytes(rootOf(hashes), said)) throw new TileFault(name, this.size);
    return hashes;
  }

  /** The partial tiles, one a level at most; together they give the root, and the root proves them. */
  private rightEdge(): Promise<Map<number, Uint8Array[]>> {
    this.edges ??= this.readRightEdge();
    return this.edges;
  }

  private async readRightEdge(): Promise<Map<number, Uint8Array[]>> {
    const edges = new Map<number, Uint8Array[]>();
    let root: Uint8Array | null = null;
    for (let level = 0; rowLength(level, this.size) > 0; level++) {
      const length = rowLength(level, this.size);
      const width = length % TILE_WIDTH;
      if (width === 0) continue;
      const name = { level, index: Math.floor(length / TILE_WIDTH), width };
      const hashes = tileHashes(await this.fetchTile(name), width);
      edges.set(level, hashes);
      for (const part of cover(width).reverse()) {
        const hash = rootOf(hashes.slice(part.first, part.first + 2 ** part.height));
        root = root ? nodeHash(hash, root) : hash;
      }
    }
    const found = root ?? EMPTY_ROOT;
    if (!sameBytes(found, this.root)) throw new RootFault(this.size, found);
    return edges;
  }

  private async subtree(first: number, height: number): Promise<Uint8Array> {
    // A perfect subtree of a whole row step is one hash of that row; smaller ones are folded from it.
    const level = Math.floor(height / TILE_HEIGHT);
    const at = first / TILE_WIDTH ** level;
    const width = 2 ** (height % TILE_HEIGHT);
    const hashes = await this.tile(level, Math.floor(at / TILE_WIDTH));
    return rootOf(hashes.slice(at % TILE_WIDTH, (at % TILE_WIDTH) + width));
  }
}
