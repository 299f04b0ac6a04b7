// Owns every hash of the log: which bytes go in and under which prefix. The hash function itself is @noble/hashes:
// WebCrypto's digest is asynchronous and fifteen times slower on the small inputs that a tree is made of.
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "./bytes";

export { sha256 };

export const DIGEST_BYTES = 32;
/** What stands before the first event of a stream. */
export const ZERO_DIGEST = new Uint8Array(DIGEST_BYTES);
/** The root of a tree without leaves (RFC 6962 §2.1). */
export const EMPTY_ROOT = sha256(new Uint8Array(0));

const BODY_PREFIX = utf8("annals/body/1");
const EVENT_PREFIX = utf8("annals/event/1");

export function commitment(salt: Uint8Array, body: Uint8Array): Uint8Array {
  return sha256(concat(BODY_PREFIX, salt, body));
}

export function eventHash(
  header: Uint8Array,
  commitment: Uint8Array,
  prev: Uint8Array,
): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, header.length, true);
  return sha256(concat(EVENT_PREFIX, length, header, commitment, prev));
}

/** RFC 6962 §2.1: the leaf of an event is over its hash. */
export function leafHash(eventHash: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + eventHash.length);
  input.set(eventHash, 1);
  return sha256(input);
}

const pair = new Uint8Array(1 + 2 * DIGEST_BYTES);
pair[0] = 1;

/** RFC 6962 §2.1: an inner node. One buffer is enough, because the hash is taken before anyone else can write. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  pair.set(left, 1);
  pair.set(right, 1 + DIGEST_BYTES);
  return sha256(pair);
}
