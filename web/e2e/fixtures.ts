// Owns a signed-in page: one session for all tests, and a watch that nothing breaks the content-security policy.
import { test as base, expect, type Page } from "@playwright/test";
import { loginUrl, SERVER } from "./server";

let kept: string | null = null;

/** Puts a bearer where the page keeps its own. */
export async function useBearer(page: Page, token: string): Promise<void> {
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  const session = { token, expires_at, workspace_id: "default", rights: ["read", "verify"] };
  await page.addInitScript(
    (text) => sessionStorage.setItem("annals.session", text),
    JSON.stringify(session),
  );
}

/** Sessions end with the server's process, which one of the tests restarts. */
async function isGood(session: string | null): Promise<boolean> {
  if (session === null) return false;
  const { token } = JSON.parse(session) as { token: string };
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`${SERVER}/v1/status`, { headers })).ok;
}

/** Signs the tab in, by a link the first time and by the kept session as long as it is good. */
export async function signIn(page: Page): Promise<void> {
  if (!(await isGood(kept))) {
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
