// Owns the catalog of event types: what each means, who may say it, and what it looks like.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useMemo, useRef, useState } from "react";
import { catalogQuery } from "../api/queries";
import type { CatalogType } from "../api/types";
import { CATEGORIES, isCategory } from "../format/category";
import { count } from "../format/number";
import { useCursor } from "../keys/useCursor";
import { useLiveViews } from "../live/useTail";
import { Glyph } from "../ui/Bits";
import { Drawer, Fact, Facts } from "../ui/Drawer";
import { usePageTitle } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { JsonView } from "../ui/JsonView";
import { Empty, Failed, SkeletonRows } from "../ui/States";

const route = getRouteApi("/types");

function useTypes(text: string, category: string | undefined) {
  const found = useQuery(catalogQuery());
  const types = useMemo(() => {
    const needle = text.trim().toLowerCase();
    const order = new Map<string, number>(CATEGORIES.map((name, at) => [name, at]));
    return (found.data?.types ?? [])
      .filter((type) => !category || type.category === category)
      .filter((type) => `${type.event_type} ${type.meaning}`.toLowerCase().includes(needle))
      .sort(
        (a, b) =>
          (order.get(a.category) ?? 99) - (order.get(b.category) ?? 99) ||
          a.event_type.localeCompare(b.event_type),
      );
  }, [found.data, text, category]);
  return { found, types };
}

export function TypesPage() {
  usePageTitle("Types");
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(search.q ?? "");
  const { found, types } = useTypes(text, search.category);
  useLiveViews([]);
  const list = useRef<HTMLUListElement>(null);
  const open = (type: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, type }), replace: true });
  const cursor = useCursor({
    count: types.length,
    keyOf: (index) => types[index]?.event_type ?? null,
    open: (index) => open(types[index]?.event_type),
    moved: (index) => {
      list.current?.children[index]?.scrollIntoView({ block: "nearest" });
      if (search.type) open(types[index]?.event_type);
    },
  });
  const chosen = types.find((type) => type.event_type === search.type);
  return (
    <>
      <div className="page-title">
        <h1>Types</h1>
        {found.data && <span className="muted num">{count(types.length)}</span>}
      </div>
      <div className="page-filters">
        <span className="field wide">
          <Icon name="search" size={15} />
          <input
            data-filter-input
            type="search"
            aria-label="Search types"
            placeholder="Name or meaning"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </span>
        {CATEGORIES.map((category) => (
          <button
            key={category}
            type="button"
            className="chip"
            aria-pressed={search.category === category}
            onClick={() =>
              void navigate({
                search: (before) => ({
                  ...before,
                  category: before.category === category ? undefined : category,
                }),
              })
            }
          >
            <Glyph category={category} />
            {category}
          </button>
        ))}
      </div>
      <div className="page-body">
        <div className="scroll">
          {found.isPending ? (
            <SkeletonRows rows={18} height={34} columns="18px 200px 84px 1fr" />
          ) : found.error ? (
            <Failed
              what="The catalog could not be read"
              error={found.error}
              retry={() => void found.refetch()}
            />
          ) : types.length === 0 ? (
            <Empty icon="types" title="No type is called that">
              Types outside the catalog are kept too, under their own name; look for them in{" "}
              <Link to="/live" search={{}} className="link">
                Live
              </Link>
              .
            </Empty>
          ) : (
            <>
              <div className="list-head types-columns" aria-hidden="true">
                <span />
                <span>Type</span>
                <span>Authority</span>
                <span>Meaning</span>
                <span className="end">Version</span>
              </div>
              <ul ref={list} aria-label="Types">
                {types.map((type, index) => (
                  <li
                    key={type.event_type}
                    className="plain-row"
                    data-active={index === cursor.index}
                  >
                    <TypeLine type={type} current={type.event_type === search.type} />
                  </li>
                ))}
              </ul>
            </>
          )}
        </div>
        {chosen && <TypeDrawer type={chosen} close={() => open(undefined)} />}
      </div>
    </>
  );
}

function TypeLine({ type, current }: { type: CatalogType; current: boolean }) {
  return (
    <Link
      from="/types"
      to="/types"
      search={(before) => ({ ...before, type: type.event_type })}
      replace
      className="row types-columns"
      aria-current={current}
    >
      <Glyph category={isCategory(type.category) ? type.category : "system"} />
      <span className="one-line strong">{type.event_type}</span>
      <span>
        <span className={type.authority === "control" ? "badge control" : "badge"}>
          {type.authority}
        </span>
      </span>
      <span className="small muted t-meaning">{type.meaning}</span>
      <span className="end small faint num t-version">v{type.event_version ?? 1}</span>
    </Link>
  );
}

function TypeDrawer({ type, close }: { type: CatalogType; close: () => void }) {
  const { event_type, event_version, category, authority, meaning, ...more } = type;
  const rest = Object.entries(more).filter(([, value]) => value !== undefined && value !== null);
  return (
    <Drawer
      name={`Type ${event_type}`}
      close={close}
      title={
        <>
          <Glyph category={isCategory(category) ? category : "system"} />
          <h2 className="one-line">{event_type}</h2>
        </>
      }
    >
      <p>{meaning}</p>
      <div className="drawer-actions">
        <Link to="/live" search={{ type: [event_type] }} className="button primary">
          Show live
        </Link>
      </div>
      <Facts>
        <Fact name="Category">{category}</Fact>
        <Fact name="Authority">
          {authority === "control"
            ? "control: only the server itself writes it; a report of it is stored as observed"
            : "observed: anyone who may append may report it"}
        </Fact>
        <Fact name="Version">{event_version ?? 1}</Fact>
      </Facts>
      {rest.map(([name, value]) => (
        <section key={name}>
          <h3>{name.replaceAll("_", " ")}</h3>
          {typeof value === "string" ? (
            <p>{value}</p>
          ) : (
            <JsonView text={JSON.stringify(value)} name={name} />
          )}
        </section>
      ))}
    </Drawer>
  );
}
