// Owns the bounds on what is loaded: shell and first page, compressed, under 200 kB; the verification thread under 20 kB.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const FIRST_LOAD_BYTES_MAX = 200_000;
const THREAD_BYTES_MAX = 20_000;
const dist = new URL("../dist/", import.meta.url);
const assets = readdirSync(new URL("assets/", dist)).map((name) => `assets/${name}`);
// A page starts the thread after it is drawn, and the fallback for signatures only where the browser has none.
const isThread = (file) => /^assets\/(worker|ed25519Noble)-/.test(file);

function check(what, files, bytes_max) {
  let total = 0;
  for (const file of files) total += gzipSync(readFileSync(new URL(file, dist))).length;
  console.log(`${total.toLocaleString("en")} bytes compressed, ${what}`);
  if (total <= bytes_max) return;
  console.error(`that is over ${bytes_max.toLocaleString("en")} bytes`);
  process.exitCode = 1;
}

const pages = [
  "index.html",
  "theme.js",
  "favicon.svg",
  ...assets.filter((file) => !isThread(file)),
];
// Every page together stays under the bound for one, so no page can break it.
check("all pages together", pages, FIRST_LOAD_BYTES_MAX);
check("the verification thread", assets.filter(isThread), THREAD_BYTES_MAX);
