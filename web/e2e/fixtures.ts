// Owns a signed-in page: one session for all tests, and a watch that nothing breaks the content-security policy.
import { test as base, expect, type Page } from "@playwright/test";
import { loginUrl } from "./server";

let kept: string | null = null;

/** Signs the tab in, by a link the first time and by the kept session afterwards. */
export async function signIn(page: Page): Promise<void> {
  if (kept === null) {
    await page.goto(await loginUrl());
    await expect(page.getByRole("heading", { level: 1, name: "Now" })).toBeVisible();
    kept = await page.evaluate(() => sessionStorage.getItem("annals.session"));
    return;
  }
  await page.addInitScript((session) => {
    if (session && !sessionStorage.getItem("annals.session")) {
      sessionStorage.setItem("annals.session", session);
    }
  }, kept);
}

export const test = base.extend<{ signedIn: Page }>({
  signedIn: async ({ page }, use) => {
    const broken: string[] = [];
    page.on("pageerror", (error) => broken.push(error.message));
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) broken.push(message.text());
    });
    await signIn(page);
    await use(page);
    expect(broken).toEqual([]);
  },
});

export { expect };

/** Waits until the tail is open, so that what is appended next is seen live. */
export async function tailOpen(page: Page): Promise<void> {
  await expect(page.locator(".line-state .dot")).toHaveAttribute("data-phase", "live");
}
