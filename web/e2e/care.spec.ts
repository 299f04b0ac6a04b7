// Owns the proof that every page can be used by everyone: axe in light and dark, and a phone without sideways scrolling.
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { expect, test } from "./fixtures";
import { append, eventId, freshId, viewsReach } from "./server";
import { wholeStory } from "./story";

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let run = "";
let event = "";

test.beforeAll(async () => {
  run = freshId("run");
  await viewsReach(await append(wholeStory(run, "For everyone")));
  event = await eventId(run, "tool.failed");
});

const pages = (): Record<string, string> => ({
  now: "/",
  live: `/live?run=${run}&origin=native`,
  runs: "/runs",
  transcript: `/runs/${run}`,
  waterfall: `/runs/${run}?view=waterfall`,
  lanes: `/runs/${run}?view=lanes`,
  events: `/runs/${run}?view=events`,
  agents: "/agents",
  usage: "/usage?by=day",
  figures: `/runs/${run}?figures=1`,
  types: "/types",
  type: "/types?type=tool.invoked",
  "types of a dialect": "/types?dialect=hive&q=Tool",
  "one event": `/live?run=${run}&event=${event}&as=kernel`,
  trust: "/trust?scope=range",
  health: "/health",
  "nothing found": "/runs?q=there-is-no-such-title",
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing serious in ${colorScheme}`, async ({ signedIn: page }) => {
    test.setTimeout(180_000);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // The page's policy lets no script in, so axe comes with the test's own rights.
    for (const [name, path] of Object.entries(pages())) {
      await page.goto(path);
      await expect(page.locator(".skeleton")).toHaveCount(0);
      await expect(page.locator("main h1, main h2").first()).toBeVisible();
      const source = await import("node:fs/promises").then((fs) => fs.readFile(axePath, "utf8"));
      await page.evaluate(source);
      const results = await page.evaluate<AxeResults>("axe.run(document)");
      const serious = results.violations
        .filter((found) => found.impact === "serious" || found.impact === "critical")
        .map(
          (found) => `${found.id}: ${found.nodes.map((node) => node.target.join(" ")).join(", ")}`,
        );
      expect.soft(serious, `${name} in ${colorScheme}`).toEqual([]);
    }
  });
}

test("the login page is fit for everyone", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Open Annals from your terminal" })).toBeVisible();
  const source = await import("node:fs/promises").then((fs) => fs.readFile(axePath, "utf8"));
  await page.evaluate(source);
  const results = await page.evaluate<AxeResults>("axe.run(document)");
  expect(results.violations.map((found) => found.id)).toEqual([]);
});

test("on a phone nothing scrolls sideways, the rail is a bar and the drawer a page", async ({
  signedIn: page,
}) => {
  test.setTimeout(120_000);
  await page.setViewportSize({ width: 390, height: 844 });
  for (const [name, path] of Object.entries(pages())) {
    await page.goto(path);
    await expect(page.locator(".skeleton")).toHaveCount(0);
    const over = await page.evaluate(
      () => document.documentElement.scrollWidth - window.innerWidth,
    );
    expect(over, name).toBeLessThanOrEqual(0);
  }
  await page.goto(`/live?run=${run}`);
  const rail = await page.locator(".rail").boundingBox();
  expect(rail?.y).toBeGreaterThan(700);
  await page.locator(".list-row .row").first().click();
  const drawer = page.getByRole("complementary", { name: "Event" });
  await expect(drawer).toBeVisible();
  expect((await drawer.boundingBox())?.width).toBe(390);
  await drawer.getByRole("button", { name: "Back" }).click();
  await expect(drawer).toBeHidden();
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("option", { name: "Health" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Health" })).toBeVisible();
});

test("the theme is chosen by a button and kept", async ({ signedIn: page }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Theme: system. Change" }).click();
  await page.getByRole("button", { name: "Theme: light. Change" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});
