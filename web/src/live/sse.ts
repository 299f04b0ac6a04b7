// Owns the decoding of an SSE byte stream into frames, whatever way it was cut into chunks (WHATWG HTML §9.2.6).

export type SseFrame =
  | { kind: "event"; id: string | null; event: string; data: string }
  /** An id without data: the server has scanned up to here and nothing matched. */
  | { kind: "progress"; id: string }
  | { kind: "retry"; ms: number }
  | { kind: "comment" };

/** Feeds on text chunks; keeps what is not yet a whole line. */
export class SseParser {
  private rest = "";
  private afterCarriageReturn = false;
  private started = false;
  private id: string | null = null;
  private idInFrame = false;
  private event = "";
  private data: string[] = [];

  push(chunk: string): SseFrame[] {
    const frames: SseFrame[] = [];
    let text = chunk;
    if (!this.started && text.length > 0) {
      this.started = true;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    // A CR at the end of the last chunk already ended its line; its LF must not end another.
    if (this.afterCarriageReturn && text.startsWith("\n")) text = text.slice(1);
    if (chunk.length > 0) this.afterCarriageReturn = chunk.endsWith("\r");
    text = this.rest + text;

    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code !== 10 && code !== 13) continue;
      this.line(text.slice(from, at), frames);
      if (code === 13 && text.charCodeAt(at + 1) === 10) at++;
      from = at + 1;
    }
    this.rest = text.slice(from);
    return frames;
  }

  private line(line: string, frames: SseFrame[]): void {
    if (line === "") {
      this.dispatch(frames);
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) {
      frames.push({ kind: "comment" });
      return;
    }
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) {
      this.id = value;
      this.idInFrame = true;
    } else if (field === "retry" && /^\d+$/.test(value)) {
      frames.push({ kind: "retry", ms: Number(value) });
    }
  }

  private dispatch(frames: SseFrame[]): void {
    if (this.data.length > 0) {
      const event = this.event || "message";
      frames.push({ kind: "event", id: this.id, event, data: this.data.join("\n") });
    } else if (this.idInFrame && this.id !== null && this.id !== "") {
      frames.push({ kind: "progress", id: this.id });
    }
    this.data = [];
    this.event = "";
    this.idInFrame = false;
  }
}
