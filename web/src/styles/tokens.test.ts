// Owns the proof that the colours can be read and told apart, in light and dark, also by colour-blind people.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CATEGORIES } from "../format/category";

const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");

function block(selector: string): Map<string, string> {
  const from = css.indexOf(`${selector} {`);
  const text = css.slice(from, css.indexOf("}", from));
  return new Map(
    [...text.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((found) => [
      found[1] ?? "",
      found[2] ?? "",
    ]),
  );
}

const THEMES = {
  light: block(":root"),
  dark: block(':root[data-theme="dark"]'),
};
const systemDark = block('  :root:not([data-theme="light"])');

type Rgb = [number, number, number];

function linear(hex: string): Rgb {
  const part = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [part(1), part(3), part(5)];
}

const luminance = ([r, g, b]: Rgb) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(linear(a)), luminance(linear(b))].sort((x, y) => y - x);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

type Matrix = [Rgb, Rgb, Rgb];
/** Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB. */
const SIGHT: Record<string, Matrix> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function oklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(Math.max(0, 0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b));
  const m = Math.cbrt(Math.max(0, 0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b));
  const s = Math.cbrt(Math.max(0, 0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b));
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function apart(a: string, b: string, sight: Matrix): number {
  const seen = (hex: string) => {
    const rgb = linear(hex);
    return oklab(sight.map((row) => row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]) as Rgb);
  };
  const [x, y] = [seen(a), seen(b)];
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

describe.each(Object.entries(THEMES))("%s", (_, theme) => {
  const colour = (name: string) => theme.get(name) ?? "missing";

  it.each(["text", "muted", "faint", "accent", "failure", "waiting", "success"])(
    "%s can be read on every ground",
    (name) => {
      for (const ground of ["bg", "surface", "raised", "sunken", "hover"]) {
        expect(
          contrast(colour(name), colour(ground)),
          `${name} on ${ground}`,
        ).toBeGreaterThanOrEqual(4.5);
      }
    },
  );

  it.each([
    ["failure", "failure-soft"],
    ["success", "success-soft"],
    ["waiting", "waiting-soft"],
    ["accent", "accent-soft"],
    ["on-accent", "accent"],
    ["text", "active"],
    ["muted", "active"],
    ["faint", "active"],
  ])("%s can be read on %s", (name, ground) => {
    expect(contrast(colour(name), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it("has categories that can be read", () => {
    for (const category of CATEGORIES) {
      expect(
        contrast(colour(`cat-${category}`), colour("surface")),
        category,
      ).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colour(`cat-${category}`), colour("bg")), category).toBeGreaterThanOrEqual(
        4.5,
      );
    }
  });

  it.each(Object.entries(SIGHT))("has categories that differ for %s sight", (_sight, matrix) => {
    for (const [at, one] of CATEGORIES.entries()) {
      for (const other of CATEGORIES.slice(at + 1)) {
        const distance = apart(colour(`cat-${one}`), colour(`cat-${other}`), matrix);
        expect(distance, `${one} and ${other}`).toBeGreaterThan(0.055);
      }
    }
  });
});

it("is dark in the same way by choice and by the system", () => {
  expect(systemDark).toEqual(THEMES.dark);
});
