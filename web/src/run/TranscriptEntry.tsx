// Owns one entry of the transcript: prompt, words, thinking, tool call with result, model call, sub-agent.
import { memo, type ReactNode } from "react";
import type { AnnalsEvent, Json, RedactionMark, RunAgent } from "../api/types";
import { duration } from "../format/duration";
import { compact, count, tokensTotal } from "../format/number";
import { asObject, asText, errorText } from "../format/summary";
import { lineCount, middle, visible } from "../format/text";
import { Glyph, Took, tokensTitle } from "../ui/Bits";
import { Icon } from "../ui/icons";
import { JsonView } from "../ui/JsonView";
import { RedactedNote } from "../ui/Redaction";
import type { TimedSpan } from "./spanStore";
import { editDiff, type TranscriptRow, textOf, toolSaid } from "./transcript";

const CLAMP = { message: 18, thinking: 4, output: 8, error: 12, diff: 14 };

interface EntryProps {
  row: TranscriptRow;
  agents: readonly RunAgent[];
  start: AnnalsEvent | undefined;
  end: AnnalsEvent | undefined;
  running: boolean;
  expanded: boolean;
  toggle(): void;
  open(): void;
}

export const Entry = memo(
  function Entry(props: EntryProps) {
    const { span } = props.row;
    return (
      <div className="entry" data-kind={span.kind}>
        {props.row.speaker_changed && span.kind !== "agent" && props.row.depth > 0 && (
          <p className="entry-speaker">
            <Icon name="agents" size={13} />
            {agentName(span.agent_id, props.agents)}
          </p>
        )}
        {span.kind === "message" && <Message {...props} />}
        {span.kind === "tool" && <ToolCallEntry {...props} />}
        {span.kind === "model" && <ModelCall {...props} />}
        {span.kind === "agent" && <AgentEntry {...props} />}
        {redactions(props).map((mark) => (
          <RedactedNote key={mark.redaction_event_id} mark={mark} />
        ))}
      </div>
    );
  },
  (a, b) =>
    a.row.span === b.row.span &&
    a.row.speaker_changed === b.row.speaker_changed &&
    a.row.span.end_position === (a.end?.position ?? a.row.span.end_position) &&
    a.start === b.start &&
    a.end === b.end &&
    a.expanded === b.expanded &&
    a.running === b.running &&
    a.agents === b.agents,
);

/** The marks of the two events that an entry tells of. */
function redactions({ start, end }: EntryProps): RedactionMark[] {
  const both = start === end ? [start] : [start, end];
  return both.flatMap((event) => (event?.redaction ? [event.redaction] : []));
}

function agentName(id: string, agents: readonly RunAgent[]): string {
  return agents.find((agent) => agent.agent_id === id)?.name ?? middle(id, 32);
}

function Bones({ lines }: { lines: number }) {
  return (
    <div className="entry-bones" aria-hidden="true">
      {Array.from({ length: lines }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: bones have no identity.
        <div key={at} className="bone" style={{ width: `${88 - at * 17}%` }} />
      ))}
    </div>
  );
}

/** Text as text, cut by lines; the rest is one click away. */
function Clamped({
  text,
  lines,
  expanded,
  toggle,
  className,
}: {
  text: string;
  lines: number;
  expanded: boolean;
  toggle(): void;
  className: string;
}) {
  const total = lineCount(text);
  const long = total > lines || text.length > lines * 160;
  const cut =
    expanded || !long
      ? text
      : text
          .split("\n")
          .slice(0, lines)
          .join("\n")
          .slice(0, lines * 160);
  return (
    <>
      <div className={className}>{visible(cut)}</div>
      {long && (
        <button type="button" className="entry-more" onClick={toggle} aria-expanded={expanded}>
          {expanded ? "Show less" : `Show all ${total > 1 ? `${count(total)} lines` : "of it"}`}
        </button>
      )}
    </>
  );
}

function Message({ row, start, expanded, toggle }: EntryProps) {
  if (!start) return <Bones lines={2} />;
  if (start.redaction && !start.redaction.replaced) return null;
  const data = asObject(start.data);
  const kind = asText(data.kind) ?? row.span.name;
  const text = asText(data.content_md) ?? "";
  const isPrompt = kind === "prompt" || asText(data.sender_type) === "user";
  const label = isPrompt ? (asText(data.sender_id) ?? "user") : kind === "text" ? null : kind;
  return (
    <div className="said" data-said={isPrompt ? "prompt" : kind}>
      {label && <span className="said-label">{label}</span>}
      {text === "" ? (
        <p className="faint">(empty)</p>
      ) : (
        <Clamped
          text={text}
          lines={kind === "thinking" ? CLAMP.thinking : CLAMP.message}
          expanded={expanded}
          toggle={toggle}
          className="said-text"
        />
      )}
    </div>
  );
}

