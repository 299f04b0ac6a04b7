// Owns the list of what was erased from this workspace: which event, why, by whom, when.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { redactionsQuery } from "../api/queries";
import type { Redaction } from "../api/types";
import { count } from "../format/number";
import { oneLine } from "../format/text";
import { Ago, TypeGlyph } from "../ui/Bits";
import { Failed, SkeletonRows } from "../ui/States";

export function Redactions({ total, chosen }: { total: number; chosen: string | undefined }) {
  const found = useInfiniteQuery(redactionsQuery());
  const rows = found.data?.pages.flatMap((page) => page.redactions) ?? [];
  return (
    <section className="redactions" aria-label="Redactions">
      <h2>
        Redactions <span className="faint num">{count(total)}</span>
      </h2>
      {found.isPending ? (
        <SkeletonRows rows={3} height={34} columns="18px 120px 1fr 80px" />
      ) : found.error && rows.length === 0 ? (
        <Failed
          what="The redactions could not be read"
          error={found.error}
          retry={() => void found.refetch()}
        />
      ) : rows.length === 0 ? (
        <p className="muted">
          Nothing of this workspace was erased. An event is redacted from its own page; its words go
          for good, its place and its hash stay.
        </p>
      ) : (
        <ul>
          {rows.map((one) => (
            <li key={one.event_id}>
              <RedactionLine one={one} current={one.event_id === chosen} />
            </li>
          ))}
        </ul>
      )}
      {found.hasNextPage && (
        <button
          type="button"
          className="button"
          disabled={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          Show more
        </button>
      )}
    </section>
  );
}

function RedactionLine({ one, current }: { one: Redaction; current: boolean }) {
  return (
    <Link
      from="/trust"
      to="/trust"
      search={(before) => ({ ...before, event: one.event_id })}
      replace
      className="row redaction-columns"
      aria-current={current}
    >
      <TypeGlyph eventType={one.event_type} />
      <span className="one-line type">{one.event_type}</span>
      <span className="one-line reason">
        {one.reason ? oneLine(one.reason) : <span className="faint">no reason is left</span>}
      </span>
      <span className="one-line small muted by">{one.redacted_by}</span>
      <span className="small muted when">
        <Ago at={one.redacted_at} />
      </span>
      <span className="num small faint end position">#{count(one.position)}</span>
    </Link>
  );
}
