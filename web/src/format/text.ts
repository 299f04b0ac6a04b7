// Owns how untrusted text is made fit for one line: as text, with control characters made visible.

/** Shortens in the middle, so that both the prefix and the telling end stay. */
export function middle(text: string, chars_max = 16): string {
  if (text.length <= chars_max) return text;
  const head = Math.ceil((chars_max - 1) * 0.6);
  return `${text.slice(0, head)}…${text.slice(text.length - (chars_max - 1 - head))}`;
}

/** Shortens at the front, by whole parts of a dotted name where that is enough: the end of a type tells what happened. */
export function lastParts(name: string, chars_max: number): string {
  if (name.length <= chars_max) return name;
  const parts = name.split(".");
  while (parts.length > 1 && parts.join(".").length > chars_max - 1) parts.shift();
  const left = parts.join(".");
  return left.length < chars_max ? `…${left}` : `…${left.slice(left.length - chars_max + 1)}`;
}

/** What a run is called: its title on one line, or its id. */
export function runName(run: { title: string | null; run_id: string }): string {
  return run.title?.trim() ? oneLine(run.title) : middle(run.run_id, 28);
}

/** One line of at most `chars_max` characters; an escape shows as ^[ instead of acting. */
export function oneLine(text: string, chars_max = 200): string {
  const cut = text
    .slice(0, chars_max * 2)
    .replace(/\s+/g, " ")
    .trim();
  const shown = visible(cut);
  return shown.length > chars_max || text.length > chars_max * 2
    ? `${shown.slice(0, chars_max - 1)}…`
    : shown;
}

/** Control characters (but tab and line ends) in caret notation, which every font can show; nothing is dropped. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for.
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, (found) => {
    const code = found.charCodeAt(0);
    if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
    return code === 0x7f ? "^?" : `⟨U+${code.toString(16).toUpperCase()}⟩`;
  });
}

export function lineCount(text: string): number {
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}
