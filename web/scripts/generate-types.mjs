// Owns the types that come from the server's own description: docs/openapi.json → src/api/schema.d.ts.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const from = new URL("../../docs/openapi.json", import.meta.url);
const to = new URL("../src/api/schema.d.ts", import.meta.url);

if (!existsSync(from)) {
  console.log("docs/openapi.json is not there yet; src/api/types.ts is written by hand.");
  process.exit(0);
}
const document = JSON.parse(readFileSync(from, "utf8"));
const head = "// Generated from docs/openapi.json by `npm run types`; do not edit.\n\n";
writeFileSync(to, head + astToString(await openapiTS(document)));
console.log(`wrote ${fileURLToPath(to)}`);
