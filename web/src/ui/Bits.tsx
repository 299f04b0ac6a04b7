// Owns the smallest parts: category glyph, run status, times, ids that copy, commands, tokens and cost.
import { useState } from "react";
import type { AnnalsEvent, Category, Cost, RunStatus, Tokens } from "../api/types";
import { CATEGORY_LETTER, categoryOf } from "../format/category";
import { duration, durationExact } from "../format/duration";
import { type CostSaid, compact, costSaid, count, money, tokensTotal } from "../format/number";
import { middle } from "../format/text";
import { absolute, ago } from "../format/time";
import { useNow } from "./hooks";
import { Icon } from "./icons";

export function Glyph({ category, title }: { category: Category; title?: string }) {
  return (
    <span className="glyph" data-category={category} title={title ?? category} aria-hidden="true">
      {CATEGORY_LETTER[category]}
    </span>
  );
}

export function TypeGlyph({ eventType }: { eventType: string }) {
  return <Glyph category={categoryOf(eventType)} />;
}

/** Before the words about a redacted event, and one whose data does not fit, in every list. */
export function SummaryMark({ event }: { event: AnnalsEvent }) {
  if (event.redaction) return <Icon name="redacted" size={14} className="summary-mark" />;
  if (!event.schema_violation) return null;
  return (
    <span title={`Its data does not fit: ${event.schema_violation.problem}`}>
      <Icon name="alert" size={14} className="summary-mark" />
      <span className="hidden-visually">does not fit its schema: </span>
    </span>
  );
}

const FRESH_MS = 60_000;

/** Green only for a success just now; an old success is quiet. */
export function StatusMark({
  status,
  endedAt,
  words = true,
}: {
  status: RunStatus;
  endedAt?: string | null;
  words?: boolean;
}) {
  const now = useNow();
  const fresh =
    status === "completed" && Boolean(endedAt) && now - Date.parse(endedAt ?? "") < FRESH_MS;
  return (
    <span className="status" data-status={status} data-fresh={fresh} title={status}>
      {status === "running" && <Icon name="ring" size={14} className="spin" />}
      {status === "completed" && <Icon name="check" size={14} />}
      {status === "failed" && <Icon name="cross" size={14} />}
      {status === "cancelled" && <Icon name="stop" size={14} />}
      {status === "idle" && <Icon name="circle" size={14} />}
      <span className={words ? undefined : "hidden-visually"}>{status}</span>
    </span>
  );
}

export function Ago({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={absolute(at)} className="num">
      {ago(at, now)}
    </time>
  );
}

export function Took({ ms }: { ms: number | null | undefined }) {
  return (
    <span className="num" title={durationExact(ms)}>
      {duration(ms)}
    </span>
  );
}

/** How long a run takes, ticking while it goes on. */
export function RunTook({
  startedAt,
  endedAt,
  running,
  ms,
}: {
  startedAt: string;
  endedAt: string | null;
  running: boolean;
  ms: number;
}) {
  const now = useNow();
  return <Took ms={running && !endedAt ? Math.max(ms, now - Date.parse(startedAt)) : ms} />;
}

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function useCopied(): [boolean, (text: string) => void] {
  const [copied, setCopied] = useState(false);
  const copy = (text: string) => {
    void copyText(text).then((done) => {
      setCopied(done);
      setTimeout(() => setCopied(false), 1_200);
    });
  };
  return [copied, copy];
}

/** A long id, shortened in the middle; a click copies it whole. */
export function Id({ value, name, chars = 18 }: { value: string; name: string; chars?: number }) {
  const [copied, copy] = useCopied();
  return (
    <button
      type="button"
      className="id"
      data-copied={copied}
      title={`${value}\nClick to copy`}
      onClick={(event) => {
        event.stopPropagation();
        copy(value);
      }}
    >
      <span className="hidden-visually">Copy {name}</span>
      <span className="one-line">{copied ? "copied" : middle(value, chars)}</span>
      <Icon name={copied ? "check" : "copy"} size={13} />
    </button>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, copy] = useCopied();
  return (
    <button type="button" className="button" onClick={() => copy(text)}>
      <Icon name={copied ? "check" : "copy"} size={14} />
      {copied ? "Copied" : label}
    </button>
  );
}

export function Command({ text }: { text: string }) {
  const [copied, copy] = useCopied();
  return (
    <div className="command">
      <code>{text}</code>
      <button
        type="button"
        className="icon-button"
        aria-label={copied ? "Copied" : `Copy the command ${text}`}
        onClick={() => copy(text)}
      >
        <Icon name={copied ? "check" : "copy"} size={15} />
      </button>
    </div>
  );
}

export function tokensTitle(tokens: Tokens): string {
  return [
    `${count(tokens.input)} input`,
    `${count(tokens.cache_read)} read from cache`,
    `${count(tokens.cache_write)} written to cache`,
    `${count(tokens.output)} output`,
  ].join("\n");
}

/** Input, cached and output, in that order, always split. */
export function TokensSplit({ tokens }: { tokens: Tokens }) {
  const cached = tokens.cache_read + tokens.cache_write;
  return (
    <span className="tokens num" title={tokensTitle(tokens)}>
      <span>
        {compact(tokens.input)}
        <small> in</small>
      </span>
      <span>
        {compact(cached)}
        <small> cached</small>
      </span>
      <span>
        {compact(tokens.output)}
        <small> out</small>
      </span>
    </span>
  );
}

/** The same in a list, where a run of which no call is known has said nothing of tokens: that is no zero. */
export function TokensSaid({ tokens, calls }: { tokens: Tokens; calls: number }) {
  if (calls > 0 || tokensTotal(tokens) > 0) return <TokensSplit tokens={tokens} />;
  return (
    <span className="num faint unsaid" title="No model call was reported">
      –
    </span>
  );
}

export function CostMark({ cost, source = true }: { cost: Cost; source?: boolean }) {
  const both = [
    cost.vendor === null ? "" : `vendor: ${money(cost.vendor)}`,
    cost.computed === null ? "" : `computed from tokens and prices: ${money(cost.computed)}`,
  ];
  const title = both.filter(Boolean).join("\n") || "no cost was reported";
  return <CostSaidMark said={costSaid(cost)} title={title} source={source} />;
}

export function CostSaidMark({
  said,
  title,
  source = true,
}: {
  said: CostSaid;
  title?: string;
  source?: boolean;
}) {
  return (
    <span className={said.micros === null ? "num unsaid" : "num"} title={title}>
      {said.text}
      {source && said.source && <small className="faint"> {said.source}</small>}
    </span>
  );
}
