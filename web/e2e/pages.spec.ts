// Owns the proof of the other pages: Now, Runs, Agents, Usage, Types, Health, their states, and the keyboard.
import { expect, tailOpen, test } from "./fixtures";
import { append, freshId, viewsReach } from "./server";
import { Story, wholeStory } from "./story";

test("Now shows what runs and what it does", async ({ signedIn: page }) => {
  const run = freshId("run");
  const title = `At work ${run}`;
  await viewsReach(await append(new Story(run, "codex", Date.now() - 500).begin(title).events));
  await page.goto("/");
  const row = page.locator(".running", { hasText: title });
  await expect(row).toBeVisible();
  await tailOpen(page);
  await append(
    new Story(run, "codex", Date.now()).call("Bash", { command: "make the tea" }, null).events,
  );
  await expect(row.getByText("make the tea")).toBeVisible();
  await append(
    new Story(run, "codex", Date.now()).tell("run.failed", { run_id: run, message: "no kettle" })
      .events,
  );
  await expect(row).toHaveCount(0);
  await expect(page.locator(".recent", { hasText: "no kettle" }).first()).toBeVisible();
});

test("Runs can be searched and filtered, and the link says how", async ({ signedIn: page }) => {
  const run = freshId("run");
  const title = `Needle ${run}`;
  await viewsReach(await append(wholeStory(run, title)));
  await page.goto("/runs");
  await expect(page.getByLabel("Search runs")).toBeVisible();
  await page.keyboard.press("/");
  await page.keyboard.type(title);
  const rows = page.getByRole("list", { name: "Runs" }).getByRole("listitem");
  await expect(rows).toHaveCount(1);
  await expect(page).toHaveURL(/q=Needle/);
  await page.getByRole("button", { name: "completed" }).click();
  await expect(page.getByText("No run matches")).toBeVisible();
  await page.getByRole("button", { name: "failed", exact: true }).click();
  await expect(rows).toHaveCount(1);
  await page.getByLabel("Search runs").press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: title })).toBeVisible();
});

test("says what failed and what to do, and gets over it by itself", async ({ signedIn: page }) => {
  let broken = true;
  await page.route("**/v1/runs?*", (route) => {
    if (!broken) return route.fallback();
    const body = {
      title: "overloaded",
      status: 503,
      detail: "The views are behind.",
      reason_code: "overloaded",
      retryable: true,
    };
    return route.fulfill({ status: 503, contentType: "application/problem+json", json: body });
  });
  await page.goto("/runs");
  await expect(page.getByRole("alert")).toContainText("The views are behind.");
  await expect(page.getByRole("button", { name: "Try again" })).toBeVisible();
  broken = false;
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("an unknown run says so", async ({ signedIn: page }) => {
  await page.goto("/runs/there-is-no-such-run");
  await expect(page.getByText("There is no such run")).toBeVisible();
});

test("Agents, Usage, Types and Health have something to say", async ({ signedIn: page }) => {
  await viewsReach(await append(wholeStory(freshId("run"), "For the tables")));
  await page.goto("/agents");
  await expect(
    page.getByRole("list", { name: "Agents" }).getByText("claude-code").first(),
  ).toBeVisible();
  await page.goto("/usage");
  await expect(page.locator(".usage-columns", { hasText: "claude-opus-4-8" })).toBeVisible();
  await page.getByRole("button", { name: "By day" }).click();
  await expect(page).toHaveURL(/by=day/);
  const today = new Date().toISOString().slice(0, 10);
  await expect(page.locator(".usage-columns", { hasText: today })).toBeVisible();
  await page.goto("/types?q=tool.invoked");
  await page.locator(".row", { hasText: "tool.invoked" }).click();
  await expect(page).toHaveURL(/type=tool\.invoked/);
  await page.getByRole("link", { name: "Show live" }).click();
  await expect(page).toHaveURL(/\/live\?type=tool\.invoked/);
  await page.goto("/health");
  await expect(page.getByText("All is well")).toBeVisible();
  await expect(page.getByText("Head position")).toBeVisible();
});

test("the keyboard reaches every page, help and the palette", async ({ signedIn: page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { level: 1, name: "Now" })).toBeVisible();
  const pages = {
    l: "Live",
    r: "Runs",
    a: "Agents",
    u: "Usage",
    t: "Types",
    v: "Trust",
    h: "Health",
    n: "Now",
  };
  for (const [key, name] of Object.entries(pages)) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  }
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keys" });
  await expect(help).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(help).toBeHidden();

  const run = freshId("run");
  await viewsReach(await append(wholeStory(run, `Palette ${run}`)));
  await page.keyboard.press("Control+k");
  await page.keyboard.type(`Palette ${run}`);
  await expect(page.getByRole("option", { name: `Palette ${run}` })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: `Palette ${run}` })).toBeVisible();
});
