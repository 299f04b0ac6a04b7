// Owns how the browser tests run: against a server that is already up, in the system's Chromium.
//
// ANNALS_URL          the server's address
// ANNALS_TOKEN        a token that may append and make login codes (the owner's)
// ANNALS_LOGIN_URL    a link with #login=…, used where the token may not make codes
// ANNALS_RESTART_CMD  stops and starts the server on the same address and data; without it that test is skipped
// ANNALS_CHROMIUM     the browser's path, /usr/bin/chromium when absent
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  testMatch: "*.spec.ts",
  outputDir: "test-results",
  // One server is shared, and one test restarts it.
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    baseURL: process.env.ANNALS_URL ?? "http://127.0.0.1:7171",
    viewport: { width: 1440, height: 900 },
    colorScheme: "light",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.ANNALS_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    },
  },
});
