// Owns the Types page: every event type with what came of it, found by name, meaning or spelling, in an order that holds still.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { catalogQuery, typesQuery } from "../api/queries";
import { dialectSaid, inOrder } from "../format/dialect";
import { count, many } from "../format/number";
import { middle } from "../format/text";
import { clock } from "../format/time";
import { useCursor } from "../keys/useCursor";
import { useLiveViews } from "../live/useTail";
import { TypeDrawer } from "../types/TypeDrawer";
import { SORT_SAID, TypesFilters } from "../types/TypesFilters";
import {
  dialectsOf,
  type FoundType,
  findTypes,
  sortTypes,
  sumTypes,
  type TypeRow,
  type TypeSort,
  typeRows,
} from "../types/typeRows";
import { Ago, Glyph } from "../ui/Bits";
import { usePageTitle, usePhone } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { stableOrder } from "../ui/order";
import { Empty, Failed, SkeletonRows } from "../ui/States";
import { type ListHandle, VirtualList } from "../ui/VirtualList";

const route = getRouteApi("/types");
const COLUMNS = "18px 280px 1fr 150px 76px 52px 60px 66px 76px";

export function TypesPage() {
  usePageTitle("Types");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const catalog = useQuery(catalogQuery());
  const counted = useQuery(typesQuery());
  useLiveViews([["views", "types"]]);
  const rows = useMemo(
    () => typeRows(catalog.data?.types ?? [], counted.data?.types ?? []),
    [catalog.data, counted.data],
  );
  const dialects = useMemo(() => inOrder(dialectsOf(rows)), [rows]);
  const close = () =>
    void navigate({ search: (before) => ({ ...before, type: undefined }), replace: true });
  const chosen = rows.find((row) => row.event_type === search.type);
  const since = counted.data?.since;
  return (
    <>
      <div className="page-title">
        <h1>Types</h1>
        {catalog.data && <TypesSumLine rows={rows} counted={counted.isSuccess} since={since} />}
      </div>
      <TypesFilters dialects={dialects} />
      <div className="page-body">
        <div className="page-main">
          {counted.error && catalog.data && (
            <p className="notice" data-kind="error" role="status">
              <Icon name="alert" size={15} />
              What came of each type could not be read: {counted.error.message}
            </p>
          )}
          {counted.data?.next && (
            <p className="notice" role="status">
              <Icon name="alert" size={15} />
              There are more than {count(counted.data.types.length)} types in the log; the first of
              them are counted here.
            </p>
          )}
          {catalog.isPending ? (
            <SkeletonRows rows={22} height={32} columns={COLUMNS} />
          ) : catalog.error && !catalog.data ? (
            <Failed
              what="The catalog could not be read"
              error={catalog.error}
              retry={() => void catalog.refetch()}
            />
          ) : (
            <TypesList rows={rows} />
          )}
        </div>
        {chosen && <TypeDrawer key={chosen.event_type} row={chosen} since={since} close={close} />}
      </div>
    </>
  );
}

function TypesSumLine({
  rows,
  counted,
  since,
}: {
  rows: readonly TypeRow[];
  counted: boolean;
  since: string | undefined;
}) {
  const sum = useMemo(() => sumTypes(rows), [rows]);
  return (
    <>
      <span className="muted num one-line">
        {count(sum.known)}
        {counted && ` · ${count(sum.seen)} seen`}
        {sum.foreign > 0 && ` · ${count(sum.foreign)} outside the catalog`}
      </span>
      {sum.failures > 0 && (
        <Link
          from="/types"
          to="/types"
          search={(before) => ({ ...before, sort: "failures" as const })}
          className="title-fail num"
          title={since && `Data that did not fit its type's schema, since ${clock(since)}`}
        >
          {many(sum.failures, "schema failure")}
        </Link>
      )}
    </>
  );
}

/** Figures move rows only while nobody points at them or reads on: a row must not slip away under the cursor. */
function useHeldOrder(sorted: FoundType[], question: string, held: boolean): FoundType[] {
  const before = useRef({ question, keys: [] as string[] });
  const known = held && before.current.question === question ? before.current.keys : [];
  const ordered = stableOrder(known, sorted, (found) => found.row.event_type);
  useEffect(() => {
    before.current = { question, keys: ordered.map((found) => found.row.event_type) };
  });
  return ordered;
}

function TypesList({ rows }: { rows: readonly TypeRow[] }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useRef<ListHandle>(null);
  const phone = usePhone();
  const [pointed, setPointed] = useState(false);
  const [atTop, setAtTop] = useState(true);
  const [moved, setMoved] = useState(false);
  const sort = search.sort ?? "events";
  const question = {
    text: search.q ?? "",
    category: search.category,
    dialect: search.dialect,
    seen: search.seen === "1",
  };
  const key = JSON.stringify([question, sort]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for question and order.
  const sorted = useMemo(() => sortTypes(findTypes(rows, question), sort), [rows, key]);
  const held = pointed || moved || !atTop || search.type !== undefined;
  const types = useHeldOrder(sorted, key, held);
  const open = (type: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, type }), replace: true });
  const cursor = useCursor({
    count: types.length,
    keyOf: (index) => types[index]?.row.event_type ?? null,
    open: (index) => open(types[index]?.row.event_type),
    moved: (index) => {
      setMoved(true);
      list.current?.show(index);
      if (search.type) open(types[index]?.row.event_type);
    },
  });
  useShownOnce(list, types, search.type);
  if (types.length === 0) return <NoTypes text={question.text} />;
  return (
    <div
      className="list-frame"
      onPointerEnter={() => setPointed(true)}
      onPointerLeave={() => setPointed(false)}
    >
      <VirtualList
        name="Types"
        count={types.length}
        rowHeight={phone ? 56 : 32}
        keyOf={(index) => types[index]?.row.event_type ?? String(index)}
        active={cursor.index}
        handle={list}
        onTopChange={setAtTop}
        header={<TypesHead sort={sort} spelled={types.some((one) => one.spelled.length > 0)} />}
        footer={<p className="count-line">{many(types.length, "type")}</p>}
        row={(index) => {
          const found = types[index];
          if (!found) return null;
          return <TypeLine found={found} current={found.row.event_type === search.type} />;
        }}
      />
    </div>
  );
}

