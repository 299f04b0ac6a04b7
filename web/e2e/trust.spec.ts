// Owns the proof of the page of proofs: it verifies a real log in the page, finds what a lying server does, and forgets nothing;
// of evidence as a file; and of redaction from the click to the missing words.
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expect, tailOpen, test } from "./fixtures";
import { append, eventId, freshId, ownerSession, redact, rotateKey, viewsReach } from "./server";
import { Story, wholeStory } from "./story";

const standing = (page: Page) => page.locator(".standing .verdict");
const outcome = (page: Page) => page.locator(".outcome");
const verify = (page: Page) => page.getByRole("button", { name: "Verify", exact: true }).click();

async function seeded(title: string): Promise<string> {
  const run = freshId("run");
  await viewsReach(await append(wholeStory(run, title)));
  return run;
}

/** A session that may do everything, as the owner's own is not made by a link. */
async function asOwner(page: Page): Promise<void> {
  await page.addInitScript((session) => {
    sessionStorage.setItem("annals.session", session);
  }, ownerSession());
}

test("remembers the first checkpoint, and proves that the log goes on from it", async ({
  signedIn: page,
}) => {
  await append(new Story(freshId("run")).say("before").events);
  await page.goto("/trust");
  await expect(standing(page)).toContainText("The checkpoint is signed");
  await expect(page.getByRole("region", { name: "Log", exact: true })).toContainText(
    "annals.local/",
  );
  await append(new Story(freshId("run")).say("after").events);
  await page.reload();
  await expect(standing(page)).toContainText("The log goes on from what this browser has seen");
  await page.getByText("What was checked").click();
  await expect(page.locator(".standing")).toContainText("It is the key that this browser knows");
});

test("proves the whole tree from its tiles", async ({ signedIn: page }) => {
  await append(new Story(freshId("run")).say("one more").events);
  await page.goto("/trust");
  await verify(page);
  await expect(outcome(page)).toContainText("The whole tree: in order");
  await expect(outcome(page)).toContainText("hashed up to the signed root");
  await expect(outcome(page)).toContainText(
    "What the events say: the tree holds their hashes only",
  );
});

test("proves a run, a stream and a range, and says what it did not look at", async ({
  signedIn: page,
}) => {
  const run = await seeded("Proved");
  await page.goto(`/runs/${run}`);
  await page.getByRole("link", { name: "Verify" }).click();
  await expect(page.getByLabel("Run id")).toHaveValue(run);
  await verify(page);
  await expect(outcome(page)).toContainText(`Run ${run}: in order`);
  await expect(outcome(page)).toContainText("bodies of the workspace default");
  await expect(outcome(page)).toContainText(`seqs and chain are whole in run/${run}`);
  await expect(page.getByRole("region", { name: "Not checked" }).last()).toContainText(
    "later events that the server did not give",
  );

  await page.getByRole("button", { name: "Stream" }).click();
  await page.getByLabel("Stream", { exact: true }).fill("nonsense");
  await verify(page);
  await expect(page.getByText("Name a stream as TYPE/ID")).toBeVisible();
  await page.getByLabel("Stream", { exact: true }).fill(`run/${run}`);
  await page.keyboard.press("Enter");
  await expect(outcome(page)).toContainText(`Stream run/${run}: in order`);

  await page.getByLabel("Stream", { exact: true }).fill("run/there-is-no-such-run");
  await verify(page);
  await expect(outcome(page)).toContainText("there was nothing to check");

  await page.getByRole("button", { name: "Range" }).click();
  await page.getByLabel("From position").fill("1");
  await page.getByLabel("To position").fill("5");
  await verify(page);
  await expect(outcome(page)).toContainText("Positions 1 to 5: in order");
  await expect(page).toHaveURL(/scope=range.*from=1.*to=5/);
});

