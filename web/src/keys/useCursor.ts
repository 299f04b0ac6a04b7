// Owns the row cursor of a list: j and k move it, Enter opens, and it stays with its row when rows arrive above.
import { useEffect, useRef, useState } from "react";
import { useKeys } from "./useKeys";

export interface Cursor {
  index: number;
  set(index: number): void;
}

export interface CursorInput {
  count: number;
  keyOf(index: number): string | null;
  open(index: number): void;
  /** Called when a key moved the cursor, for scrolling there and following with an open drawer. */
  moved(index: number): void;
}

export function useCursor(input: CursorInput): Cursor {
  const [key, setKey] = useState<string | null>(null);
  const hint = useRef(0);
  const index = locate(input, key, hint.current);
  useEffect(() => {
    if (index >= 0) hint.current = index;
  }, [index]);

  const move = (to: number) => {
    if (input.count === 0) return;
    const bounded = Math.min(Math.max(0, to), input.count - 1);
    setKey(input.keyOf(bounded));
    hint.current = bounded;
    input.moved(bounded);
  };
  const by = (step: number) => () => move(index < 0 ? 0 : index + step);
  useKeys({
    j: by(1),
    ArrowDown: by(1),
    k: by(-1),
    ArrowUp: by(-1),
    Home: () => move(0),
    End: () => move(input.count - 1),
    Enter: () => index >= 0 && input.open(index),
  });
  return {
    index,
    set: (to) => {
      setKey(input.keyOf(to));
      hint.current = to;
    },
  };
}

/** Looks near the last place first: rows shift by a few, lists are long. */
function locate(input: CursorInput, key: string | null, hint: number): number {
  if (key === null) return -1;
  for (let away = 0; away < input.count; away++) {
    if (hint + away < input.count && input.keyOf(hint + away) === key) return hint + away;
    if (hint - away >= 0 && input.keyOf(hint - away) === key) return hint - away;
  }
  return -1;
}