/** A link that names a type shows its row. */
function useShownOnce(
  list: React.RefObject<ListHandle | null>,
  types: readonly FoundType[],
  type: string | undefined,
): void {
  const shown = useRef(type === undefined);
  useEffect(() => {
    if (shown.current) return;
    const index = types.findIndex((found) => found.row.event_type === type);
    if (index < 0) return;
    shown.current = true;
    list.current?.show(index);
  }, [list, types, type]);
}

function TypesHead({ sort, spelled }: { sort: TypeSort; spelled: boolean }) {
  const head = (name: TypeSort, title: string, end = true): ReactNode => (
    <SortHead name={name} current={sort} title={title} end={end} />
  );
  return (
    <div className="list-head types-columns">
      <span />
      {head("type", "By name", false)}
      <span className="t-head-meaning">Meaning</span>
      <span className={spelled ? "t-came mono-head" : "t-came"}>
        {spelled ? "Spelled" : "Came by"}
      </span>
      {head("events", "By events in the log")}
      {head("minute", "By events of the last minute")}
      {head("hour", "By events of the last hour")}
      {head("failures", "By data that did not fit the schema, since the server's start")}
      {head("last", "By the newest event")}
    </div>
  );
}

function SortHead({
  name,
  current,
  title,
  end,
}: {
  name: TypeSort;
  current: TypeSort;
  title: string;
  end: boolean;
}) {
  const navigate = route.useNavigate();
  const sort = name === "events" ? undefined : name;
  return (
    <button
      type="button"
      className={`${end ? "sort-head end" : "sort-head"} t-${name}`}
      aria-pressed={current === name}
      title={title}
      onClick={() => void navigate({ search: (before) => ({ ...before, sort }), replace: true })}
    >
      {SORT_SAID[name]}
      <Icon name="down" size={12} />
    </button>
  );
}

const NAME_CHARS = 40;

function TypeLine({ found, current }: { found: FoundType; current: boolean }) {
  const { row } = found;
  const { counts } = row;
  const failures = counts?.schema_failures ?? 0;
  return (
    <Link
      from="/types"
      to="/types"
      search={(before) => ({ ...before, type: row.event_type })}
      replace
      className="row types-columns"
      data-unseen={!counts?.events}
      aria-current={current}
    >
      <Glyph category={row.category} />
      <span className="t-name">
        <span className="one-line strong" title={row.event_type}>
          {middle(row.event_type, NAME_CHARS)}
        </span>
        {row.entry?.authority === "control" && <span className="badge control">control</span>}
        {!row.entry && <span className="badge">not in the catalog</span>}
      </span>
      <span className="one-line small muted t-meaning" title={row.entry?.meaning}>
        {row.entry?.meaning}
      </span>
      <CameBy found={found} />
      <span className="end num t-events">{counts ? count(counts.events) : ""}</span>
      <Recent value={counts?.events_last_minute} className="t-minute" />
      <Recent value={counts?.events_last_hour} className="t-hour" />
      <span className="end num small fail t-failures">
        {failures > 0 && count(failures)}
        {failures > 0 && <span className="phone-only-inline"> failed</span>}
      </span>
      <span className="end small muted t-last">
        {counts?.last_at && <Ago at={counts.last_at} />}
      </span>
    </Link>
  );
}

function Recent({ value, className }: { value: number | undefined; className: string }) {
  return <span className={`end num small ${className}`}>{value ? count(value) : ""}</span>;
}

/** Spellings where they were asked for, else the dialects that events came by. */
function CameBy({ found }: { found: FoundType }) {
  const dialects = Object.entries(found.row.counts?.dialects ?? {});
  if (found.spelled.length > 0) {
    const names = [...new Set(found.spelled.map((one) => one.name))];
    const title = found.spelled.map((one) => `${one.dialect}: ${one.name}`).join("\n");
    return (
      <span className="one-line mono t-came" title={title}>
        {names.join(", ")}
      </span>
    );
  }
  const names = dialects.sort((a, b) => b[1] - a[1]);
  const title = names.map(([name, n]) => `${name} (${dialectSaid(name)}): ${count(n)}`).join("\n");
  return (
    <span className="one-line small muted t-came" title={title}>
      {names.map(([name]) => name).join(", ")}
    </span>
  );
}

function NoTypes({ text }: { text: string }) {
  return (
    <Empty icon="types" title={text ? "No type is called that" : "No type is like that"}>
      Types outside the catalog are kept too, under their own name, and stand here once something of
      them came.
      <p>
        <Link to="/types" search={{}} reloadDocument className="button">
          Show all types
        </Link>
      </p>
    </Empty>
  );
}