test("names the event that a lying server has edited", async ({ signedIn: page }) => {
  const run = await seeded("Edited");
  const body = Buffer.from('{"data":{"content_md":"all is well"}}').toString("base64");
  await page.route("**/v1/events?*as=record*", async (route) => {
    const answer = await route.fetch();
    const said = (await answer.json()) as { events: { stream_seq: number; body: string }[] };
    for (const event of said.events) if (event.stream_seq === 3) event.body = body;
    await route.fulfill({ response: answer, json: said });
  });
  await page.goto(`/trust?scope=run&run=${run}`);
  await verify(page);
  await expect(outcome(page).getByRole("alert")).toContainText(
    `message.created, run/${run} seq 3): the body was edited`,
  );
  await page.getByRole("button", { name: "Open the event" }).click();
  await expect(page.getByRole("complementary", { name: "Event" })).toContainText(
    "Keep the diff small.",
  );
});

test("names a damaged tile by the positions under it", async ({ signedIn: page }) => {
  const story = new Story(freshId("run"));
  for (let at = 0; at < 600; at++) story.say(`line ${at}`);
  await append(story.events);
  await page.route("**/v1/log/tile/0/001", async (route) => {
    const answer = await route.fetch();
    const bytes = await answer.body();
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    await route.fulfill({ response: answer, body: bytes });
  });
  await page.goto("/trust");
  await verify(page);
  await expect(outcome(page).getByRole("alert")).toContainText("Positions 257 to 512");
});

test("notices a log that became shorter, and one with another past", async ({ signedIn: page }) => {
  await append(new Story(freshId("run")).say("here").events);
  await page.goto("/trust");
  await expect(standing(page)).toHaveAttribute("data-verdict", "proved");
  const change = (fields: Record<string, unknown>) =>
    page.evaluate((more) => {
      const key = Object.keys(localStorage).find((name) => name.startsWith("annals.log."));
      if (!key) throw new Error("nothing is remembered");
      const kept = JSON.parse(localStorage.getItem(key) ?? "{}") as object;
      localStorage.setItem(key, JSON.stringify({ ...kept, ...more }));
    }, fields);
  await change({ size: 9_000_000 });
  await page.reload();
  await expect(standing(page)).toContainText("were cut off, or an old copy is being served");
  // What was seen stays remembered: a second look must not take the shorter log for the first one.
  await page.reload();
  await expect(standing(page)).toContainText("were cut off");
  await change({ size: 1, root: "00".repeat(32) });
  await page.reload();
  await expect(standing(page)).toContainText("two histories under one name");
});

test("takes a new key only by a statement that the known one has signed", async ({
  signedIn: page,
}) => {
  await page.goto("/trust");
  await expect(standing(page)).toHaveAttribute("data-verdict", "proved");
  await rotateKey();
  await page.reload();
  await expect(standing(page)).toContainText("The log goes on from what this browser has seen");
  await page.getByText("What was checked").click();
  await expect(page.locator(".standing")).toContainText("by a statement that both keys signed");
  await expect(page.getByRole("region", { name: "Keys" })).toContainText("Former");

  // The same key, were there no statement.
  await page.route("**/v1/log/status", async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), rotations: [] } });
  });
  await page.evaluate(() => {
    const key = Object.keys(localStorage).find((name) => name.startsWith("annals.log.")) ?? "";
    const kept = JSON.parse(localStorage.getItem(key) ?? "{}") as { keys: string[] };
    localStorage.setItem(key, JSON.stringify({ ...kept, keys: kept.keys.slice(1) }));
  });
  await page.reload();
  await expect(standing(page)).toContainText("which this browser does not know");
});

test("can be stopped, and says so", async ({ signedIn: page }) => {
  const story = new Story(freshId("run"));
  for (let at = 0; at < 450; at++) story.say(`line ${at}`);
  await append(story.events);
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let pages = 0;
  await page.route("**/v1/events?*as=record*", async (route) => {
    if (++pages === 2) await held;
    await route.continue().catch(() => undefined);
  });
  await page.goto(`/trust?scope=run&run=${story.run_id}`);
  await verify(page);
  await expect(page.getByRole("progressbar")).toBeVisible();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(outcome(page)).toContainText(`Run ${story.run_id}: not checked to the end`);
  release();
});

