// Owns how a verification's end is shown: the verdict, the first wrong event, and every check in words.
import type { ReactNode } from "react";
import { duration } from "../format/duration";
import { count } from "../format/number";
import { CopyButton } from "../ui/Bits";
import { Icon, type IconName } from "../ui/icons";
import type { Check, CheckState, Outcome, Scope } from "../verify/outcome";

const SAID: Record<CheckState, { icon: IconName; title: string }> = {
  wrong: { icon: "cross", title: "Wrong" },
  proved: { icon: "check", title: "Proved here" },
  unchecked: { icon: "circle", title: "Not checked" },
};

export function Checks({ checks }: { checks: readonly Check[] }) {
  return (["wrong", "proved", "unchecked"] as const).map((state) => {
    const some = checks.filter((check) => check.state === state);
    if (some.length === 0) return null;
    return (
      <section key={state} className="checks" data-state={state} aria-label={SAID[state].title}>
        <h3>{SAID[state].title}</h3>
        <ul>
          {some.map((check) => (
            <li key={check.says}>
              <Icon name={SAID[state].icon} size={14} />
              <span>{withCode(check.says)}</span>
            </li>
          ))}
        </ul>
      </section>
    );
  });
}

/** What stands in backticks is something to type. */
function withCode(text: string): ReactNode[] {
  return text.split("`").map((part, at) => (at % 2 === 1 ? <code key={part}>{part}</code> : part));
}

export function scopeName(scope: Scope): string {
  switch (scope.kind) {
    case "checkpoint":
      return "The newest checkpoint";
    case "tree":
      return "The whole tree";
    case "run":
      return `Run ${scope.runId}`;
    case "stream":
      return `Stream ${scope.streamType}/${scope.streamId}`;
    case "range":
      return `Positions ${count(scope.from)} to ${count(scope.to)}`;
  }
}

const VERDICT = {
  proved: { icon: "check", words: "in order" },
  wrong: { icon: "alert", words: "not in order" },
  empty: { icon: "inbox", words: "there was nothing to check" },
  stopped: { icon: "pause", words: "not checked to the end" },
} as const satisfies Record<Outcome["verdict"], { icon: IconName; words: string }>;

export function OutcomeView({
  outcome,
  openEvent,
}: {
  outcome: Outcome;
  openEvent(eventId: string): void;
}) {
  const { icon, words } = VERDICT[outcome.verdict];
  const eventId = outcome.fault?.eventId;
  return (
    <div className="outcome" data-verdict={outcome.verdict}>
      <Verdict state={outcome.verdict} icon={icon} title={`${scopeName(outcome.scope)}: ${words}`}>
        {outcome.fault ? outcome.fault.says : `Checked in ${duration(outcome.tookMs)}.`}
      </Verdict>
      <div className="drawer-actions">
        {eventId && (
          <button type="button" className="button primary" onClick={() => openEvent(eventId)}>
            Open the event
          </button>
        )}
        <CopyButton text={JSON.stringify(outcome, null, 2)} label="Copy report" />
      </div>
      <Checks checks={outcome.checks.filter((check) => check.says !== outcome.fault?.says)} />
    </div>
  );
}

export function Verdict({
  state,
  icon,
  title,
  children,
}: {
  state: Outcome["verdict"] | "checking" | "failed" | "doubt";
  icon: IconName;
  title: string;
  children?: ReactNode;
}) {
  return (
    <div className="verdict" data-verdict={state} role={state === "wrong" ? "alert" : "status"}>
      <span className="state-icon">
        <Icon name={icon} className={state === "checking" ? "spin" : undefined} />
      </span>
      <div>
        <h2 className="plain">{title}</h2>
        {children && <p className="muted">{children}</p>}
      </div>
    </div>
  );
}
