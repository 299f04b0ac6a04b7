// Owns the proof of the resume rules: no event twice, none skipped unsaid, waits bounded.
import { describe, expect, it } from "vitest";
import { ApiError } from "../api/client";
import { advance, backoffMs, judgeRefusal, laggedPoint } from "./resume";

const problem = (status: number, reason_code: string, retryable = false) =>
  new ApiError({ type: "about:blank", title: "x", status, reason_code, retryable });

describe("advance", () => {
  it("takes each position once, in order", () => {
    const point = { position: null as number | null };
    expect(["3", "4", "4", "2", "9"].map((id) => advance(point, id))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
    expect(point.position).toBe(9);
  });

  it("never moves for an id that is not a position", () => {
    const point = { position: 5 as number | null };
    expect([null, "", "x", "6.5", "-7"].map((id) => advance(point, id))).toEqual(
      Array(5).fill(false),
    );
    expect(point.position).toBe(5);
  });
});

describe("backoffMs", () => {
  const wait = (attempt: number, jitter = 0.5) =>
    backoffMs({ attempt, server_retry_ms: 500, retry_after_ms: null, jitter });

  it("doubles and stays under the bound", () => {
    expect([1, 2, 3, 4, 5, 50].map((n) => wait(n))).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
    expect(wait(50, 0.999)).toBeLessThanOrEqual(6250);
  });

  it("obeys Retry-After", () => {
    expect(backoffMs({ attempt: 1, server_retry_ms: 1, retry_after_ms: 7000, jitter: 0 })).toBe(
      7000,
    );
  });
});

describe("judgeRefusal", () => {
  it("starts afresh only where the point itself is refused", () => {
    expect(judgeRefusal(problem(409, "history_diverged")).do).toBe("restart");
    expect(judgeRefusal(problem(410, "trimmed")).do).toBe("restart");
    expect(judgeRefusal(problem(503, "overloaded", true)).do).toBe("retry");
    expect(judgeRefusal(problem(429, "rate_limited")).do).toBe("retry");
    expect(judgeRefusal(problem(401, "token_expired")).do).toBe("stop");
    expect(judgeRefusal(problem(400, "invalid_filter")).do).toBe("stop");
  });
});

describe("laggedPoint", () => {
  it("reads the point and survives nonsense", () => {
    expect(laggedPoint('{"resume_after":12}')).toBe(12);
    expect(laggedPoint('{"position":"44"}')).toBe(44);
    expect(laggedPoint("nope")).toBeNull();
  });
});
