// Owns the menu of dialects in a filter line.
import { dialectSaid } from "../format/dialect";

export function DialectSelect({
  name,
  none,
  dialects,
  value,
  choose,
}: {
  name: string;
  /** What stands there while none is chosen. */
  none: string;
  dialects: readonly string[];
  value: string | undefined;
  choose(dialect: string | undefined): void;
}) {
  return (
    <label className="field select" data-set={value !== undefined}>
      <span className="hidden-visually">{name}</span>
      <select value={value ?? ""} onChange={(event) => choose(event.target.value || undefined)}>
        <option value="">{none}</option>
        {dialects.map((dialect) => (
          <option key={dialect} value={dialect} title={dialectSaid(dialect)}>
            {dialect}
          </option>
        ))}
        {value !== undefined && !dialects.includes(value) && <option value={value}>{value}</option>}
      </select>
    </label>
  );
}
