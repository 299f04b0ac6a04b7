// Owns the proof, against a real HTTP server, that a tail resumes after a restart without a gap or a duplicate.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { Follower, type TailFrame } from "./follow";
import type { TailMark } from "./resume";

const frame = (position: number) =>
  `id: ${position}\nevent: tool.invoked\ndata: {"position":${position}}\n\n`;

let server: Server | null = null;
let follower: Follower | null = null;

afterEach(() => {
  follower?.stop();
  server?.closeAllConnections();
  server?.close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(answer: Answer, port = 0): Promise<number> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server?.listen(port, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function shut(): Promise<void> {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => server?.close(() => resolve()));
}

function follow(port: number, after: number | null) {
  const seen: number[] = [];
  const marks: TailMark[] = [];
  const waits: ((count: number) => void)[] = [];
  follower = new Follower(
    { path: `http://127.0.0.1:${port}/v1/tail`, params: {}, after },
    {
      onFrames: (frames: TailFrame[]) => {
        seen.push(...frames.map((one) => one.position));
        for (const wake of waits) wake(seen.length);
      },
      onPhase: () => undefined,
      onMark: (mark) => marks.push(mark),
    },
  );
  void follower.run();
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      if (seen.length >= count) resolve();
      waits.push((length) => length >= count && resolve());
    });
  return { seen, marks, until };
}

const sse = (response: ServerResponse, body: string) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(`retry: 100\n\n${body}`);
};

it("resumes after a restart exactly behind the last event, and draws a line", async () => {
  const port = await listen((_, response) => sse(response, frame(6) + frame(7)));
  const tail = follow(port, 5);
  await tail.until(2);
  await shut();

  let resumedFrom: string | undefined;
  await listen((request, response) => {
    resumedFrom = request.headers["last-event-id"] as string;
    // A server that replays one event too many must not show it twice.
    sse(response, frame(7) + frame(8) + frame(9));
  }, port);
  await tail.until(4);

  expect(resumedFrom).toBe("7");
  expect(tail.seen).toEqual([6, 7, 8, 9]);
  expect(tail.marks).toHaveLength(1);
  expect(tail.marks[0]).toMatchObject({ after: 7, gap: false });
});

it("resumes after the progress that a filtered tail reported", async () => {
  const froms: (string | undefined)[] = [];
  const port = await listen((request, response) => {
    froms.push(request.headers["last-event-id"] as string | undefined);
    if (froms.length === 1) {
      sse(response, `${frame(3)}id: 90\n\n`);
      setImmediate(() => response.end());
    } else sse(response, frame(91));
  });
  const tail = follow(port, null);
  await tail.until(2);
  expect(froms).toEqual([undefined, "90"]);
  expect(tail.seen).toEqual([3, 91]);
});

it("draws a gap when the log behind the point is another one", async () => {
  let asked = 0;
  const port = await listen((request, response) => {
    asked++;
    if (request.headers["last-event-id"]) {
      response.writeHead(409, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ status: 409, title: "x", reason_code: "history_diverged" }));
    } else sse(response, frame(1));
  });
  const tail = follow(port, 500);
  await tail.until(1);
  expect(asked).toBe(2);
  expect(tail.marks[0]).toMatchObject({ gap: true, after: null });
});

it("stops when the filter is refused", async () => {
  let asked = 0;
  const port = await listen((_, response) => {
    asked++;
    response.writeHead(400, { "content-type": "application/problem+json" });
    response.end(
      JSON.stringify({ status: 400, title: "bad filter", reason_code: "invalid_filter" }),
    );
  });
  const phases: string[] = [];
  follower = new Follower(
    { path: `http://127.0.0.1:${port}/v1/tail`, params: {}, after: 1 },
    { onFrames: () => undefined, onPhase: (phase) => phases.push(phase), onMark: () => undefined },
  );
  await follower.run();
  expect(asked).toBe(1);
  expect(phases).toEqual(["connecting", "ended"]);
});
