// Owns the bound on the first load: what the shell and the first page need, compressed, is under 200 kB.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const FIRST_LOAD_BYTES_MAX = 200_000;
const dist = new URL("../dist/", import.meta.url);
const assets = readdirSync(new URL("assets/", dist)).map((name) => `assets/${name}`);
const files = ["index.html", "theme.js", "favicon.svg", ...assets];
let total = 0;
for (const file of files) total += gzipSync(readFileSync(new URL(file, dist))).length;
// Every page together stays under the bound for one, so no page can break it.
console.log(`${total.toLocaleString("en")} bytes compressed, all pages together`);
if (total > FIRST_LOAD_BYTES_MAX) {
  console.error(`that is over ${FIRST_LOAD_BYTES_MAX.toLocaleString("en")} bytes`);
  process.exit(1);
}
