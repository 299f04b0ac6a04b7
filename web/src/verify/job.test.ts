// Owns the proof that a verification in the page finds what a server can do to a log, names the first wrong event,
// and never says more than it checked.
import { describe, expect, it } from "vitest";
import type { Outcome, Scope } from "./outcome";
import { SourceFailure } from "./source";
import { LOG_ID, TestLog, TestSigner } from "./testLog";
import { remembered, remembering, run, said } from "./testRun";

const TREE: Scope = { kind: "tree" };
const CHECKPOINT: Scope = { kind: "checkpoint" };
const RUN: Scope = { kind: "run", runId: "r1" };
const STREAM: Scope = { kind: "stream", streamType: "run", streamId: "r2" };
const range = (from: number, to: number): Scope => ({ kind: "range", from, to });

describe("a log in order", () => {
  const log = new TestLog().fill(600);

  it.each<[Scope, RegExp]>([
    [TREE, /^600 of 600 leaf hashes were read from 3 tiles/],
    [RUN, /^200 events \(positions 1 to 598\)/],
    [STREAM, /^400 events \(positions 2 to 600\)/],
    [range(250, 270), /^21 events \(positions 250 to 270\)/],
  ])("is proved: %o", async (scope, says) => {
    const outcome = await run(log, scope);
    expect(outcome.verdict).toBe("proved");
    expect(outcome.fault).toBeNull();
    expect(said(outcome, "proved")).toContainEqual(expect.stringMatching(says));
    expect(outcome.remember).toMatchObject({ logId: LOG_ID, size: 600 });
  });

  it("says on a first visit that there is nothing to compare with", async () => {
    const outcome = await run(log, CHECKPOINT);
    expect(outcome.verdict).toBe("proved");
    expect(said(outcome, "unchecked")).toContainEqual(expect.stringMatching(/remembers nothing/));
    expect(said(outcome, "unchecked")).toContainEqual(expect.stringMatching(/taken on trust/));
  });

  it.each([1, 255, 256, 300, 599, 600])(
    "goes on from what was remembered of %i events",
    async (size) => {
      for (const scope of [CHECKPOINT, TREE]) {
        const outcome = await run(log, scope, remembering([remembered(log, size)]));
        expect(outcome.verdict).toBe("proved");
        expect(said(outcome, "proved")).toContainEqual(
          expect.stringMatching(size === 600 ? /very checkpoint/ : /nothing before it was changed/),
        );
      }
    },
  );

  it("says whose bodies it compared, and what it did not look at", async () => {
    const mixed = new TestLog().fill(5);
    mixed.append({ stream: ["note", "theirs"], workspace: "other" });
    mixed.fill(4);
    const outcome = await run(mixed, range(1, 10));
    expect(outcome.verdict).toBe("proved");
    expect(said(outcome, "proved")).toContainEqual(
      expect.stringMatching(/^9 bodies of the workspace default/),
    );
    expect(said(outcome, "unchecked")).toContainEqual(
      expect.stringMatching(/^What stands at those 1: events of other workspaces/),
    );
  });

  it("leaves events that came in after the checkpoint unchecked", async () => {
    const late = new TestLog().fill(9);
    const note = late.note();
    late.fill(3);
    late.checkpoint = async () => note;
    const outcome = await run(late, range(1, 12));
    expect(outcome.verdict).toBe("proved");
    expect(said(outcome, "unchecked")).toContainEqual(
      expect.stringMatching(/^The server gave 3 events that it places after the checkpoint/),
    );
  });

  it("proves nothing of what it was given nothing of", async () => {
    for (const scope of [{ kind: "run", runId: "none" } as const, range(601, 700)]) {
      const outcome = await run(log, scope);
      expect(outcome).toMatchObject({ verdict: "empty", fault: null });
      expect(said(outcome, "unchecked")).toContainEqual(expect.stringMatching(/gave no event/));
    }
    const half = await run(log, range(590, 700));
    expect(half).toMatchObject({ verdict: "proved", scope: { from: 590, to: 600 } });
    expect(said(half, "unchecked")).toContain("Positions 601 to 700: the signed tree ends at 600.");
  });

  it("can be empty", async () => {
    const outcome = await run(new TestLog(), TREE);
    expect(outcome).toMatchObject({ verdict: "empty", checkpoint: { size: 0 } });
  });

  it("can be stopped, and then says how far it came", async () => {
    const stop = new AbortController();
    const tell = ({ stage, done }: { stage: string; done: number }) => {
      if (stage === "events" && done === 50) stop.abort();
    };
    const outcome = await run(log, RUN, { signal: stop.signal, tell });
    expect(outcome).toMatchObject({ verdict: "stopped", fault: null });
    expect(said(outcome, "proved")).toContainEqual(expect.stringMatching(/^50 events/));
  });

  it("that cannot be read is no verdict", async () => {
    const away = new TestLog().fill(3);
    away.checkpoint = async () => {
      throw new SourceFailure("The server did not answer.", null);
    };
    await expect(run(away, TREE)).rejects.toBeInstanceOf(SourceFailure);
  });
});