function CallState({ span, running }: { span: TimedSpan; running: boolean }) {
  if (span.status === "open") {
    return running ? (
      <span className="status" data-status="running">
        <Icon name="ring" size={13} className="spin" />
        running
      </span>
    ) : (
      <span className="small faint">no result</span>
    );
  }
  return (
    <span className={span.status === "error" ? "call-state fail" : "call-state"}>
      {span.status === "error" && <Icon name="cross" size={13} />}
      <Took ms={span.duration_ms} />
    </span>
  );
}

function ToolCallEntry({ row, start, end, running, expanded, toggle, open }: EntryProps) {
  const { span } = row;
  const said = toolSaid(span, start, end);
  const waiting = !start || (span.end_position !== null && !end);
  return (
    <div className="call" data-status={span.status}>
      <div className="call-head">
        <Glyph category="tool" />
        <button type="button" className="call-open" onClick={open} title="Open the call (Enter)">
          <span className="strong">{said.tool_name}</span>
          <code className="one-line">{visible(said.title)}</code>
        </button>
        <CallState span={span} running={running} />
      </div>
      {waiting ? (
        <Bones lines={2} />
      ) : (
        <ToolBody
          input={said.input}
          output={said.output}
          error={said.error}
          expanded={expanded}
          toggle={toggle}
        />
      )}
    </div>
  );
}

function ToolBody({
  input,
  output,
  error,
  expanded,
  toggle,
}: {
  input: Json | undefined;
  output: string | null;
  error: string | null;
  expanded: boolean;
  toggle(): void;
}) {
  const diff = editDiff(input);
  const parts: ReactNode[] = [];
  if (diff) parts.push(<Diff key="diff" lines={diff} expanded={expanded} toggle={toggle} />);
  else if (expanded && input !== undefined) {
    parts.push(<JsonView key="input" text={JSON.stringify(input)} name="Input" />);
  }
  if (error !== null) {
    parts.push(
      <Clamped
        key="error"
        text={error}
        lines={CLAMP.error}
        expanded={expanded}
        toggle={toggle}
        className="call-error"
      />,
    );
  }
  if (output !== null && output !== "" && output !== error) {
    parts.push(
      <Clamped
        key="output"
        text={output}
        lines={CLAMP.output}
        expanded={expanded}
        toggle={toggle}
        className="call-output"
      />,
    );
  }
  return parts.length > 0 ? <div className="call-body">{parts}</div> : null;
}

function Diff({
  lines,
  expanded,
  toggle,
}: {
  lines: { sign: string; text: string }[];
  expanded: boolean;
  toggle(): void;
}) {
  const shown = expanded ? lines : lines.slice(0, CLAMP.diff);
  return (
    <>
      <pre className="diff">
        {shown.map((line, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one change never move.
          <div key={at} data-sign={line.sign}>
            {line.sign} {visible(line.text)}
          </div>
        ))}
      </pre>
      {lines.length > shown.length && (
        <button type="button" className="entry-more" onClick={toggle}>
          Show all {count(lines.length)} lines
        </button>
      )}
    </>
  );
}

function ModelCall({ row, end, running, open }: EntryProps) {
  const { span } = row;
  const tokens = span.tokens && tokensTotal(span.tokens) > 0 ? span.tokens : null;
  const failed = span.status === "error";
  return (
    <div className="model-call">
      <button
        type="button"
        className="model-line"
        onClick={open}
        title="Open the model call (Enter)"
      >
        <span className="model-name">{span.name}</span>
        {tokens && (
          <span className="num" title={tokensTitle(tokens)}>
            {compact(tokens.input)} in · {compact(tokens.cache_read + tokens.cache_write)} cached ·{" "}
            {compact(tokens.output)} out
          </span>
        )}
        <CallState span={span} running={running} />
      </button>
      {failed && (
        <p className="call-error">{visible(errorText(asObject(end?.data)) ?? "The call failed")}</p>
      )}
    </div>
  );
}

function AgentEntry({ row, start, agents, open }: EntryProps) {
  const { span } = row;
  const data = asObject(start?.data);
  const name = asText(data.name) ?? agentName(span.agent_id, agents);
  const type = asText(data.agent_type);
  return (
    <button type="button" className="agent-entry" onClick={open}>
      <Glyph category="agent" />
      <span className="strong one-line">{name}</span>
      {type && type !== name && <span className="badge">{type}</span>}
      <span className="small muted">
        sub-agent
        {span.duration_ms !== null && span.end_position !== null
          ? `, worked ${duration(span.duration_ms)}`
          : ""}
      </span>
    </button>
  );
}

/** The text of a message event, for the drawer. */
export function messageText(event: AnnalsEvent): string {
  return textOf(asObject(event.data).content_md);
}
