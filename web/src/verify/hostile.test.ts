// Owns the proof that true answers to another question, and answers made to be forgotten, are not taken for the log's.
import { describe, expect, it } from "vitest";
import { keep } from "../trust/useVerify";
import { holdAgainst } from "./job";
import { recall, rememberLog } from "./memory";
import type { Scope } from "./outcome";
import { TestLog, TestSigner } from "./testLog";
import { remembered, remembering, run, said, testStorage } from "./testRun";

const CHECKPOINT: Scope = { kind: "checkpoint" };
const R1: Scope = { kind: "run", runId: "r1" };

/** A run with a stream of its own and one of a tool. */
function toolRun(): TestLog {
  const log = new TestLog();
  for (let at = 0; at < 3; at++) log.append({ stream: ["run", "r1"], run: "r1" });
  for (let at = 0; at < 4; at++) log.append({ stream: ["tool", "t"], run: "r1" });
  return log;
}

describe("other events than those asked for", () => {
  it("before the range", async () => {
    const log = new TestLog().fill(100);
    log.events = async () => log.records.slice(0, 51);
    const outcome = await run(log, { kind: "range", from: 50, to: 100 });
    expect(outcome.fault).toMatchObject({
      position: 1,
      says: expect.stringMatching(/stands before the range that was asked for/),
    });
    expect(said(outcome, "proved").join()).not.toMatch(/of the range/);
  });

  it.each<Scope>([R1, { kind: "range", from: 1, to: 3 }])(
    "of another workspace: %o",
    async (scope) => {
      const log = new TestLog();
      for (let at = 0; at < 3; at++) {
        log.append({ stream: ["run", "r1"], run: "r1", workspace: "other" });
      }
      log.events = async (query) =>
        log.records.filter((one) => one.position > Number(query.after_position));
      const outcome = await run(log, scope);
      expect(outcome.fault?.says).toMatch(/it is of another workspace, other/);
    },
  );

  it("redactions of another workspace", async () => {
    const log = new TestLog().fill(6);
    log.redact(4, "other");
    for (const one of log.records) {
      if (one.draft.type) one.draft.stream = ["redactions", "default"];
    }
    log.append({ stream: ["redactions", "other"], workspace: "other" });
    const wrong = await run(log, R1);
    expect(wrong.fault?.says).toMatch(/it is of another stream, redactions\/other/);
    const control = JSON.stringify({ position: 1 });
    const theirs = new TestLog().fill(6);
    theirs.append({
      stream: ["redactions", "default"],
      type: "event.redacted",
      workspace: "other",
      control,
    });
    Object.assign(theirs.records[0] ?? {}, { body: null, salt: null });
    expect((await run(theirs, R1)).fault?.says).toMatch(/of another workspace, other/);
  });

  it("of the signed tree, said to stand after it", async () => {
    const log = new TestLog().fill(12);
    const { events } = log;
    log.events = async (query) =>
      (await events(query)).map((one) =>
        one.position > 4 ? { ...one, position: one.position + 1_000_000 } : one,
      );
    const outcome = await run(log, { kind: "run", runId: "r2" });
    expect(outcome).toMatchObject({ verdict: "wrong", fault: { position: 5 + 1_000_000 } });
    expect(outcome.fault?.says).toMatch(/the header says position 5/);
  });
});

describe("a run", () => {
  it("has events on its own stream that do not name it", async () => {
    const log = new TestLog();
    log.append({ stream: ["run", "r1"], run: "r1" });
    log.append({ stream: ["run", "r1"] });
    log.append({ stream: ["note", "n"], run: "r1" });
    log.append({ stream: ["run", "r1"], run: "r1" });
    const outcome = await run(log, R1);
    expect(outcome).toMatchObject({ verdict: "proved", fault: null });
    expect(said(outcome, "proved")).toContainEqual(
      expect.stringMatching(/whole in run\/r1 1–3, note\/n 1–1/),
    );
  });

  it("given in two versions is wrong", async () => {
    const log = toolRun();
    const [first] = log.records;
    log.stream = async () => (first ? [{ ...first, event_hash: "00".repeat(32) }] : null);
    expect((await run(log, R1)).fault?.says).toMatch(/the log says 0000/);
  });

  it("held back in part: what was not given is said", async () => {
    const log = toolRun();
    const { events } = log;
    log.events = async (query) => (await events(query)).filter((one) => one.position > 5);
    log.stream = async () => null;
    const outcome = await run(log, R1);
    expect(said(outcome, "proved")).toContainEqual(
      expect.stringMatching(/whole in tool\/t from seq 3 on to 4/),
    );
    const open = said(outcome, "unchecked");
    expect(open).toContain("The run's own stream run/r1: the server gave no event of it.");
    expect(open).toContainEqual(
      expect.stringMatching(/^Whether the run has events on other streams, or before the first/),
    );
    const whole = said(await run(toolRun(), R1), "unchecked");
    expect(whole).toContainEqual(expect.stringMatching(/^Whether run\/r1 has later events/));
  });
});

