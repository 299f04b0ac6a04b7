// Owns the proof of what the dashboard shows of the doors: types with their counts and spellings, dialects, where figures come from.
import { randomUUID } from "node:crypto";
import { expect, tailOpen, test } from "./fixtures";
import { append, type Data, freshId, refused, throughDoor, viewsReach } from "./server";
import { Story } from "./story";

const rows = ".list-row .row";

/** A tool's result as Hive says it. */
function postToolUse(tool_name: string, success: boolean): Data {
  return {
    event_id: randomUUID(),
    timestamp: new Date().toISOString().replace("Z", ""),
    event_type: "PostToolUse",
    event_category: "tool",
    workflow_id: randomUUID(),
    agent_id: randomUUID(),
    payload: { tool_name, success, error: success ? null : "no kettle" },
  };
}

const row = (type: string) => `.types-columns.row:has(.strong:text-is("${type}"))`;

test("Types count what comes, by dialect, while it comes", async ({ signedIn: page }) => {
  await viewsReach(await append(new Story(freshId("run")).call("Bash", {}, null).events));
  await page.goto("/types?q=tool.invoked");
  const events = page.locator(row("tool.invoked")).locator(".t-events");
  await expect(events).toHaveText(/^[\d,]+$/);
  const before = Number((await events.innerText()).replaceAll(",", ""));
  await tailOpen(page);
  await append(new Story(freshId("run")).call("Bash", {}, null).call("Read", {}, null).events);
  await expect(events).toHaveText((before + 2).toLocaleString("en"));
  await throughDoor("hive", [postToolUse("Bash", false)]);
  await page.goto("/types?type=tool.failed");
  const drawer = page.getByRole("complementary", { name: "Type tool.failed" });
  await expect(drawer.getByRole("link", { name: /^hive \d/ })).toBeVisible();
  await expect(drawer.getByText("PostToolUse", { exact: true }).first()).toBeVisible();
  await expect(drawer.locator(".members")).toContainText("tool_call_id");
  await drawer.getByRole("link", { name: /^hive \d/ }).click();
  await expect(page).toHaveURL(/\/live\?type=tool\.failed&origin=hive/);
});

test("Types are found by how another format spells them", async ({ signedIn: page }) => {
  await page.goto("/types");
  await expect(page.getByLabel("Search types")).toBeVisible();
  await page.keyboard.press("/");
  await page.keyboard.type("PreToolUse");
  await expect(page).toHaveURL(/q=PreToolUse/);
  await expect(page.locator(row("tool.invoked"))).toContainText("PreToolUse");
  await expect(page.locator(row("run.started"))).toHaveCount(0);
  await page.getByLabel("Search types").fill("");
  await page.getByRole("combobox", { name: "Dialect" }).selectOption("envelope");
  await expect(page).toHaveURL(/dialect=envelope/);
  await expect(page.locator(row("envelope.planned"))).toContainText("plan");
  await page.reload();
  await expect(page.locator(row("envelope.planned"))).toBeVisible();
  await expect(page.locator(row("tool.invoked"))).toHaveCount(0);
});

test("Types sort by any figure and hold still under the pointer", async ({ signedIn: page }) => {
  const types = () => page.locator(".types-columns.row .strong").allInnerTexts();
  await page.goto("/types");
  await page.getByRole("button", { name: "Type", exact: true }).click();
  await expect(page).toHaveURL(/sort=type/);
  const byName = await types();
  expect(byName).toEqual([...byName].sort((a, b) => a.localeCompare(b)));
  const tell = async (type: string) =>
    viewsReach(await append(new Story(freshId("run")).tell(type, {}).events));
  await tell("run.paused");
  await tell("run.resumed");
  await page.goto("/types?sort=last");
  await expect(page.locator(".types-columns.row .strong").first()).toHaveText("run.resumed");
  await page.locator(rows).first().hover();
  await tailOpen(page);
  const before = await types();
  const paused = page.locator(row("run.paused")).locator(".t-events");
  const size = Number((await paused.innerText()).replaceAll(",", ""));
  await tell("run.paused");
  await expect(paused).toHaveText(String(size + 1));
  expect(await types()).toEqual(before);
  await page.mouse.move(700, 20);
  await expect(page.locator(".types-columns.row .strong").first()).toHaveText("run.paused");
});

test("what no catalog names is shown as such, and only what came where that is asked", async ({
  signedIn: page,
}) => {
  await viewsReach(await append(new Story(freshId("run")).tell("tea.brewed", {}).events));
  await page.goto("/types?q=tea.brewed");
  await expect(page.locator(row("tea.brewed"))).toContainText("not in the catalog");
  await page.goto("/types?dialect=kernel");
  await expect(page.locator(row("evolution.started"))).toBeVisible();
  await page.keyboard.press("s");
  await expect(page).toHaveURL(/seen=1/);
  await expect(page.locator(row("evolution.started"))).toHaveCount(0);
});

