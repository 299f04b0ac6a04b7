// Owns the order of events within their streams: seqs without a gap, each event naming the hash of the one before.
import { sameBytes, toHex } from "./bytes";
import { ZERO_DIGEST } from "./hash";
import { type CheckedRecord, RecordFault } from "./record";

export interface StreamSeen {
  name: string;
  firstSeq: number;
  lastSeq: number;
  /** Places where events of the stream lie outside of what was read, so that the chain was not followed. */
  gaps: number;
}

interface Link extends StreamSeen {
  lastHash: Uint8Array;
}

export function streamName(of: { streamType: string; streamId: string }): string {
  return `${of.streamType}/${of.streamId}`;
}

export class Chains {
  private readonly streams = new Map<string, Link>();

  /** `whole` says that no event of this stream may be left out of what is read. */
  follow(record: CheckedRecord, whole: boolean): void {
    const { header, position } = record;
    const name = streamName(header);
    const fault = (found: string) => new RecordFault(position, found, header);
    const last = this.streams.get(name);
    if (header.streamSeq === 1 && !sameBytes(record.prev, ZERO_DIGEST)) {
      throw fault("it is the first of its stream and yet names an event before it");
    }
    if (!last) {
      if (whole && header.streamSeq !== 1) {
        throw fault(`${name} begins at seq ${header.streamSeq}: the events before it are missing`);
      }
      this.streams.set(name, link(record, name, 0));
      return;
    }
    if (header.streamSeq <= last.lastSeq) {
      throw fault(`seq ${header.streamSeq} of ${name} comes after seq ${last.lastSeq}`);
    }
    const isNext = header.streamSeq === last.lastSeq + 1;
    if (!isNext && whole) {
      throw fault(`seq ${last.lastSeq + 1} of ${name} is missing before it`);
    }
    if (isNext && !sameBytes(record.prev, last.lastHash)) {
      throw fault(
        `it names ${toHex(record.prev)} as the event before it, which is ${toHex(last.lastHash)}`,
      );
    }
    last.gaps += isNext ? 0 : 1;
    last.lastSeq = header.streamSeq;
    last.lastHash = record.eventHash;
  }

  seen(): StreamSeen[] {
    return [...this.streams.values()].map(({ lastHash: _, ...seen }) => seen);
  }
}

function link(record: CheckedRecord, name: string, gaps: number): Link {
  const seq = record.header.streamSeq;
  return { name, firstSeq: seq, lastSeq: seq, gaps, lastHash: record.eventHash };
}
