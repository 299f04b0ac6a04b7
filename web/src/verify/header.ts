// Owns the reading of header bytes (docs/formats/record.md, format 1): the fields that verification needs, by their place.
import { exact, FormatFault, fromUtf8, toHex } from "./bytes";

export interface Header {
  /** 32 hex digits. */
  logId: string;
  eventId: string;
  eventType: string;
  workspaceId: string;
  runId: string | null;
  streamType: string;
  streamId: string;
  /** What the fold of a control fact needs, as JSON text. */
  control: string | null;
  position: number;
  streamSeq: number;
}

const FORMAT = 1;
const SUITE_SHA256 = 1;
const FIELD_COUNT = 25;
const PLACEMENT_BYTES = 24;
const VARINT_BYTES_MAX = 4;

class Reader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  take(count: number): Uint8Array {
    const end = this.at + count;
    if (end > this.bytes.length) throw new FormatFault("a header that ends too early");
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  /** LEB128, in its shortest form only. */
  varint(): number {
    let value = 0;
    for (let at = 0; at < VARINT_BYTES_MAX; at++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * at);
      if (byte >= 0x80) continue;
      if (byte === 0 && at > 0) break;
      return value;
    }
    throw new FormatFault("a header with a length that is not in its shortest form");
  }

  /** Absent and empty are different. */
  field(): Uint8Array | null {
    const length = this.varint();
    return length === 0 ? null : this.take(length - 1);
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }
}

export function parseHeader(bytes: Uint8Array): Header {
  const reader = new Reader(bytes);
  const format = reader.byte();
  const suite = reader.byte();
  if (format !== FORMAT || suite !== SUITE_SHA256) {
    throw new FormatFault(`a header of format ${format} with hash suite ${suite}`);
  }
  const logId = toHex(reader.take(16));
  const fields = Array.from({ length: FIELD_COUNT }, () => reader.field());
  const placement = reader.take(PLACEMENT_BYTES);
  if (!reader.isAtEnd) throw new FormatFault("a header with bytes that belong to no field");
  const text = (number: number): string | null => {
    const field = fields[number - 1];
    return field ? fromUtf8(field) : null;
  };
  const needed = (number: number): string => {
    const said = text(number);
    if (said === null) throw new FormatFault(`a header without field ${number}`);
    return said;
  };
  const view = new DataView(placement.buffer, placement.byteOffset, PLACEMENT_BYTES);
  return {
    logId,
    eventId: uuid(fields[0]),
    eventType: needed(2),
    workspaceId: needed(5),
    runId: text(9),
    streamType: needed(15),
    streamId: needed(16),
    control: text(25),
    position: exact(view.getBigUint64(0, true)),
    streamSeq: exact(view.getBigUint64(8, true)),
  };
}

function uuid(bytes: Uint8Array | null | undefined): string {
  if (bytes?.length !== 16) throw new FormatFault("a header without an event id");
  const hex = toHex(bytes);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
