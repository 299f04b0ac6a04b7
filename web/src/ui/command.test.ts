// Owns the proof that an offered command reaches the server that offers it.
import { expect, it } from "vitest";
import { annalsCommand } from "./command";

it("names the server only when it is not where the CLI looks by itself", () => {
  expect(annalsCommand("open", "http://127.0.0.1:7171")).toBe("annals open");
  expect(annalsCommand("open", "http://127.0.0.1:9000")).toBe(
    "annals open --url http://127.0.0.1:9000",
  );
});
