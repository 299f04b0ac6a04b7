// Owns the check of one stored record (`as=record`): the server's hashes are computed again from the bytes that it sent.
// Whether the event is in the log, and where in its stream, is for those who hold its tree and its neighbours.
import { digestFromHex, FormatFault, fromBase64, sameBytes, toHex, wholeNumber } from "./bytes";
import { commitment, eventHash, leafHash, ZERO_DIGEST } from "./hash";
import { type Header, parseHeader } from "./header";

/** As the API sends it. */
export interface WireRecord {
  position: number;
  stream_seq: number;
  header: string;
  body: string | null;
  salt: string | null;
  commitment: string;
  /** Zeros, or null, for the first event of a stream. */
  prev: string | null;
  event_hash: string;
  withheld?: string;
}

export interface CheckedRecord {
  header: Header;
  position: number;
  prev: Uint8Array;
  eventHash: Uint8Array;
  leaf: Uint8Array;
  /** False when body and salt were erased: then the commitment stands, and the words are gone. */
  hasBody: boolean;
}

/** What is wrong with one event, said so that a person can look for it. */
export class RecordFault extends Error {
  constructor(
    readonly position: number,
    readonly found: string,
    readonly header: Header | null = null,
  ) {
    super(found);
    this.name = "RecordFault";
  }
}

const SALT_BYTES = 32;

export function checkRecord(wire: WireRecord): CheckedRecord {
  const position = wholeNumber(wire.position);
  try {
    return check(wire, position);
  } catch (cause) {
    if (!(cause instanceof FormatFault)) throw cause;
    throw new RecordFault(position, `the record is not in the log's format: ${cause.message}`);
  }
}

function check(wire: WireRecord, position: number): CheckedRecord {
  const bytes = fromBase64(wire.header);
  const header = parseHeader(bytes);
  const fault = (found: string) => new RecordFault(position, found, header);
  if (header.position !== position || header.streamSeq !== wire.stream_seq) {
    throw fault(`the header says position ${header.position}, seq ${header.streamSeq}`);
  }
  const said = digestFromHex(wire.commitment);
  const hasBody = wire.body !== null && wire.salt !== null;
  if (hasBody) {
    const salt = fromBase64(wire.salt);
    if (salt.length !== SALT_BYTES) throw fault("the salt is not 32 bytes");
    const computed = commitment(salt, fromBase64(wire.body));
    if (!sameBytes(computed, said)) {
      throw fault(
        `the body was edited: it commits to ${toHex(computed)}, the log to ${toHex(said)}`,
      );
    }
  }
  const prev = wire.prev === null ? ZERO_DIGEST : digestFromHex(wire.prev);
  const computed = eventHash(bytes, said, prev);
  if (!sameBytes(computed, digestFromHex(wire.event_hash))) {
    throw fault(
      `the header was edited: it hashes to ${toHex(computed)}, the log says ${wire.event_hash}`,
    );
  }
  return { header, position, prev, eventHash: computed, leaf: leafHash(computed), hasBody };
}
