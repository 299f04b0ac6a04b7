// Owns the reading view of JSON: indented, coloured, text only, cut by lines with a way to see all.
import { useMemo, useState } from "react";
import { jsonLines } from "../format/jsonText";
import { visible } from "../format/text";

const LINES_SHOWN = 400;

export function JsonView({ text, name }: { text: string; name: string }) {
  const lines = useMemo(() => jsonLines(text), [text]);
  const [all, setAll] = useState(false);
  const shown = all ? lines : lines.slice(0, LINES_SHOWN);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls sideways must be reachable by keyboard. */}
      <section className="json" aria-label={name} tabIndex={0}>
        {shown.map((line, at) => (
          <div
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one text never move.
            key={at}
            className="json-line"
            style={{ paddingLeft: `${line.depth * 14 + 12}px` }}
          >
            {line.tokens.map((token, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the tokens of one line never move.
              <span key={index} data-token={token.kind}>
                {visible(token.text)}
              </span>
            ))}
          </div>
        ))}
      </section>
      {lines.length > shown.length && (
        <button type="button" className="button" onClick={() => setAll(true)}>
          Show all {lines.length.toLocaleString("en")} lines
        </button>
      )}
    </>
  );
}
