// Owns the proof of what verification asks of a server, and that a passing failure does not end it.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { HttpSource, PAGE_RECORDS, plainId, SourceFailure } from "./source";

let asked: { path: string; bearer: string | null }[] = [];
let answers: (Response | "away")[] = [];

beforeEach(() => {
  asked = [];
  answers = [];
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    asked.push({ path, bearer: new Headers(init.headers).get("authorization") });
    const answer = answers.shift() ?? new Response("ok");
    if (answer === "away") throw new TypeError("no route to host");
    return answer;
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const source = (stop = new AbortController()) => new HttpSource("t", stop.signal);
const refused = (status: number, detail: string) => Response.json({ detail }, { status });

it("asks for tiles, pages and streams by their public names", async () => {
  answers = [new Response("x"), Response.json({ events: [] }), Response.json({ events: [] })];
  await source().tile({ level: 0, index: 1_067, width: 8 });
  await source().events({ run_id: "r/1", after_position: 7 });
  await source().stream("run", "r/1", 3);
  expect(asked.map(({ path }) => path)).toEqual([
    "/v1/log/tile/0/x001/067.p/8",
    `/v1/events?as=record&order=asc&limit=${PAGE_RECORDS}&run_id=r%2F1&after_position=7`,
    `/v1/streams/run/r%2F1/events?as=record&from_seq=3&limit=${PAGE_RECORDS}`,
  ]);
  expect(asked[0]?.bearer).toBe("Bearer t");
});

it("asks again while a failure may pass, and gives up with what the server said", async () => {
  answers = ["away", refused(503, "busy"), new Response("note")];
  const note = source().checkpoint();
  await vi.runAllTimersAsync();
  expect(await note).toBe("note");
  answers = Array.from({ length: 9 }, () => refused(503, "busy"));
  const failed = source()
    .checkpoint()
    .catch((cause: unknown) => cause);
  await vi.runAllTimersAsync();
  expect(await failed).toMatchObject({ message: "/v1/log/checkpoint: busy", status: 503 });
});

it("does not ask again what was refused, and knows a stream that is not there", async () => {
  answers = [refused(403, "no"), refused(404, "none")];
  await expect(source().keys()).rejects.toBeInstanceOf(SourceFailure);
  expect(await source().stream("a", "b", 1)).toBeNull();
  expect(asked).toHaveLength(2);
});

it("stops waiting when it is stopped", async () => {
  const stop = new AbortController();
  answers = ["away"];
  const failed = source(stop)
    .checkpoint()
    .catch((cause: unknown) => cause);
  await vi.advanceTimersByTimeAsync(10);
  stop.abort();
  await failed;
  expect(asked).toHaveLength(1);
});

it("reads a status whose ids are UUIDs", async () => {
  const log_id = "07D9565B-062a-49ae-be68-04756277c0f9";
  answers = [Response.json({ log_id, lineage: [{ log_id, last_position: 4 }] })];
  expect(await source().status()).toEqual({
    logId: "07d9565b062a49aebe6804756277c0f9",
    lineage: [{ logId: plainId(log_id), lastPosition: 4 }],
    witnessKeys: [],
    rotations: [],
  });
});

it.each([
  "07d9565b062a49aebe6804756277c0f9",
  "{07d9565b-062a-49ae-be68-04756277c0f9}",
  "07d9565b-062a-49ae-be68-04756277c0f9 ",
  "../other",
  7,
])("refuses a log id of another spelling: %s", async (log_id) => {
  answers = [Response.json({ log_id })];
  await expect(source().status()).rejects.toThrow("a log id that is no UUID");
  const whole = "07d9565b-062a-49ae-be68-04756277c0f9";
  answers = [Response.json({ log_id: whole, lineage: [{ log_id, last_position: 4 }] })];
  await expect(source().status()).rejects.toThrow("a log id that is no UUID");
});
