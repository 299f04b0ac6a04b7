// Owns the bounds on what is loaded: any page first of all, compressed, under 200 kB; the verification thread under 20 kB.
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";

const FIRST_LOAD_BYTES_MAX = 200_000;
const THREAD_BYTES_MAX = 20_000;
const dist = new URL("../dist/", import.meta.url);
const read = (file) => readFileSync(new URL(file, dist));
const assets = readdirSync(new URL("assets/", dist)).map((name) => `assets/${name}`);
const sizes = new Map();

function size(file) {
  if (!sizes.has(file)) sizes.set(file, gzipSync(read(file)).length);
  return sizes.get(file);
}

const total = (files) => files.reduce((sum, file) => sum + size(file), 0);

function check(what, files, bytes_max) {
  const bytes = total(files);
  console.log(`${bytes.toLocaleString("en")} bytes compressed, ${what}`);
  if (bytes <= bytes_max) return;
  console.error(`that is over ${bytes_max.toLocaleString("en")} bytes`);
  process.exitCode = 1;
}

/** A script and all that it imports before it runs; what it imports later, in a call, is not among them. */
function withImports(script, found = new Set()) {
  if (found.has(script)) return found;
  found.add(script);
  const text = read(script).toString("utf8");
  for (const [, name] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) {
    withImports(`assets/${name}`, found);
  }
  return found;
}

// A page starts the thread after it is drawn, and the fallback for signatures only where the browser has none.
const isThread = (file) => /^assets\/(worker|ed25519Noble)-/.test(file);
const shell = [
  "index.html",
  "theme.js",
  "favicon.svg",
  ...assets.filter((file) => file.endsWith(".css")),
];
const entry = assets
  .filter((file) => new RegExp(basename(file)).test(read("index.html")))
  .find((file) => file.endsWith(".js"));
const pages = assets.filter((file) => /^assets\/\w+Page-/.test(file));
if (!entry || pages.length === 0) throw new Error("the build has no entry or no pages");

const loads = pages.map((page) => {
  const scripts = withImports(page, withImports(entry));
  return { page: basename(page).split("-")[0], files: [...shell, ...scripts] };
});
loads.sort((a, b) => total(b.files) - total(a.files));
// The heaviest page as the first that is opened.
check(
  `${loads[0].page} opened first, the heaviest of ${loads.length} pages`,
  loads[0].files,
  FIRST_LOAD_BYTES_MAX,
);
check("the verification thread", assets.filter(isThread), THREAD_BYTES_MAX);
