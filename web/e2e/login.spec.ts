// Owns the proof that only a link opens the dashboard, and that it leaves no trace in the address bar.
import { expect, test } from "@playwright/test";
import { loginUrl } from "./server";

test("explains how to get in when there is no session", async ({ page }) => {
  await page.goto("/runs");
  await expect(page.getByRole("heading", { name: "Open Annals from your terminal" })).toBeVisible();
  await expect(page.getByText(/^annals open/)).toBeVisible();
});

test("trades the code of the link for a session, removes it from the address, and takes it once", async ({
  page,
  context,
}) => {
  const link = await loginUrl();
  await page.goto(link);
  await expect(page.getByRole("heading", { level: 1, name: "Now" })).toBeVisible();
  expect(page.url()).not.toContain("login");
  const session = await page.evaluate(() => sessionStorage.getItem("annals.session"));
  expect(session).toContain("token");
  expect(await page.evaluate(() => document.cookie)).toBe("");

  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Now" })).toBeVisible();

  const again = await context.newPage();
  await again.goto(link);
  await expect(again.getByRole("alert")).toBeVisible();
  await expect(again.getByText(/^annals open/)).toBeVisible();
});

test("takes a link that is pasted into the field", async ({ page }) => {
  await page.goto("/");
  await page.getByLabel("Or paste the link, or its code").fill("nonsense!");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("no login code");
  await page.getByLabel("Or paste the link, or its code").fill(await loginUrl());
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Now" })).toBeVisible();
});

test("goes back to the login page when the server no longer takes the session", async ({
  page,
}) => {
  await page.goto("/");
  await page.evaluate(() => {
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const session = {
      token: "annals_session_x_y",
      expires_at,
      workspace_id: "default",
      rights: [],
    };
    sessionStorage.setItem("annals.session", JSON.stringify(session));
  });
  await page.goto("/runs");
  await expect(page.getByRole("heading", { name: "This session is over" })).toBeVisible();
  expect(await page.evaluate(() => sessionStorage.getItem("annals.session"))).toBeNull();
});