test("data that does not fit is counted on its type", async ({ signedIn: page }) => {
  const [event] = new Story(freshId("run")).tell("tool.invoked", { tool_call_id: 7 }).events;
  if (event) expect(await refused(event)).toBe("schema_violation");
  await page.goto("/types");
  await page.getByRole("link", { name: /schema failure/ }).click();
  await expect(page).toHaveURL(/sort=failures/);
  await expect(page.locator(row("tool.invoked")).locator(".t-failures")).toHaveText(/[1-9]/);
});

test("the keyboard walks the types and opens one", async ({ signedIn: page }) => {
  await page.goto("/types?sort=type&category=tool");
  await expect(page.locator(rows).first()).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/[?&]type=./);
  const drawer = page.locator("aside.drawer");
  await expect(drawer).toBeVisible();
  await expect(page.locator('.types-columns.row[aria-current="page"]')).toHaveCount(1);
  const first = await drawer.getByRole("heading").first().innerText();
  await page.keyboard.press("j");
  await expect(drawer.getByRole("heading").first()).not.toHaveText(first);
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
});

test("the tail is filtered by the dialect that events came by", async ({ signedIn: page }) => {
  const tool = freshId("tool");
  const native = freshId("run");
  await throughDoor("hive", [postToolUse(tool, true)]);
  await append(new Story(native).call(tool, {}, { output: "ok" }).events);
  await page.goto("/live?type=tool.*");
  await page.getByRole("combobox", { name: /dialect/ }).selectOption("hive");
  await expect(page).toHaveURL(/origin=hive/);
  await expect(page.locator(rows, { hasText: tool })).toHaveCount(1);
  await tailOpen(page);
  await append(new Story(native).call(tool, {}, { output: "ok" }).events);
  await throughDoor("hive", [postToolUse(tool, false)]);
  await expect(page.locator(rows, { hasText: tool })).toHaveCount(2);
  await expect(page.locator(rows, { hasText: tool }).first()).toContainText("no kettle");
  await page.getByRole("combobox", { name: /dialect/ }).selectOption("native");
  await expect(page.locator(rows, { hasText: tool })).toHaveCount(6);
  await page.getByRole("button", { name: "Remove the filter dialect hive" }).click();
  await expect(page.locator(rows, { hasText: tool })).toHaveCount(4);
});

test("an event is shown as any dialect has it, and the link says which", async ({
  signedIn: page,
}) => {
  const document = postToolUse("Kettle", false);
  const [event] = await throughDoor("hive", [document]);
  await page.goto(`/live?event=${event}`);
  const drawer = page.getByRole("complementary", { name: "Event" });
  await drawer.getByRole("button", { name: "hive", exact: true }).click();
  await expect(page).toHaveURL(/as=hive/);
  const json = drawer.getByLabel("As hive");
  await expect(json).toContainText('"event_type": "PostToolUse"');
  await expect(json).toContainText(String(document.workflow_id));
  await page.reload();
  await expect(json).toContainText('"PostToolUse"');
  await drawer.getByRole("button", { name: "kernel", exact: true }).click();
  await expect(drawer.getByLabel("As kernel")).toContainText("ToolExecutionFinished");
  await drawer.getByRole("button", { name: "whole event" }).click();
  await expect(drawer.getByLabel("Whole event")).toContainText('"event_type": "tool.failed"');
  await page.goto(`/live?event=${event}&as=envelope`);
  await expect(drawer.getByText("has no form for this event")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page).not.toHaveURL(/as=/);
});

test("a run says where its tokens and cost come from", async ({ signedIn: page }) => {
  const run = freshId("run");
  await viewsReach(await append(new Story(run).begin("Counted").model(812).model(90).events));
  await page.goto(`/runs/${run}`);
  await expect(page.getByText("From cache")).toBeVisible();
  await page.keyboard.press("i");
  await expect(page).toHaveURL(/figures=1/);
  const drawer = page.getByRole("complementary", { name: "Where the figures come from" });
  await expect(drawer.getByRole("columnheader", { name: /native calls/ })).toContainText("counts");
  await expect(drawer.getByRole("row", { name: /^Input/ })).toContainText("902");
  await expect(drawer.getByRole("row", { name: /^Cost by the vendor/ })).toContainText("$0.0084");
  await expect(drawer.getByText(/price table/).first()).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(drawer).toBeHidden();
  await page.getByTitle("Where this comes from (i)").first().click();
  await expect(drawer).toBeVisible();
});

test("measured numbers are on the Health page", async ({ signedIn: page }) => {
  const name = freshId("kettle.boils").toLowerCase();
  await page.goto("/health");
  await expect(page.getByRole("region", { name: "Metric series" })).toBeVisible();
  const at = new Date().toISOString();
  const data = {
    name,
    unit: "{boil}",
    kind: "sum",
    temporality: "delta",
    monotonic: true,
    attributes: { kitchen: "north" },
    start_at: at,
    at,
    value: 3,
  };
  const point = new Story(freshId("run")).tell("metric.reported", data);
  await viewsReach(await append(point.events));
  await page.getByLabel("Search metric series").fill(name);
  await expect(page.locator(".metrics-columns.row")).toContainText("3 boil");
  await expect(page.locator(".metrics-columns.row")).toContainText("kitchen=north");
});
