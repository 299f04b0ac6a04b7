// Owns how the dashboard is built, served while developing, and unit-tested.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.ANNALS_URL ?? "http://127.0.0.1:7171";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // Inlined assets would be data: URLs, which the content-security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  // A module worker, so that it may load the signature fallback only where it is needed.
  worker: { format: "es" },
  server: { proxy: { "/v1": server, "/openapi.json": server } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
