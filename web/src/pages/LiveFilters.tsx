// Owns the filter line of the live page: category switches, chips for what is set, a field for more.
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { catalogQuery } from "../api/queries";
import { CATEGORIES, isCategory } from "../format/category";
import { DIALECTS } from "../format/dialect";
import { middle } from "../format/text";
import { useKeys } from "../keys/useKeys";
import { type FilterWord, filterWord } from "../live/liveList";
import type { LiveSearch } from "../router";
import { Glyph } from "../ui/Bits";
import { DialectSelect } from "../ui/DialectSelect";
import { Icon } from "../ui/icons";

const route = getRouteApi("/live");

function without(list: string[] | undefined, value: string): string[] | undefined {
  const left = (list ?? []).filter((item) => item !== value);
  return left.length > 0 ? left : undefined;
}

/** Types add up, and so do dialects; of run, agent and category there is one. */
function changed(search: LiveSearch, word: FilterWord, on: boolean): LiveSearch {
  const { key, value } = word;
  if (key !== "type" && key !== "origin") return { ...search, [key]: on ? value : undefined };
  const rest = without(search[key], value);
  return { ...search, [key]: on ? [...(rest ?? []), value] : rest };
}

/** What stands before the value on a chip. */
const KEY_SAID: Partial<Record<FilterWord["key"], string>> = { origin: "dialect" };

export function LiveFilters({ search }: { search: LiveSearch }) {
  const navigate = route.useNavigate();
  const [text, setText] = useState("");
  const catalog = useQuery(catalogQuery());
  const put = (word: FilterWord, on: boolean) =>
    void navigate({ search: (before) => ({ ...before, ...changed(before, word, on) }) });
  const toggleCategory = (value: string) =>
    put({ key: "category", value }, search.category !== value);
  useKeys(
    Object.fromEntries(
      CATEGORIES.map((category, at) => [String(at + 1), () => toggleCategory(category)]),
    ),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const word = filterWord(text, isCategory);
    if (word) put(word, true);
    setText("");
  };
  const set: FilterWord[] = [
    ...(search.type ?? []).map((value) => ({ key: "type" as const, value })),
    ...(search.origin ?? []).map((value) => ({ key: "origin" as const, value })),
    ...(search.run ? [{ key: "run" as const, value: search.run }] : []),
    ...(search.agent ? [{ key: "agent" as const, value: search.agent }] : []),
  ];
  return (
    <div className="page-filters">
      <form onSubmit={submit} className="field wide">
        <Icon name="search" size={15} />
        <input
          data-filter-input
          aria-label="Add a filter"
          placeholder="tool.*  run:…  agent:…"
          list="live-types"
          value={text}
          spellCheck={false}
          onChange={(event) => setText(event.target.value)}
        />
        <datalist id="live-types">
          {(catalog.data?.types ?? []).map((type) => (
            <option key={type.event_type} value={type.event_type} />
          ))}
        </datalist>
      </form>
      {set.map((word) => (
        <button
          key={`${word.key}:${word.value}`}
          type="button"
          className="chip set"
          title={`Remove ${KEY_SAID[word.key] ?? word.key} ${word.value}`}
          onClick={() => put(word, false)}
        >
          <span className="hidden-visually">Remove the filter</span>
          <span className="chip-key">{KEY_SAID[word.key] ?? word.key}</span>
          {middle(word.value, 26)}
          <Icon name="close" size={12} />
        </button>
      ))}
      <span className="divider" />
      {CATEGORIES.map((category) => (
        <button
          key={category}
          type="button"
          className="chip"
          aria-pressed={search.category === category}
          onClick={() => toggleCategory(category)}
        >
          <Glyph category={category} />
          {category}
        </button>
      ))}
      <DialectSelect
        name="Add a dialect that events came by"
        none={search.origin ? "another dialect" : "any dialect"}
        dialects={DIALECTS.filter((dialect) => !search.origin?.includes(dialect))}
        value={undefined}
        choose={(value) => value && put({ key: "origin", value }, true)}
      />
    </div>
  );
}
