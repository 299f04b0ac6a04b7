// Owns the proof of the run page: totals, transcript, waterfall, lanes, events, live updates, and a run of 100,000 events.
import type { Page } from "@playwright/test";
import { expect, tailOpen, test } from "./fixtures";
import { append, freshId, viewsReach } from "./server";
import { hugeStory, Story, wholeStory } from "./story";

/** Elements of the page: what is virtualised stays small however long the run is. */
const ELEMENTS_MAX = 2_500;
const HUGE_EVENTS = 100_000;

const elements = (page: Page) => page.evaluate(() => document.querySelectorAll("*").length);

async function seeded(title: string): Promise<string> {
  const run = freshId("run");
  await viewsReach(await append(wholeStory(run, title)));
  return run;
}

test("tells a run with its totals, and shows what agents said as text", async ({
  signedIn: page,
}) => {
  const run = await seeded("The whole story");
  await page.goto(`/runs/${run}`);
  await expect(page.getByRole("heading", { name: "The whole story" })).toBeVisible();
  await expect(page.getByText("The budget of 40 turns is used up")).toBeVisible();
  const totals = page.locator(".totals");
  await expect(totals).toContainText("902 in");
  await expect(totals).toContainText("1.80k cached");
  await expect(totals).toContainText("40 out");
  await expect(totals).toContainText("$0.0084 vendor");
  await expect(totals).toContainText("1 failed");

  const transcript = page.getByRole("region", { name: "Transcript" });
  await expect(transcript.getByText("Keep the diff small.")).toBeVisible();
  await expect(transcript.getByText("The clock is seeded twice.")).toBeVisible();
  await expect(transcript.getByText("<script>window.pwned = true</script>")).toBeVisible();
  expect(await page.evaluate(() => "pwned" in window)).toBe(false);
  await expect(transcript.getByText("^[[31mtest result^[[0m: ok. 48 passed")).toBeVisible();
  await expect(transcript.getByText("Exit code 101: unused import")).toBeVisible();
  await expect(transcript.locator('[data-sign="-"]')).toHaveText(/let b = 2;/);
  await expect(transcript.locator('[data-sign="+"]')).toHaveText(/let b = 3;/);
  await page.keyboard.press("End");
  await expect(transcript.getByText("1 h 00 m later")).toBeVisible();
  await expect(transcript.locator('[data-depth="1"]').first()).toBeVisible();
});

test("errors only, one agent only, and a call in the drawer", async ({ signedIn: page }) => {
  const run = await seeded("Narrowing");
  await page.goto(`/runs/${run}`);
  const entries = page.locator(".entry");
  await expect(entries.first()).toBeVisible();
  await page.keyboard.press("e");
  await expect(entries).toHaveCount(1);
  await page.getByRole("button", { name: "Bash cargo clippy" }).click();
  const drawer = page.getByRole("complementary", { name: "tool Bash" });
  await expect(drawer.getByText("Exit code 101: unused import")).toBeVisible();
  await expect(page).toHaveURL(/span=/);
  await page.keyboard.press("Escape");
  await page.keyboard.press("e");
  const outline = page.getByRole("complementary", { name: "Outline of the run" });
  await outline.getByRole("button", { name: /Map the callers/ }).click();
  await expect(page).toHaveURL(/agent=/);
  await expect(entries.filter({ hasText: "Grep" })).toBeVisible();
  await expect(entries.filter({ hasText: "cargo test" })).toHaveCount(0);
});

test("waterfall: tree, folding, filter, squeezed gap, zoom and back", async ({
  signedIn: page,
}) => {
  const run = await seeded("In time");
  await page.goto(`/runs/${run}?view=waterfall`);
  const tree = page.getByRole("list", { name: "Spans as a tree" });
  await expect(tree.locator(".span-row", { hasText: "Grep" })).toBeVisible();
  await expect(tree.locator('.bar[data-status="error"]').first()).toBeVisible();
  await expect(page.locator(".gap")).toHaveCount(1);
  await page.getByRole("button", { name: "Fold Task" }).click();
  await expect(tree.locator(".span-row", { hasText: "Grep" })).toHaveCount(0);

  const bar = tree.locator('.bar[data-kind="model"]').first();
  const before = (await bar.boundingBox())?.width ?? 0;
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  await expect(page.getByRole("button", { name: /Whole run/ })).toBeVisible();
  await page.keyboard.press("0");
  await expect
    .poll(async () => Math.round((await bar.boundingBox())?.width ?? 0))
    .toBe(Math.round(before));
  await page.keyboard.press("c");
  await expect(page.locator(".gap")).toHaveCount(0);

  await page.getByLabel("Filter by name").fill("clippy");
  await expect(tree.locator(".span-row")).toHaveCount(1);
});

