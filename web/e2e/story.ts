// Owns the runs that the browser tests are told about: one with everything in it, one that goes on, one that is huge.
import type { Data, Draft } from "./server";

/** Writes one run's events with times that move on as it is told. */
export class Story {
  readonly events: Draft[] = [];
  private at_ms: number;

  constructor(
    readonly run_id: string,
    readonly agent = "claude-code",
    start_ms = Date.now() - 600_000,
  ) {
    this.at_ms = start_ms;
  }

  tell(event_type: string, data: Data, after_ms = 100, actor_id = this.agent): this {
    this.at_ms += after_ms;
    this.events.push({
      event_type,
      occurred_at: new Date(this.at_ms).toISOString(),
      run_id: this.run_id,
      actor: { actor_type: actor_id === "user" ? "user" : "agent", actor_id },
      stream: { stream_type: "run", stream_id: this.run_id },
      data,
    });
    return this;
  }

  begin(title: string): this {
    const { run_id, agent } = this;
    return this.tell("run.started", {
      run_id,
      title,
      agent_name: agent,
      model: "claude-opus-4-8",
      cwd: "/home/dev/shop",
    }).tell("agent.started", { agent_id: agent, name: agent });
  }

  prompt(text: string): this {
    const message_id = `${this.run_id}-p${this.events.length}`;
    const data = {
      message_id,
      sender_type: "user",
      sender_id: "user",
      kind: "prompt",
      content_md: text,
    };
    return this.tell("message.created", data, 50, "user");
  }

  say(text: string, kind = "text", actor = this.agent): this {
    const message_id = `${this.run_id}-m${this.events.length}`;
    const data = { message_id, sender_type: "agent", sender_id: actor, kind, content_md: text };
    return this.tell("message.created", data, 200, actor);
  }

  model(tokens: number, actor = this.agent): this {
    const model_call_id = `${this.run_id}-c${this.events.length}`;
    const model = "claude-opus-4-8";
    return this.tell(
      "model.invoked",
      { model_call_id, model, provider: "anthropic" },
      50,
      actor,
    ).tell(
      "model.completed",
      {
        model_call_id,
        model,
        usage: {
          input_tokens: tokens,
          output_tokens: 20,
          cache_read_tokens: 900,
          cache_write_tokens: 0,
        },
        duration_ms: 1500,
        cost_micros: 4200,
      },
      1500,
      actor,
    );
  }

  call(
    tool_name: string,
    input: Data,
    result: { output?: string; message?: string } | null,
    actor = this.agent,
  ): this {
    const tool_call_id = `${this.run_id}-t${this.events.length}`;
    this.tell("tool.invoked", { tool_call_id, tool_name, input }, 20, actor);
    if (!result) return this;
    const verb = result.message === undefined ? "tool.succeeded" : "tool.failed";
    return this.tell(verb, { tool_call_id, tool_name, ...result, duration_ms: 700 }, 700, actor);
  }
}

/** Prompt, thinking, tools that work and fail, an edit, a sub-agent, an hour of waiting, markup that must stay text. */
export function wholeStory(run_id: string, title: string): Draft[] {
  const story = new Story(run_id, "claude-code", Date.now() - 2 * 3_600_000)
    .begin(title)
    .prompt("Fix the flaky test.\n\nKeep the diff small.")
    .model(812)
    .say("The clock is seeded twice.", "thinking")
    .say("Found it: <script>window.pwned = true</script> is in the fixture.")
    .call(
      "Bash",
      { command: "cargo test -p orders" },
      { output: "\u001b[31mtest result\u001b[0m: ok. 48 passed" },
    )
    .call("Bash", { command: "cargo clippy" }, { message: "Exit code 101: unused import" })
    .call(
      "Edit",
      {
        file_path: "src/page.rs",
        old_string: "let a = 1;\nlet b = 2;",
        new_string: "let a = 1;\nlet b = 3;",
      },
      { output: "edited" },
    );
  const sub = `claude-code/${run_id}`;
  const spawn = `${run_id}-spawn`;
  story
    .tell("tool.invoked", {
      tool_call_id: spawn,
      tool_name: "Task",
      input: { description: "Map the callers" },
    })
    .tell(
      "agent.started",
      {
        agent_id: sub,
        name: "Map the callers",
        agent_type: "Explore",
        parent_agent_id: "claude-code",
        tool_call_id: spawn,
      },
      10,
      sub,
    )
    .call("Grep", { pattern: "OrderCursor" }, { output: "4 matches" }, sub)
    .tell("agent.stopped", { agent_id: sub, success: true }, 10, sub)
    .tell("tool.succeeded", { tool_call_id: spawn, tool_name: "Task", output: "Two of four." }, 10)
    .tell(
      "message.created",
      {
        message_id: `${run_id}-later`,
        sender_type: "user",
        sender_id: "user",
        kind: "prompt",
        content_md: "Go on.",
      },
      3_600_000,
      "user",
    )
    .model(90)
    .say("Done.")
    .tell("run.failed", { run_id, message: "The budget of 40 turns is used up" });
  return story.events;
}

/** A run of about `event_count` events, told in turns. */
export function hugeStory(run_id: string, title: string, event_count: number): Draft[] {
  const story = new Story(run_id, "claude-code", Date.now() - 36 * 3_600_000)
    .begin(title)
    .prompt("Port all of it.");
  for (let turn = 1; story.events.length < event_count - 7; turn++) {
    story.model(300 + (turn % 500)).say(`Component ${turn} still has the old names.`);
    const failed = turn % 40 === 0;
    story.call(
      "Bash",
      { command: `npm test -- component-${turn}` },
      failed ? { message: "Exit code 1" } : { output: "14 tests passed" },
    );
    story.call("Edit", { file_path: `src/c${turn}.tsx` }, { output: "edited" });
  }
  story.tell("run.completed", { run_id, summary: "All of it." });
  return story.events;
}
