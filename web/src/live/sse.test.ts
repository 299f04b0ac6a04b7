// Owns the proof that frames come out the same however the bytes were cut.
import { describe, expect, it } from "vitest";
import { type SseFrame, SseParser } from "./sse";

const parse = (...chunks: string[]): SseFrame[] => {
  const parser = new SseParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
};

const TWO = 'id: 7\nevent: tool.invoked\ndata: {"a":1}\n\nid: 8\nevent: run.failed\ndata: {}\n\n';
const TWO_FRAMES: SseFrame[] = [
  { kind: "event", id: "7", event: "tool.invoked", data: '{"a":1}' },
  { kind: "event", id: "8", event: "run.failed", data: "{}" },
];

describe("SseParser", () => {
  it("reads whole frames", () => {
    expect(parse(TWO)).toEqual(TWO_FRAMES);
  });

  it("reads the same frames when cut at any place, with any line ending", () => {
    for (const ending of ["\n", "\r\n", "\r"]) {
      const text = TWO.replaceAll("\n", ending);
      for (let cut = 0; cut <= text.length; cut++) {
        expect(parse(text.slice(0, cut), text.slice(cut))).toEqual(TWO_FRAMES);
      }
      expect(parse(...text)).toEqual(TWO_FRAMES);
    }
  });

  it("does not take the LF of a split CRLF for an empty line", () => {
    expect(parse("data: a\r", "\ndata: b\r", "\n\r", "\n")).toEqual([
      { kind: "event", id: null, event: "message", data: "a\nb" },
    ]);
  });

  it("does not forget a pending CR over an empty chunk", () => {
    expect(parse("data: a\r", "", "\n\r\n")).toEqual([
      { kind: "event", id: null, event: "message", data: "a" },
    ]);
  });

  it("skips a byte order mark only at the very start", () => {
    expect(parse("\uFEFFdata: x\n\n")).toEqual([
      { kind: "event", id: null, event: "message", data: "x" },
    ]);
  });

  it("joins data lines and removes one leading space only", () => {
    expect(parse("data:  two\ndata:none\ndata\n\n")).toEqual([
      { kind: "event", id: null, event: "message", data: " two\nnone\n" },
    ]);
  });

  it("reports an id-only frame as progress, once", () => {
    expect(parse("id: 40\n\n\ndata: x\n\n")).toEqual([
      { kind: "progress", id: "40" },
      { kind: "event", id: "40", event: "message", data: "x" },
    ]);
  });

  it("reports comments and retry, and ignores a retry that is no number", () => {
    expect(parse(": beat\nretry: 500\nretry: soon\n\n")).toEqual([
      { kind: "comment" },
      { kind: "retry", ms: 500 },
    ]);
  });

  it("ignores an id with a NUL and fields it does not know", () => {
    expect(parse("id: 1\0\nwhat: ever\ndata: x\n\n")).toEqual([
      { kind: "event", id: null, event: "message", data: "x" },
    ]);
  });

  it("drops an unfinished frame at the end of the stream", () => {
    expect(parse("data: half")).toEqual([]);
  });
});
