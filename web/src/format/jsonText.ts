// Owns the layout of JSON text for reading, token for token: big numbers, escapes and key order stay as they were sent.

export type JsonTokenKind = "key" | "string" | "number" | "word" | "punctuation";

export interface JsonToken {
  kind: JsonTokenKind;
  text: string;
}

export interface JsonLine {
  depth: number;
  tokens: JsonToken[];
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g;

/** Lines of compact JSON text, indented by depth; empty objects and arrays stay on one line. */
export function jsonLines(compact: string): JsonLine[] {
  const tokens = compact.match(TOKEN) ?? [];
  const lines: JsonLine[] = [];
  let line: JsonLine = { depth: 0, tokens: [] };
  let depth = 0;
  const newLine = () => {
    if (line.tokens.length > 0) lines.push(line);
    line = { depth, tokens: [] };
  };
  const put = (kind: JsonTokenKind, text: string) => line.tokens.push({ kind, text });
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? "";
    const next = tokens[at + 1] ?? "";
    if (token === "{" || token === "[") {
      if (next === "}" || next === "]") {
        put("punctuation", token + next);
        at++;
        continue;
      }
      put("punctuation", token);
      depth++;
      newLine();
    } else if (token === "}" || token === "]") {
      depth--;
      newLine();
      put("punctuation", token);
    } else if (token === ",") {
      put("punctuation", ",");
      newLine();
    } else if (token === ":") {
      put("punctuation", ": ");
    } else if (token.startsWith('"')) {
      put(next === ":" ? "key" : "string", token);
    } else {
      put(/^[tfn]/.test(token) ? "word" : "number", token);
    }
  }
  newLine();
  return lines;
}

export function indented(compact: string): string {
  return jsonLines(compact)
    .map((line) => "  ".repeat(line.depth) + line.tokens.map((token) => token.text).join(""))
    .join("\n");
}

/** The text of one member of a compact object, exactly as it was sent. */
export function memberText(compact: string, name: string): string | null {
  const tokens = [...compact.matchAll(TOKEN)];
  let depth = 0;
  for (let at = 0; at < tokens.length; at++) {
    const text = tokens[at]?.[0] ?? "";
    if (text === "{" || text === "[") depth++;
    else if (text === "}" || text === "]") depth--;
    else if (depth === 1 && text === `"${name}"` && tokens[at + 1]?.[0] === ":") {
      return valueFrom(compact, tokens, at + 2);
    }
  }
  return null;
}

function valueFrom(compact: string, tokens: RegExpMatchArray[], first: number): string {
  const from = tokens[first]?.index ?? 0;
  let depth = 0;
  for (let at = first; at < tokens.length; at++) {
    const text = tokens[at]?.[0] ?? "";
    if (text === "{" || text === "[") depth++;
    if (text === "}" || text === "]") depth--;
    if (depth === 0) return compact.slice(from, (tokens[at]?.index ?? from) + text.length);
  }
  return compact.slice(from);
}
