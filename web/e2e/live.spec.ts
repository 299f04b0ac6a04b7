// Owns the proof of the live tail: events appear, filters hold, pause holds back, a restart loses and doubles nothing.
import { expect, tailOpen, test } from "./fixtures";
import { append, freshId, restartServer } from "./server";
import { Story } from "./story";

const rows = ".list-row .row";

test("shows an event the moment it is appended, and opens it by link", async ({
  signedIn: page,
}) => {
  await page.goto("/live");
  await tailOpen(page);
  const run = freshId("run");
  await append(new Story(run).say(`hello from ${run}`).events);
  const row = page.locator(rows, { hasText: `hello from ${run}` });
  await expect(row).toBeVisible();
  await row.click();
  const drawer = page.getByRole("complementary", { name: "Event" });
  await expect(drawer.getByRole("heading", { name: "message.created" })).toBeVisible();
  await expect(drawer.getByText(`"hello from ${run}"`).first()).toBeVisible();
  await expect(drawer.getByText("none: first of its stream")).toBeVisible();
  expect(page.url()).toContain("event=");

  await page.reload();
  await expect(drawer.getByRole("heading", { name: "message.created" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
});

test("filters on the server, and says so in the link", async ({ signedIn: page }) => {
  await page.goto("/live");
  await tailOpen(page);
  const run = freshId("run");
  await page.getByLabel("Add a filter").fill(`run:${run}`);
  await page.keyboard.press("Enter");
  await page.getByLabel("Add a filter").fill("tool.*");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/run=.*type=|type=.*run=/);
  await expect(page.getByText("Nothing matches yet")).toBeVisible();
  await tailOpen(page);

  await append(
    new Story(run).say("not this").call("Bash", { command: "make test" }, { output: "ok" }).events,
  );
  await append(
    new Story(freshId("other")).call("Bash", { command: "nor this" }, { output: "ok" }).events,
  );
  await expect(page.locator(rows)).toHaveCount(2);
  await expect(page.getByText("not this")).toHaveCount(0);

  await page.getByRole("button", { name: "Remove the filter type tool.*" }).click();
  await expect(page.locator(rows, { hasText: "not this" })).toBeVisible();
});

test("a category is one key away", async ({ signedIn: page }) => {
  const run = freshId("run");
  await append(
    new Story(run).say("words").call("Bash", { command: "deeds" }, { output: "ok" }).events,
  );
  await page.goto(`/live?run=${run}`);
  await expect(page.locator(rows)).toHaveCount(3);
  await page.keyboard.press("5");
  await expect(page).toHaveURL(/category=communication/);
  await expect(page.locator(rows)).toHaveCount(1);
});

test("pause holds new events behind the pill until they are asked for", async ({
  signedIn: page,
}) => {
  const run = freshId("run");
  await append(new Story(run).say("first").events);
  await page.goto(`/live?run=${run}`);
  await expect(page.locator(rows)).toHaveCount(1);
  await tailOpen(page);
  await page.keyboard.press("p");
  await expect(page.getByRole("button", { name: "Paused" })).toBeVisible();
  await append(new Story(run).say("second").say("third").events);
  const pill = page.getByRole("button", { name: "2 new" });
  await expect(pill).toBeVisible();
  await expect(page.locator(rows)).toHaveCount(1);
  await pill.click();
  await expect(page.locator(rows)).toHaveCount(3);
  await expect(page.locator(rows).first()).toContainText("third");
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();
});

test("new rows wait while the reader is not at the top", async ({ signedIn: page }) => {
  const run = freshId("run");
  const story = new Story(run);
  for (let at = 0; at < 120; at++) story.say(`line ${at}`);
  await append(story.events);
  await page.goto(`/live?run=${run}`);
  await tailOpen(page);
  await page.locator(".list").evaluate((list) => list.scrollTo({ top: 800 }));
  const read = page.locator(rows, { hasText: "line 80" });
  await expect(read).toBeInViewport();
  const before = await read.boundingBox();
  await append(new Story(run).say("the newest").events);
  await expect(page.getByRole("button", { name: "1 new" })).toBeVisible();
  expect(await read.boundingBox()).toEqual(before);
  await page.keyboard.press("t");
  await expect(page.locator(rows).first()).toContainText("the newest");
});

test("stays signed in over a restart and resumes without a gap or a duplicate", async ({
  signedIn: page,
}) => {
  const run = freshId("run");
  await append(new Story(run).say("before 1").say("before 2").events);
  await page.goto(`/live?run=${run}`);
  await expect(page.locator(rows)).toHaveCount(2);
  await tailOpen(page);

  await restartServer();
  await append(new Story(run).say("after 1").say("after 2").events);
  await expect(page.locator(rows)).toHaveCount(4);
  await expect(page.locator(".mark")).toContainText("nothing missed");
  await append(new Story(run).say("after 3").events);
  await expect(page.locator(rows)).toHaveCount(5);
  const said = await page.locator(`${rows} .summary`).allInnerTexts();
  expect(said.map((text) => text.replace("text · ", ""))).toEqual([
    "after 3",
    "after 2",
    "after 1",
    "before 2",
    "before 1",
  ]);
});