test("explains itself to a session that may not verify", async ({ signedIn: page }) => {
  await page.goto("/trust");
  await page.evaluate(() => {
    const session = JSON.parse(sessionStorage.getItem("annals.session") ?? "{}") as object;
    sessionStorage.setItem("annals.session", JSON.stringify({ ...session, rights: ["read"] }));
  });
  await page.reload();
  await expect(page.getByRole("heading", { name: "This session may not verify" })).toBeVisible();
  await expect(page.getByText(/annals token create .* --rights read,verify/)).toBeVisible();
});

test("saves a run's evidence as one file", async ({ signedIn: page }) => {
  const run = await seeded("Evidence");
  await page.goto(`/runs/${run}`);
  await page.getByRole("button", { name: "Evidence" }).click();
  const dialog = page.getByRole("dialog", { name: "Save this run as evidence" });
  // Everything in full is what is chosen, and the key is under the finger.
  await expect(dialog.getByRole("radio", { name: "All events in full" })).toBeChecked();
  await expect(dialog.getByRole("button", { name: "Save the file" })).toBeFocused();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.keyboard.press("Enter"),
  ]);
  await expect(dialog).toBeHidden();
  expect(download.suggestedFilename()).toBe(`evidence-${run}.json`);
  const text = await readFile(await download.path(), "utf8");
  const evidence = JSON.parse(text) as {
    format: string;
    events: unknown[];
    run: { run_id: string };
  };
  expect(evidence.format).toBe("annals-evidence/1");
  expect(evidence.run.run_id).toBe(run);
  expect(evidence.events.length).toBeGreaterThan(20);
});

test("evidence withholds what is chosen, by keyboard alone", async ({ signedIn: page }) => {
  const run = freshId("run");
  const story = new Story(run)
    .begin("Partly shown")
    .prompt(`Nobody else shall read hunter2-${run}.`)
    .call("Bash", { command: "ls" }, { output: `hunter3-${run}` });
  await viewsReach(await append(story.events));
  const single = await eventId(run, "tool.succeeded");
  await page.goto(`/runs/${run}`);
  await page.getByRole("button", { name: "Evidence" }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Save this run as evidence" });
  await dialog.getByRole("radio", { name: "All events in full" }).focus();
  await page.keyboard.press("ArrowDown");
  // Nothing is chosen yet, so there is nothing to save in this way.
  await expect(dialog.getByRole("button", { name: "Save the file" })).toBeDisabled();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await expect(dialog.getByRole("checkbox", { name: /What was said/ })).toBeChecked();
  await dialog.getByLabel(/^Single events/).focus();
  await page.keyboard.insertText(single);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Save the file" }).press("Enter"),
  ]);
  const text = await readFile(await download.path(), "utf8");
  expect(text).not.toContain(`hunter2-${run}`);
  expect(text).not.toContain(`hunter3-${run}`);
  const { events } = JSON.parse(text) as { events: { withheld?: string; header?: string }[] };
  expect(events.length).toBe(story.events.length);
  expect(events.filter((event) => event.withheld === "chosen" && !event.header).length).toBe(2);
});

test("a session that may only read is told how the owner redacts", async ({ signedIn: page }) => {
  const run = await seeded("Hint");
  await page.goto(`/live?run=${run}`);
  await page.locator(".list-row .row", { hasText: "Done." }).click();
  await page.getByRole("button", { name: "Redact …" }).click();
  const dialog = page.getByRole("dialog", { name: "Redact this event" });
  await expect(dialog.getByText(/annals redact .* --reason/)).toBeVisible();
  await expect(dialog.getByRole("button", { name: "Erase for good" })).toHaveCount(0);
});