test("lanes: one per agent, and a bar opens its call", async ({ signedIn: page }) => {
  const run = await seeded("Side by side");
  await page.goto(`/runs/${run}?view=lanes`);
  const lanes = page.getByRole("list", { name: "Agents" });
  await expect(lanes.getByRole("listitem")).toHaveCount(3);
  await expect(lanes.getByText("Map the callers")).toBeVisible();
  const canvas = page.getByRole("img", { name: /What 3 agents did/ });
  const painted = () =>
    canvas.evaluate((element) => {
      const { width, height } = element as HTMLCanvasElement;
      const pixels = (element as HTMLCanvasElement)
        .getContext("2d")
        ?.getImageData(0, 0, width, height).data;
      const seen = new Set<number>();
      for (let at = 0; pixels && at < pixels.length; at += 4) {
        seen.add(((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0));
      }
      return seen.size;
    });
  await expect.poll(painted).toBeGreaterThan(4);
});

test("events: every one of them, and the way back to the list of runs", async ({
  signedIn: page,
}) => {
  const run = await seeded("To the letter");
  await page.goto(`/runs/${run}?view=events`);
  const list = page.getByRole("list", { name: "Events of this run, oldest first" });
  await expect(list.getByRole("button").first()).toContainText("run.started");
  await list.getByRole("button").first().click();
  await expect(page.getByRole("complementary", { name: "Event" })).toBeVisible();
  await page.keyboard.press("j");
  await expect(
    page
      .getByRole("complementary", { name: "Event" })
      .getByRole("heading", { name: "agent.started" }),
  ).toBeVisible();
  await page.getByRole("link", { name: "Back to all runs" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Runs" })).toBeVisible();
});

test("follows a run that goes on", async ({ signedIn: page }) => {
  const run = freshId("run");
  const story = new Story(run, "codex", Date.now() - 1_000).begin("Still at it").prompt("Go.");
  await viewsReach(await append(story.events));
  await page.goto(`/runs/${run}`);
  await expect(page.getByText("running").first()).toBeVisible();
  await tailOpen(page);
  const more = new Story(run, "codex", Date.now());
  await append(more.call("Bash", { command: "sleep 60" }, null).events);
  const call = page.locator(".call", { hasText: "sleep 60" });
  await expect(call).toBeVisible();
  await expect(call.getByText("running")).toBeVisible();
  const open = more.events[0]?.data;
  const end = new Story(run, "codex", Date.now()).tell("tool.succeeded", {
    ...open,
    output: "slept well",
    duration_ms: 60_000,
  });
  await append(end.events);
  await expect(call.getByText("slept well")).toBeVisible();
  await append(new Story(run, "codex", Date.now()).tell("run.completed", { run_id: run }).events);
  await expect(page.locator(".run-title").getByText("completed")).toBeVisible();
});

test("a run of 100,000 events stays small on the page in every view", async ({
  signedIn: page,
}) => {
  test.setTimeout(300_000);
  const run = freshId("huge");
  const last = await append(hugeStory(run, "Port all components", HUGE_EVENTS));
  await viewsReach(last);
  await page.goto(`/runs/${run}`);
  await expect(page.locator(".entry").first()).toBeVisible();
  await expect(page.getByText("loading …")).toHaveCount(0, { timeout: 60_000 });
  expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);

  const pane = page.getByRole("region", { name: "Transcript" });
  for (const share of [0.1, 0.4, 0.7, 0.95]) {
    await pane.evaluate(
      (element, to) => element.scrollTo({ top: element.scrollHeight * to }),
      share,
    );
    await expect(
      page.locator(".call-output", { hasText: "14 tests passed" }).first(),
    ).toBeVisible();
    expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);
  }

  await page.keyboard.press("2");
  await expect(page.locator(".bar").first()).toBeVisible();
  await page.keyboard.press("End");
  await expect(page.locator(".span-row").last()).toBeVisible();
  expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);

  await page.keyboard.press("3");
  await expect(page.getByRole("img", { name: /agents did over time/ })).toBeVisible();
  expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);

  await page.keyboard.press("4");
  const list = page.getByRole("list", { name: "Events of this run, oldest first" });
  await expect(list.getByRole("button").first()).toContainText("run.started");
  await page.keyboard.press("End");
  await expect(list.getByRole("button", { name: /run\.completed/ })).toBeVisible();
  expect(await elements(page)).toBeLessThan(ELEMENTS_MAX);
});
