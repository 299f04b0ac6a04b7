// Owns the proof that records are hashed as the recorder hashes them: its own golden vectors, and every edit noticed.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromHex, toBase64, toHex, utf8 } from "./bytes";
import { commitment, eventHash, ZERO_DIGEST } from "./hash";
import { parseHeader } from "./header";
import { checkRecord, RecordFault, type WireRecord } from "./record";
import { LOG_ID, TestLog } from "./testLog";

const golden = (name: string) =>
  readFileSync(
    new URL(`../../../crates/core/src/record/golden/${name}`, import.meta.url),
    "utf8",
  ).trimEnd();

describe("golden vectors of the recorder", () => {
  it("least event", () => {
    const header = fromHex(golden("least.header.hex"));
    const salt = new Uint8Array(32).fill(7);
    const committed = commitment(salt, utf8('{"data":{"n":1.0e2}}'));
    expect(toHex(committed)).toBe(golden("least.commitment.hex"));
    const hash = eventHash(header, committed, ZERO_DIGEST);
    expect(toHex(hash)).toBe(golden("least.event_hash.hex"));
    expect(parseHeader(header)).toEqual({
      logId: LOG_ID,
      eventId: "22222222-2222-2222-2222-222222222222",
      eventType: "tool.invoked",
      workspaceId: "default",
      runId: null,
      streamType: "run",
      streamId: "r1",
      control: null,
      position: 1,
      streamSeq: 1,
    });
  });

  it("full event", () => {
    const header = fromHex(golden("full.header.hex"));
    const committed = commitment(new Uint8Array(32), utf8(golden("full.body.json")));
    const hash = eventHash(header, committed, new Uint8Array(32).fill(9));
    expect(toHex(hash)).toBe(golden("full.event_hash.hex"));
    expect(parseHeader(header)).toMatchObject({
      eventId: "0190b3c4-1111-7abc-8def-0123456789ab",
      eventType: "message.created",
      runId: "u",
      streamType: "room",
      streamId: "o",
      position: 2,
      streamSeq: 2,
    });
  });
});

describe("headers", () => {
  it("that are cut, lengthened or of another format are refused", () => {
    const bytes = fromHex(golden("full.header.hex"));
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parseHeader(bytes.slice(0, length))).toThrow();
    }
    expect(() => parseHeader(Uint8Array.of(...bytes, 0))).toThrow("belong to no field");
    expect(() => parseHeader(bytes.with(0, 2))).toThrow("format 2");
    expect(() => parseHeader(bytes.with(18, 0x80))).toThrow();
  });
});

describe("records", () => {
  const log = new TestLog().fill(4);
  const record = (): WireRecord => ({ ...(log.records[2] as WireRecord) });
  const flip = (text: string) =>
    toBase64(Buffer.from(text, "base64").map((b, at) => (at === 40 ? b ^ 1 : b)));

  it("in order give the hash and the leaf that the log has", () => {
    const checked = checkRecord(record());
    expect(toHex(checked.eventHash)).toBe(record().event_hash);
    expect(toHex(checked.leaf)).toBe(toHex(log.leaves[2] ?? ZERO_DIGEST));
    expect(checked.hasBody).toBe(true);
  });

  it.each<[string, Partial<WireRecord>, RegExp]>([
    ["edited body", { body: toBase64(utf8('{"data":{"n":4}}')) }, /^the body was edited/],
    ["edited salt", { salt: toBase64(new Uint8Array(32)) }, /^the body was edited/],
    ["short salt", { salt: "AAAA" }, /salt is not 32 bytes/],
    [
      "edited header",
      { header: flip(record().header) },
      /^the header was edited|^the record is not/,
    ],
    [
      "edited commitment",
      { commitment: "00".repeat(32), body: null, salt: null },
      /header was edited/,
    ],
    ["edited prev", { prev: "00".repeat(32) }, /header was edited/],
    ["claimed hash", { event_hash: "00".repeat(32) }, /header was edited/],
    ["other position", { position: 2 }, /says position 3/],
    ["other seq", { stream_seq: 9 }, /says position 3, seq 2/],
    ["no hash at all", { event_hash: "zz" }, /not in the log's format: not a digest/],
  ])("%s is named", (_, change, said) => {
    // Position 3 stands second in its stream, so that its prev is not zero.
    const wrong = { ...record(), ...change };
    expect(() => checkRecord(wrong)).toThrow(RecordFault);
    expect(() => checkRecord(wrong)).toThrow(said);
  });

  it("without a body are checked for what is left", () => {
    expect(checkRecord({ ...record(), body: null, salt: null }).hasBody).toBe(false);
  });
});
