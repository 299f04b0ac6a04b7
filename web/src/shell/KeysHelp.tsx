// Owns the page of keys that `?` shows.
import { useEffect, useRef } from "react";
import { Icon } from "../ui/icons";
import { NAV } from "./nav";

const GROUPS: { name: string; keys: [string[], string][] }[] = [
  {
    name: "Anywhere",
    keys: [
      [["⌘K", "Ctrl K"], "Find pages, runs, agents, types"],
      [["/"], "Filter"],
      [["Esc"], "Close, or leave a field"],
      [["?"], "These keys"],
    ],
  },
  {
    name: "Lists",
    keys: [
      [["j", "↓"], "Next"],
      [["k", "↑"], "Previous"],
      [["Enter"], "Open"],
      [["Home", "End"], "First, last"],
    ],
  },
  {
    name: "Live",
    keys: [
      [["p"], "Pause, go on"],
      [["t"], "Show what waits, to the top"],
      [["1 … 7"], "Category on, off; so on Types"],
      [["s"], "On Types: only what came"],
    ],
  },
  {
    name: "Run",
    keys: [
      [["1", "2", "3", "4"], "Transcript, waterfall, lanes, events"],
      [["e"], "Errors only"],
      [["i"], "Where tokens and cost come from"],
      [["+", "−"], "Zoom"],
      [["←", "→"], "Pan"],
      [["0"], "Whole run"],
      [["c"], "Squeeze idle gaps"],
      [["f"], "Time follows the rows on screen"],
      [["x"], "Unfold, fold a row"],
    ],
  },
];

export function KeysHelp({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="dialog keys-help" aria-labelledby="keys-title" onClose={close}>
      <header className="dialog-head">
        <h2 id="keys-title">Keys</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={close}>
          <Icon name="close" size={16} />
        </button>
      </header>
      <div className="keys-groups">
        <KeyGroup
          name="Go to"
          keys={NAV.map((item) => [["g", item.key], item.label] as [string[], string])}
          join=" "
        />
        {GROUPS.map((group) => (
          <KeyGroup key={group.name} name={group.name} keys={group.keys} join=" or " />
        ))}
      </div>
    </dialog>
  );
}

function KeyGroup({
  name,
  keys,
  join,
}: {
  name: string;
  keys: [string[], string][];
  join: string;
}) {
  return (
    <section>
      <h3>{name}</h3>
      <dl>
        {keys.map(([presses, does]) => (
          <div key={does}>
            <dt>
              {presses.map((press, at) => (
                <span key={press}>
                  {at > 0 && <span className="faint">{join === " " ? " " : " "}</span>}
                  <kbd>{press}</kbd>
                </span>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
