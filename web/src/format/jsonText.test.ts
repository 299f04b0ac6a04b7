// Owns the proof that JSON is shown as it was sent.
import { expect, it } from "vitest";
import { indented, memberText } from "./jsonText";

const SENT = '{"b":12345678901234567890,"a":[1.0,{"x\\"y":"\\u0000{,}"}],"e":{},"f":[],"n":null}';

it("keeps numbers, escapes and order token for token", () => {
  expect(indented(SENT)).toBe(
    [
      "{",
      '  "b": 12345678901234567890,',
      '  "a": [',
      "    1.0,",
      "    {",
      '      "x\\"y": "\\u0000{,}"',
      "    }",
      "  ],",
      '  "e": {},',
      '  "f": [],',
      '  "n": null',
      "}",
    ].join("\n"),
  );
});

it("takes one member out exactly, at the top level only", () => {
  expect(memberText(SENT, "b")).toBe("12345678901234567890");
  expect(memberText(SENT, "a")).toBe('[1.0,{"x\\"y":"\\u0000{,}"}]');
  expect(memberText(SENT, "n")).toBe("null");
  expect(memberText('{"p":{"data":1},"data":"x"}', "data")).toBe('"x"');
  expect(memberText(SENT, "zz")).toBeNull();
});

it("shows a bare value", () => expect(indented('"x"')).toBe('"x"'));
