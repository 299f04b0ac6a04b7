// Owns the proof that refreshed rows keep their places.
import { expect, it } from "vitest";
import { stableOrder } from "./order";

const order = (before: string, fresh: string) =>
  stableOrder([...before], [...fresh], (item) => item).join("");

it("keeps places when activity reorders the answer", () => {
  expect(order("abc", "cab")).toBe("abc");
});
it("puts news on top", () => {
  expect(order("abc", "xcab")).toBe("xabc");
  expect(order("abc", "cxab")).toBe("xabc");
});
it("adds a further page below", () => {
  expect(order("abc", "cabde")).toBe("abcde");
});
it("drops what is gone", () => {
  expect(order("abc", "ca")).toBe("ac");
  expect(order("", "ab")).toBe("ab");
});
