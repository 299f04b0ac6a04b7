// Owns the names of recent runs, so that an event can say its run in words.
import { useQuery } from "@tanstack/react-query";
import { getJson } from "./client";
import type { RunsPage } from "./types";

const TITLES_KNOWN = 200;
const NONE = new Map<string, string>();

export function useRunTitles(): ReadonlyMap<string, string> {
  const found = useQuery({
    queryKey: ["run-titles"],
    queryFn: ({ signal }) => getJson<RunsPage>("/v1/runs", { limit: TITLES_KNOWN }, signal),
    select: titlesOf,
    refetchInterval: 10_000,
  });
  return found.data ?? NONE;
}

function titlesOf(page: RunsPage): Map<string, string> {
  return new Map(page.runs.flatMap((run) => (run.title ? [[run.run_id, run.title]] : [])));
}
