// Owns how each dialect says a type: its names there, what tells it from others, and which member goes where.
import type { CatalogType, Spelling } from "../api/types";
import { dialectSaid, inOrder } from "../format/dialect";
import { count, many } from "../format/number";

export function Spellings({
  entry,
  dialects,
}: {
  entry: CatalogType;
  /** How many events came by each. */
  dialects: Record<string, number>;
}) {
  const names = inOrder(Object.keys(entry.spellings));
  return (
    <section>
      <h3>How other formats say it</h3>
      {names.length === 0 && <p className="small muted">None of them has this fact.</p>}
      <dl className="spellings">
        {names.map((dialect) => (
          <div key={dialect} className="spelling-of">
            <dt title={dialectSaid(dialect)}>
              {dialect}
              {dialects[dialect] ? (
                <span className="faint num"> {count(dialects[dialect])}</span>
              ) : null}
            </dt>
            {(entry.spellings[dialect] ?? []).map((spelling) => (
              <dd key={JSON.stringify(spelling)}>
                <SpellingLine spelling={spelling} />
              </dd>
            ))}
          </div>
        ))}
      </dl>
    </section>
  );
}

const said = (value: unknown) => JSON.stringify(value);

function SpellingLine({ spelling }: { spelling: Spelling }) {
  const when = Object.entries(spelling.when ?? {});
  const set = Object.entries(spelling.set ?? {});
  const map = Object.entries(spelling.map ?? {});
  const fill = Object.entries(spelling.fill ?? {});
  const parts = map.length + set.length + fill.length;
  return (
    <>
      <code>{spelling.name}</code>
      {when.map(([member, value]) => (
        <span key={member} className="small muted">
          {" "}
          where <code>{member}</code> is <code>{said(value)}</code>
        </span>
      ))}
      {spelling.way === "out" && <span className="small muted"> on the way out only</span>}
      {parts > 0 && (
        <details className="spelling-map">
          <summary>
            {many(parts, "member")} {parts === 1 ? "differs" : "differ"}
          </summary>
          <ul>
            {map.map(([from, to]) => (
              <li key={from}>
                <code>{from}</code> → <code>{Array.isArray(to) ? to.join(", ") : String(to)}</code>
              </li>
            ))}
            {set.map(([member, value]) => (
              <li key={member}>
                means <code>{member}</code> = <code>{said(value)}</code>
              </li>
            ))}
            {fill.map(([member, value]) => (
              <li key={member}>
                <code>{said(value)}</code> as <code>{member}</code> where an event has none
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