describe("a wrong event is named", () => {
  /** Changes what is served, after it was signed. */
  async function damaged(scope: Scope, damage: (log: TestLog) => void): Promise<Outcome> {
    const log = new TestLog().fill(30);
    const note = log.note();
    const leaves = [...log.leaves];
    log.checkpoint = async () => note;
    log.tileLeaves = leaves;
    damage(log);
    return run(log, scope);
  }
  const record = (log: TestLog, position: number) => {
    const found = log.records[position - 1];
    if (!found) throw new RangeError("no such record");
    return found;
  };

  it("edited body", async () => {
    const outcome = await damaged(RUN, (log) => {
      record(log, 7).body = Buffer.from('{"data":{"n":8}}').toString("base64");
    });
    expect(outcome.verdict).toBe("wrong");
    expect(outcome.fault).toMatchObject({
      position: 7,
      stream: "run/r1",
      streamSeq: 3,
      eventType: "note.made",
      says: expect.stringMatching(/^Event at position 7 .*: the body was edited/),
    });
    expect(said(outcome, "proved")).toContainEqual(expect.stringMatching(/^2 events/));
  });

  it("edited and hashed again", async () => {
    const outcome = await damaged(STREAM, (log) => {
      // The whole log is written again with another word in it; only the signed tree is the old one.
      log.records = [];
      log.leaves = [];
      for (let at = 0; at < 30; at++) {
        const id = at % 3 === 0 ? "r1" : "r2";
        log.append({ stream: ["run", id], run: id, data: { n: at === 10 ? "other" : at + 1 } });
      }
    });
    expect(outcome.fault).toMatchObject({ position: 11, stream: "run/r2" });
    expect(outcome.fault?.says).toMatch(/not the one that stands at this position in the signed/);
  });

  it("removed from its stream", async () => {
    const outcome = await damaged(STREAM, (log) => log.records.splice(10, 1));
    expect(outcome.fault?.says).toMatch(/position 12 .*seq 7 of run\/r2 is missing before it/);
  });

  it("cut in front", async () => {
    const outcome = await damaged(STREAM, (log) => log.records.splice(0, 5));
    expect(outcome.fault?.says).toMatch(
      /run\/r2 begins at seq 4: the events before it are missing/,
    );
  });

  it("reordered", async () => {
    const outcome = await damaged(range(1, 30), (log) => {
      const [a, b] = [record(log, 4), record(log, 5)];
      log.records.splice(3, 2, b, a);
    });
    expect(outcome.fault).toMatchObject({ position: 4 });
    expect(outcome.fault?.says).toMatch(/given after position 5, out of order/);
  });

  it("put in from another run, or of another log", async () => {
    const wrongRun = await damaged(RUN, (log) => {
      record(log, 5).draft.run = "r1";
    });
    expect(wrongRun.fault?.says).toMatch(/^Event at position 5 .*: it is of another run/);
    const log = new TestLog().fill(5);
    log.status = async () => ({
      logId: LOG_ID,
      lineage: [{ logId: "22".repeat(16), lastPosition: 3 }],
      witnessKeys: [],
      rotations: [],
    });
    expect((await run(log, range(1, 5))).fault?.says).toMatch(/position 1 .*of another log/);
  });

  it("not in the format", async () => {
    const outcome = await damaged(range(1, 5), (log) => {
      record(log, 3).header = "AAAA";
    });
    expect(outcome.fault).toMatchObject({ position: 3 });
    expect(outcome.fault?.says).toMatch(/not in the log's format/);
  });

  it("erased, with and without a redaction that says so", async () => {
    const redacted = new TestLog().fill(12);
    redacted.redact(4);
    const fine = await run(redacted, RUN);
    expect(fine.verdict).toBe("proved");
    expect(said(fine, "proved")).toContainEqual(
      expect.stringMatching(/^1 event with the body erased: each is named by a redaction/),
    );
    expect(said(fine, "unchecked")).toContainEqual(expect.stringMatching(/erased bodies said/));
    const silent = await damaged(RUN, (log) => {
      Object.assign(record(log, 4), { body: null, salt: null });
    });
    expect(silent.fault).toMatchObject({ position: 4 });
    expect(silent.fault?.says).toMatch(/no redaction on the log says so/);
  });

  it("somewhere under a damaged tile: the positions it covers", async () => {
    const log = new TestLog().fill(800);
    const honest = [...log.leaves];
    const note = log.note();
    log.checkpoint = async () => note;
    const serve = log.tile;
    log.tile = async (name) => {
      const bytes = await serve(name);
      return name.level === 0 && name.index === 1 ? bytes.with(5, (bytes[5] ?? 0) ^ 1) : bytes;
    };
    const outcome = await run(log, TREE);
    expect(honest).toHaveLength(800);
    expect(outcome.fault).toMatchObject({ first: 257, last: 512, position: null });
  });
});

describe("a wrong history is named", () => {
  it("cut at the tail, or an old copy", async () => {
    const log = new TestLog().fill(40);
    const known = [remembered(log, 40)];
    log.leaves.length = 25;
    const outcome = await run(log, CHECKPOINT, remembering(known));
    expect(outcome).toMatchObject({ verdict: "wrong", remember: null });
    expect(outcome.fault?.says).toMatch(/The last 15 were cut off, or an old copy is being served/);
  });

  it.each([CHECKPOINT, TREE])("two histories under one name: %o", async (scope) => {
    const log = new TestLog().fill(40);
    const other = new TestLog();
    for (let at = 0; at < 30; at++) other.append({ stream: ["a", "b"], data: at });
    const outcome = await run(log, scope, remembering([remembered(other, 30)]));
    expect(outcome).toMatchObject({ verdict: "wrong", remember: null });
    expect(outcome.fault?.says).toMatch(/two histories under one name/);
    const same = await run(
      log,
      scope,
      remembering([remembered(other, 40, { root: "00".repeat(32) })]),
    );
    expect(same.verdict).toBe("wrong");
  });

  it("another key: nobody signed, or somebody unknown did", async () => {
    const log = new TestLog().fill(5);
    log.keys = async () => `${new TestSigner(log.signer.name, 8).verifier}\n`;
    expect((await run(log, CHECKPOINT)).fault?.says).toMatch(/no valid signature/);

    const changed = new TestLog().fill(5);
    const known = [remembered(changed, 5, { keys: [new TestSigner("x", 8).verifier] })];
    const outcome = await run(changed, CHECKPOINT, remembering(known));
    expect(outcome).toMatchObject({ verdict: "wrong", remember: null });
    expect(outcome.fault?.says).toMatch(/which this browser does not know/);
  });

  it("a new key by a statement of both is taken, and only from its size on", async () => {
    const log = new TestLog().fill(5);
    const known = [remembered(log, 5)];
    const old = log.signer;
    log.rotate(8);
    log.fill(2);
    log.rotate(9);
    const outcome = await run(log, CHECKPOINT, remembering(known));
    expect(outcome.verdict).toBe("proved");
    expect(said(outcome, "proved")).toContainEqual(
      expect.stringMatching(/took its place at 8 events/),
    );
    expect(outcome.remember?.keys).toHaveLength(2);

    log.signer = old;
    const late = await run(log, CHECKPOINT, remembering(known));
    expect(late.fault?.says).toMatch(/which ended at 5/);
    log.rotations = log.rotations.map((text) => text.replace("\n5\n", "\n50\n"));
    expect((await run(log, CHECKPOINT, remembering(known))).fault?.says).toMatch(/has not signed/);
  });

  it("another name than the log's own", async () => {
    const log = new TestLog().fill(5);
    log.status = async () => ({
      logId: "33".repeat(16),
      lineage: [],
      witnessKeys: [],
      rotations: [],
    });
    expect((await run(log, CHECKPOINT)).fault?.says).toMatch(/the log says that it is 3333/);
  });

  it("restored from a copy that lacks what was seen, or that holds all of it", async () => {
    const log = new TestLog().fill(40);
    const parent = "22".repeat(16);
    const known = [
      remembered(log, 30, {
        logId: parent,
        origin: `annals.local/${parent}`,
        keys: [new TestSigner(`annals.local/${parent}`, 4).verifier],
      }),
    ];
    log.lineage = [{ logId: parent, lastPosition: 35 }];
    const whole = await run(log, TREE, remembering(known));
    expect(said(whole, "proved")).toContainEqual(
      expect.stringMatching(/holds all of it unchanged/),
    );
    log.lineage = [{ logId: parent, lastPosition: 20 }];
    const lost = await run(log, CHECKPOINT, remembering(known));
    expect(lost.verdict).toBe("wrong");
    expect(said(lost, "wrong")).toContainEqual(
      expect.stringMatching(/ended at 20: the last 10 .* are not in it/),
    );
    log.lineage = [];
    const unsaid = await run(log, CHECKPOINT, remembering(known));
    expect(unsaid.doubt).toMatch(/showed another log before/);
    expect(said(unsaid, "unchecked")).toContain(unsaid.doubt);
  });
});

describe("witnesses", () => {
  it("that cosigned are told, and those that did not", async () => {
    const log = new TestLog().fill(5);
    log.witnesses = [new TestSigner("witness.example", 9, 4)];
    const outcome = await run(log, CHECKPOINT);
    expect(said(outcome, "proved")).toContainEqual(
      expect.stringMatching(/^Cosigned by the witness witness\.example/),
    );
    const { status } = log;
    log.status = async () => ({ ...(await status()), witnessKeys: ["w+00000000+BwAA"] });
    const odd = await run(log, CHECKPOINT);
    expect(said(odd, "unchecked")).toContainEqual(expect.stringMatching(/a kind that this page/));
    log.status = status;
    const bare = log.note;
    log.note = () => bare.call(log).split("\n").slice(0, 5).join("\n").concat("\n");
    const alone = await run(log, CHECKPOINT);
    expect(said(alone, "unchecked")).toContainEqual(expect.stringMatching(/has not cosigned/));
  });
});