describe("a key that gave way", () => {
  /** A log seen at 11 events, of which the first ten are under the retired key. */
  function rotated() {
    const log = new TestLog().fill(10);
    const retired = log.signer;
    log.rotate(9);
    const known = [
      remembered(log, log.leaves.length, { keys: [log.signer.verifier, retired.verifier] }),
    ];
    log.fill(5);
    log.signer = retired;
    log.rotations = [];
    return { log, known };
  }

  it("does not sign again", async () => {
    const { log, known } = rotated();
    const outcome = await run(log, CHECKPOINT, remembering(known));
    expect(outcome).toMatchObject({ verdict: "wrong", remember: null });
    expect(outcome.fault?.says).toMatch(/this key had given way to another one/);
  });

  it("does not name a thief's key as the next one", async () => {
    const { log, known } = rotated();
    log.rotate(33);
    const outcome = await run(log, CHECKPOINT, remembering(known));
    expect(outcome).toMatchObject({ verdict: "wrong", remember: null });
    expect(outcome.fault?.says).toMatch(/which this browser does not know/);
  });

  it("did not do so before what it was seen to sign", async () => {
    const log = new TestLog().fill(5);
    const { signer } = log;
    log.rotate(8);
    log.fill(10);
    const known = [remembered(log, 12, { keys: [signer.verifier] })];
    const outcome = await run(log, CHECKPOINT, remembering(known));
    expect(outcome.fault?.says).toMatch(/signed no more than 5 events; .* seen it sign 12/);
  });
});

describe("another log id", () => {
  const other = "22".repeat(16);
  /** A log of another id, with a name that does not hold it. */
  function renamed(seed: number, name = "logs.example/agents"): TestLog {
    const log = new TestLog();
    log.signer = new TestSigner(name, seed);
    log.append({ stream: ["x", "y"] });
    const { status } = log;
    log.status = async () => ({ ...(await status()), logId: other });
    return log;
  }
  const log = new TestLog();
  log.signer = new TestSigner("logs.example/agents", 7);
  log.fill(100);
  const known = [remembered(log, 100)];

  it.each([
    ["the same name and key", renamed(7)],
    ["the same name", renamed(8)],
  ])("does not make it another log: %s", async (_, shown) => {
    const outcome = await run(shown, CHECKPOINT, remembering(known));
    expect(outcome).toMatchObject({ verdict: "wrong", remember: null });
    expect(outcome.fault?.says).toMatch(/its name or key is that of the log 1111/);
  });

  it("with a name and key of its own is a doubt, however many logs were seen", async () => {
    const third = remembered(log, 3, { logId: "44".repeat(16) });
    const outcome = await run(renamed(8, "b"), CHECKPOINT, remembering([...known, third]));
    expect(outcome.verdict).toBe("proved");
    expect(outcome.doubt).toMatch(/^This address showed another log before .* and 1 more/);
  });
});

describe("memory", () => {
  it("takes no checkpoint that was not held against the one kept meanwhile", async () => {
    const [one, fork] = [new TestLog().fill(20), new TestLog().fill(10)];
    for (let at = 0; at < 20; at++) fork.append({ stream: ["fork", "f"] });
    const place = testStorage();
    rememberLog(remembered(one, 10), null, place);
    const start = { memory: recall(place) };
    const [first, second] = [await run(one, CHECKPOINT, start), await run(fork, CHECKPOINT, start)];
    expect(keep(first, place)).toEqual(first);
    const kept = remembered(one, 20);
    expect(keep(second, place)).toEqual({ against: kept });
    const held = await holdAgainst(fork, second, kept);
    expect(held).toMatchObject({ verdict: "wrong", remember: null });
    expect(held.fault?.says).toMatch(/this browser was shown another history/);
    expect(recall(place).logs).toEqual([kept]);
  });

  it("goes on from what was kept meanwhile, if it is of the same history", async () => {
    const log = new TestLog().fill(30);
    const [outcome, kept] = [await run(log, CHECKPOINT), remembered(log, 20)];
    const held = await holdAgainst(log, outcome, kept);
    expect(held).toMatchObject({ verdict: "proved", since: { size: 20 }, remember: { size: 30 } });
    const larger = await holdAgainst(log, { ...outcome, remember: kept }, remembered(log, 30));
    expect(larger).toMatchObject({ verdict: "proved", remember: null });
  });

  it("that is damaged is no first visit", async () => {
    const outcome = await run(new TestLog().fill(3), CHECKPOINT, {
      memory: { logs: [], state: "damaged" },
    });
    expect(outcome).toMatchObject({ verdict: "wrong", remember: null });
    expect(outcome.fault?.says).toMatch(/What this browser remembers .* cannot be read/);
  });

  it("that is blocked or full is said, and leaves a doubt", async () => {
    const blocked = await run(new TestLog().fill(3), CHECKPOINT, {
      memory: { logs: [], state: "blocked" },
    });
    expect(said(blocked, "unchecked")).toContainEqual(
      expect.stringMatching(/lets the page keep nothing/),
    );
    const full = testStorage();
    full.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    const outcome = keep(blocked, full);
    expect(outcome).toMatchObject({
      doubt: expect.stringMatching(/^This browser could not keep the checkpoint/),
      checks: expect.arrayContaining([
        { state: "unchecked", says: expect.stringMatching(/could not keep the checkpoint/) },
      ]),
    });
  });
});
