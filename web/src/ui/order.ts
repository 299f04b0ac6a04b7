// Owns the rule that rows never jump under the cursor: what is on screen keeps its place, news comes in above.

export function stableOrder<T>(
  before: readonly string[],
  fresh: readonly T[],
  keyOf: (item: T) => string,
): T[] {
  const place = new Map(before.map((key, at) => [key, at]));
  const known: T[] = [];
  const news: T[] = [];
  const later: T[] = [];
  let seenKnown = false;
  for (const item of fresh) {
    if (place.has(keyOf(item))) {
      known.push(item);
      seenKnown = true;
    } else if (seenKnown && news.length + known.length >= before.length) later.push(item);
    else news.push(item);
  }
  known.sort((a, b) => (place.get(keyOf(a)) ?? 0) - (place.get(keyOf(b)) ?? 0));
  return [...news, ...known, ...later];
}
