// Owns the proof that payloads are fetched around what is seen, once, and let go in the end.
import { expect, it } from "vitest";
import type { EventsPage } from "../api/types";
import { EventCache } from "./eventCache";
import { event } from "./testSpans";

function server(positions: number[]) {
  const asked: number[] = [];
  const fetchAfter = async (after: number, limit: number): Promise<EventsPage> => {
    asked.push(after);
    const found = positions.filter((at) => at > after);
    const events = found.slice(0, limit).map((at) => event(at, "tool.invoked", {}));
    return { events, next: found.length > limit ? "more" : null, as_of: 10_000 };
  };
  return { asked, fetchAfter };
}

const settled = (cache: EventCache) =>
  new Promise<void>((resolve) => {
    const stop = cache.subscribe(() => {
      stop();
      setImmediate(resolve);
    });
  });

it("covers neighbours with one request", async () => {
  const { asked, fetchAfter } = server([5, 9, 12]);
  const cache = new EventCache(fetchAfter);
  cache.want([12, 5, 9, null]);
  await settled(cache);
  expect(asked).toEqual([4]);
  expect([5, 9, 12].map((at) => cache.get(at)?.position)).toEqual([5, 9, 12]);
});

it("does not ask again for what does not exist", async () => {
  const { asked, fetchAfter } = server([5]);
  const cache = new EventCache(fetchAfter);
  cache.want([5, 6]);
  await settled(cache);
  cache.want([5, 6]);
  expect(asked).toEqual([4]);
});

it("fetches what scrolled into view above a page that was on its way", async () => {
  const { fetchAfter } = server([5, 9]);
  const cache = new EventCache(fetchAfter);
  cache.want([9]);
  cache.want([5, 9]);
  await settled(cache);
  await expect.poll(() => cache.get(5)?.position).toBe(5);
});

it("keeps a bounded number", () => {
  const cache = new EventCache(server([]).fetchAfter);
  for (let from = 0; from < 10_000; from += 500) {
    cache.put(Array.from({ length: 500 }, (_, at) => event(from + at + 1, "x", {})));
  }
  expect(cache.get(1)).toBeUndefined();
  expect(cache.get(10_000)?.position).toBe(10_000);
});
