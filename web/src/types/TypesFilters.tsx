// Owns the filter line of the Types page: words, category, dialect, only what came, and on a phone the order.
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { CATEGORIES } from "../format/category";
import { useKeys } from "../keys/useKeys";
import type { TypesSearch } from "../router";
import { Glyph } from "../ui/Bits";
import { DialectSelect } from "../ui/DialectSelect";
import { useDebounced } from "../ui/hooks";
import { Icon } from "../ui/icons";
import { TYPE_SORTS, type TypeSort } from "./typeRows";

const route = getRouteApi("/types");

export const SORT_SAID: Record<TypeSort, string> = {
  events: "Events",
  type: "Type",
  minute: "1 min",
  hour: "1 h",
  failures: "Failures",
  last: "Last",
};

export function TypesFilters({ dialects }: { dialects: readonly string[] }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [text, setText] = useState(search.q ?? "");
  const q = useDebounced(text.trim(), 120);
  useEffect(() => {
    void navigate({ search: (before) => ({ ...before, q: q || undefined }), replace: true });
  }, [q, navigate]);
  const put = (change: (before: TypesSearch) => Partial<TypesSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...change(before) }), replace: true });
  const toggle = (category: string) =>
    put((before) => ({ category: before.category === category ? undefined : category }));
  const toggleSeen = () => put((before) => ({ seen: before.seen ? undefined : "1" }));
  useKeys({
    ...Object.fromEntries(CATEGORIES.map((name, at) => [String(at + 1), () => toggle(name)])),
    s: toggleSeen,
  });
  return (
    <div className="page-filters">
      <span className="field wide">
        <Icon name="search" size={15} />
        <input
          data-filter-input
          type="search"
          aria-label="Search types"
          placeholder="Name, meaning or spelling"
          spellCheck={false}
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
          onClick={() => toggle(category)}
        >
          <Glyph category={category} />
          {category}
        </button>
      ))}
      <span className="divider" />
      <DialectSelect
        name="Dialect"
        none="any dialect"
        dialects={dialects}
        value={search.dialect}
        choose={(dialect) => put(() => ({ dialect }))}
      />
      <button
        type="button"
        className="chip"
        aria-pressed={search.seen === "1"}
        title="Only types of which something came (s)"
        onClick={toggleSeen}
      >
        seen only
      </button>
      <label className="field select phone-only">
        <span className="hidden-visually">Order</span>
        <select
          value={search.sort ?? TYPE_SORTS[0]}
          onChange={(event) => put(() => ({ sort: event.target.value as TypeSort }))}
        >
          {TYPE_SORTS.map((sort) => (
            <option key={sort} value={sort}>
              by {SORT_SAID[sort].toLowerCase()}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