test("redacts an event: its words leave every page, its mark and its proofs stay", async ({
  page,
}) => {
  await asOwner(page);
  const run = freshId("run");
  // Nothing that looks like a secret: that would not have got in.
  const secret = `hunter2-${run}`;
  const story = new Story(run)
    .begin("With a word")
    .prompt(`Nobody else shall read ${secret}.`)
    .say("Ok.");
  await viewsReach(await append(story.events));
  await page.goto(`/live?run=${run}`);
  await page.locator(".list-row .row", { hasText: secret }).click();
  await page.getByRole("button", { name: "Redact …" }).click();
  const dialog = page.getByRole("dialog", { name: "Redact this event" });
  const erase = dialog.getByRole("button", { name: "Erase for good" });
  await expect(dialog.getByLabel(/^Reason/)).toBeFocused();
  await dialog.getByLabel(/^Reason/).fill("It held a password.");
  await expect(erase).toBeDisabled();
  await dialog.getByRole("checkbox").check();
  await erase.click();
  await expect(dialog).toBeHidden();
  await expect(page.locator(".drawer .redacted-note")).toContainText("It held a password.");
  await expect(
    page.locator(".list-row .row", { hasText: "redacted: It held a password." }),
  ).toBeVisible();
  await expect(page.getByText(secret)).toHaveCount(0);

  for (const view of ["transcript", "events"]) {
    await page.goto(`/runs/${run}?view=${view}`);
    await expect(page.getByText("It held a password.").first()).toBeVisible();
    await expect(page.getByText(secret)).toHaveCount(0);
  }
  await page.goto(`/trust?scope=run&run=${run}`);
  const line = page.locator(".redaction-columns", { hasText: "It held a password." }).first();
  await expect(line).toBeVisible();
  await verify(page);
  await expect(outcome(page)).toContainText(`Run ${run}: in order`);
  await expect(outcome(page)).toContainText("1 event with the body erased: each is named by a");
});

test("a redacted call has its mark in the transcript, and a live row loses its words at once", async ({
  signedIn: page,
}) => {
  const run = freshId("run");
  const story = new Story(run)
    .begin("Called with a word")
    .call("Bash", { command: `open --door hunter2-${run}` }, { output: "ok" });
  await viewsReach(await append(story.events));
  await page.goto("/live");
  const row = page.locator(".list-row .row", { hasText: `hunter2-${run}` });
  await expect(row).toBeVisible();
  await redact(run, "tool.invoked", `Gone from ${run}`);
  await expect(page.getByText(`hunter2-${run}`)).toHaveCount(0);
  await expect(
    page.locator(".list-row .row", { hasText: `redacted: Gone from ${run}` }),
  ).toBeVisible();

  await page.goto(`/runs/${run}`);
  const transcript = page.getByRole("region", { name: "Transcript" });
  await expect(transcript.locator(".redacted-note")).toContainText(`Gone from ${run}`);
  await expect(transcript.getByText("hunter2")).toHaveCount(0);
});

test("an open run page shows a redaction's mark at once, without a reload", async ({
  signedIn: page,
}) => {
  const run = freshId("run");
  const story = new Story(run)
    .begin("Watched while it is redacted")
    .prompt(`Nobody else shall read hunter2-${run}.`)
    .call("Bash", { command: `open --door hunter3-${run}` }, { output: "ok" })
    .say("Done.");
  await viewsReach(await append(story.events));
  await page.goto(`/runs/${run}`);
  const transcript = page.getByRole("region", { name: "Transcript" });
  await expect(transcript.getByText(`hunter2-${run}`)).toBeVisible();
  await expect(transcript.getByText(`hunter3-${run}`)).toBeVisible();
  await tailOpen(page);

  await redact(run, "message.created", `First gone from ${run}`);
  await expect(
    transcript.locator(".redacted-note", { hasText: `First gone from ${run}` }),
  ).toBeVisible();
  await expect(transcript.getByText(`hunter2-${run}`)).toHaveCount(0);
  await redact(run, "tool.invoked", `Second gone from ${run}`);
  await expect(
    transcript.locator(".redacted-note", { hasText: `Second gone from ${run}` }),
  ).toBeVisible();
  await expect(page.getByText(`hunter3-${run}`)).toHaveCount(0);
  await expect(transcript.getByText("Done.")).toBeVisible();

  // The run did not do these things: its events are as many as before, and the raw list has them all.
  const events = page.locator(".totals div", { hasText: "Events" }).locator("dd");
  await expect(events).toHaveText(String(story.events.length));
  const views = page.getByRole("navigation", { name: "Views of this run" });
  await views.getByRole("button", { name: "Events" }).click();
  await expect(page.locator(".list-row .row")).toHaveCount(story.events.length);
  await expect(page.getByText(`redacted: First gone from ${run}`)).toBeVisible();
});
