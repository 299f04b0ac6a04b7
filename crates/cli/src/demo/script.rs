//! One run from a scenario and a source of luck: its events at offsets from its start.
//!
//! It is pure: it reads no clock and makes no id but from luck. A [`Beat`] becomes an event when
//! the run's start is known.

use annals_core::envelope::{Actor, ActorType, Draft, StreamKey};
use annals_core::id::{
    ActorId, CorrelationId, EventId, EventType, IdError, RunId, StreamId, StreamType,
};
use annals_core::price::{PriceTable, TokenUsage};
use annals_core::time::Timestamp;
use serde_json::{Value, json};

use super::luck::Luck;
use super::scenario::{Artifact, Scenario, SubAgent, Tool, Turn};

/// An event whose time is counted from the start of its run.
#[derive(Debug, Clone)]
pub(crate) struct Beat {
    pub(crate) offset_micros: i64,
    draft: Draft,
    id_bytes: [u8; 10],
}

impl Beat {
    /// The event, in a run that started at a time.
    pub(crate) fn into_draft(self, start: Timestamp) -> Draft {
        let at = Timestamp::from_micros(start.as_micros().saturating_add(self.offset_micros));
        let event_id = Some(event_id(at, self.id_bytes));
        Draft { event_id, occurred_at: Some(at), ..self.draft }
    }
}

/// A UUID of version 7 from a time and given random bytes.
fn event_id(at: Timestamp, random: [u8; 10]) -> EventId {
    let millis = (at.as_micros() / 1_000).to_be_bytes();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&millis[2..]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = 0x70 | bytes[6] & 0x0f;
    bytes[8] = 0x80 | bytes[8] & 0x3f;
    EventId::from_bytes(bytes)
}

/// What all runs share.
#[derive(Debug)]
pub(crate) struct World<'a> {
    pub(crate) prices: &'a PriceTable,
    /// How much faster than life the runs go.
    pub(crate) speed: f64,
}

/// Plays a scenario once.
pub(crate) fn play(
    scenario: &Scenario,
    luck: &mut Luck,
    world: &World<'_>,
) -> Result<Vec<Beat>, IdError> {
    let mut script = Script::new(scenario, luck, world)?;
    script.play()?;
    let mut beats = script.beats;
    beats.sort_by_key(|beat| beat.offset_micros);
    Ok(beats)
}

/// An agent at work: who it is, and how much of the conversation its model has to read.
struct Speaker {
    actor: Actor,
    context_tokens: u64,
}

struct Script<'a> {
    scenario: &'a Scenario,
    luck: &'a mut Luck,
    world: &'a World<'a>,
    run_id: RunId,
    stream: StreamKey,
    beats: Vec<Beat>,
    cost_micros: i64,
    model_calls: u64,
}

/// Microseconds from the start of the run.
type Offset = i64;

impl<'a> Script<'a> {
    fn new(
        scenario: &'a Scenario,
        luck: &'a mut Luck,
        world: &'a World<'a>,
    ) -> Result<Self, IdError> {
        let name = format!("{}-{}", scenario.agent, luck.word(8));
        Ok(Self {
            scenario,
            luck,
            world,
            run_id: RunId::parse(&name)?,
            stream: StreamKey {
                stream_type: StreamType::parse("run")?,
                stream_id: StreamId::parse(&name)?,
            },
            beats: Vec::new(),
            cost_micros: 0,
            model_calls: 0,
        })
    }

    fn play(&mut self) -> Result<(), IdError> {
        let scenario = self.scenario;
        let mut speaker = Speaker {
            actor: agent(&scenario.agent)?,
            context_tokens: self.luck.within(9_000..=16_000),
        };
        let mut at = self.open(&speaker)?;
        let fails = self.luck.happens(scenario.fails);
        let turn_count =
            if fails { scenario.turns.len().div_ceil(2) } else { scenario.turns.len() };
        for turn in &scenario.turns[..turn_count] {
            at = self.turn(&mut speaker, turn, at)?;
        }
        self.close(&mut speaker, at, fails)
    }

    fn open(&mut self, speaker: &Speaker) -> Result<Offset, IdError> {
        let scenario = self.scenario;
        let data = json!({
            "run_id": self.run_id.as_str(), "title": scenario.title, "goal": scenario.prompt, "cwd": scenario.cwd,
            "model": scenario.model, "agent_name": scenario.agent, "source": "demo",
            "git_branch": scenario.branch.as_deref().unwrap_or("main"),
        });
        self.say(0, "run.started", &speaker.actor, &data)?;
        self.say(
            400,
            "agent.started",
            &speaker.actor,
            &json!({"agent_id": scenario.agent, "name": scenario.agent}),
        )?;
        let user = Actor { actor_type: ActorType::User, actor_id: ActorId::parse("user")? };
        self.message(2_000, &user, "prompt", &scenario.prompt, None)?;
        Ok(self.wait(40..=200))
    }

    fn close(&mut self, speaker: &mut Speaker, at: Offset, fails: bool) -> Result<(), IdError> {
        let scenario = self.scenario;
        let text = if fails { &scenario.failure } else { &scenario.summary };
        let at = self.model_call(speaker, None, Some(text), at)?;
        let duration_ms = at / 1_000;
        let stopped = json!({"agent_id": speaker.actor.actor_id.as_str(), "success": !fails, "duration_ms": duration_ms});
        self.say(at + 20_000, "agent.stopped", &speaker.actor, &stopped)?;
        let mut data = json!({
            "run_id": self.run_id.as_str(), "duration_ms": duration_ms, "num_turns": self.model_calls,
            "cost_micros": self.cost_micros,
        });
        let (event_type, key) =
            if fails { ("run.failed", "message") } else { ("run.completed", "summary") };
        data[key] = json!(text);
        self.say(at + 22_000, event_type, &speaker.actor, &data)
    }

    fn turn(&mut self, speaker: &mut Speaker, turn: &Turn, at: Offset) -> Result<Offset, IdError> {
        let mut at = self.model_call(speaker, turn.think.as_deref(), turn.say.as_deref(), at)?;
        if let Some(question) = &turn.asks {
            let data = json!({"message": question, "notification_type": "permission_prompt"});
            self.say(at, "agent.notified", &speaker.actor, &data)?;
            at += self.wait(4_000..=14_000);
        }
        let mut end = at;
        let mut failed = Vec::new();
        for tool in &turn.tools {
            at += self.wait(15..=60);
            let (tool_end, succeeded) = self.first_try(speaker, tool, at)?;
            end = end.max(tool_end);
            if !succeeded {
                failed.push(tool);
            }
        }
        for tool in failed {
            end = self.second_try(speaker, tool, end)?;
        }
        if let Some(artifact) = &turn.artifact {
            self.artifact(speaker, artifact, end + 5_000)?;
        }
        Ok(end + self.wait(30..=250))
    }

    /// A call of the model; now and then the provider is overloaded first.
    fn model_call(
        &mut self,
        speaker: &mut Speaker,
        think: Option<&str>,
        say: Option<&str>,
        mut at: Offset,
    ) -> Result<Offset, IdError> {
        if self.luck.happens(0.05) {
            at = self.failed_model_call(speaker, at)?;
        }
        let call_id = self.model_call_started(speaker, at)?;
        let words = think.map_or(0, str::len) + say.map_or(0, str::len);
        let tokens_out = u64::try_from(words / 3).unwrap_or(0) + self.luck.within(40..=380);
        // Some 60 tokens a second, after the first one came.
        let took = self.wait(700..=1_900) + self.wait(tokens_out * 12..=tokens_out * 19);
        if let Some(text) = think {
            self.message(at + took / 3, &speaker.actor, "thinking", text, Some(&call_id))?;
        }
        if let Some(text) = say {
            self.message(at + took * 9 / 10, &speaker.actor, "text", text, Some(&call_id))?;
        }
        self.model_call_completed(speaker, (&call_id, tokens_out), at + took, took)?;
        Ok(at + took + self.wait(10..=40))
    }

    fn model_call_started(&mut self, speaker: &Speaker, at: Offset) -> Result<String, IdError> {
        let prefix = if self.scenario.provider == "anthropic" { "msg_01" } else { "resp_" };
        let call_id = format!("{prefix}{}", self.luck.word(22));
        let data = json!({"model_call_id": call_id, "model": self.scenario.model, "provider": self.scenario.provider});
        self.say(at, "model.invoked", &speaker.actor, &data)?;
        Ok(call_id)
    }

    fn failed_model_call(&mut self, speaker: &Speaker, at: Offset) -> Result<Offset, IdError> {
        let call_id = self.model_call_started(speaker, at)?;
        let took = self.wait(400..=2_500);
        let data = json!({
            "model_call_id": call_id, "model": self.scenario.model, "message": "529 overloaded_error: try again later",
            "duration_ms": took / 1_000,
        });
        self.say(at + took, "model.failed", &speaker.actor, &data)?;
        Ok(at + took + self.wait(1_000..=4_000))
    }

    fn model_call_completed(
        &mut self,
        speaker: &mut Speaker,
        (call_id, tokens_out): (&str, u64),
        at: Offset,
        took: i64,
    ) -> Result<(), IdError> {
        let fresh = self.luck.within(300..=2_600);
        let usage = TokenUsage {
            input: self.luck.within(4..=40),
            output: tokens_out,
            cache_read: speaker.context_tokens,
            cache_write: fresh,
            cache_write_1h: 0,
        };
        speaker.context_tokens += fresh + tokens_out;
        let cost = self.world.prices.cost_micros(&self.scenario.model, &usage).unwrap_or(0);
        self.cost_micros += cost;
        self.model_calls += 1;
        let data = json!({
            "model_call_id": call_id, "model": self.scenario.model, "provider": self.scenario.provider,
            "stop_reason": "end_turn", "duration_ms": took / 1_000, "cost_micros": cost,
            "usage": {
                "input_tokens": usage.input, "output_tokens": usage.output,
                "cache_read_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write,
            },
        });
        self.say(at, "model.completed", &speaker.actor, &data)
    }

    /// Uses a tool; gives its end and whether it succeeded.
    fn first_try(
        &mut self,
        speaker: &Speaker,
        tool: &Tool,
        at: Offset,
    ) -> Result<(Offset, bool), IdError> {
        let error = tool.error.as_deref().filter(|_| self.luck.happens(tool.fails));
        let end = self.tool_call(speaker, tool, at, error)?;
        Ok((end, error.is_none()))
    }

    fn second_try(
        &mut self,
        speaker: &mut Speaker,
        tool: &Tool,
        at: Offset,
    ) -> Result<Offset, IdError> {
        let error = tool.error.as_deref().unwrap_or_default();
        let first_line = error.lines().next().unwrap_or_default();
        let say = format!("`{}` failed: {first_line}. Mending that and trying again.", tool.title);
        let at = self.model_call(speaker, None, Some(&say), at)?;
        self.tool_call(speaker, tool, at, None)
    }

    fn tool_call(
        &mut self,
        speaker: &Speaker,
        tool: &Tool,
        at: Offset,
        error: Option<&str>,
    ) -> Result<Offset, IdError> {
        let call_id = format!("toolu_{}", self.luck.word(22));
        let data = json!({"tool_call_id": call_id, "tool_name": tool.name, "title": tool.title, "input": tool.input});
        self.say(at, "tool.invoked", &speaker.actor, &data)?;
        let mut end = at;
        for sub_agent in &tool.agents {
            let start = at + self.wait(60..=400);
            end = end.max(self.sub_agent(speaker, sub_agent, &call_id, start)?);
        }
        end += self.wait(tool.ms[0]..=tool.ms[1]);
        let duration_ms = (end - at) / 1_000;
        let (event_type, key, text) = match error {
            Some(error) => ("tool.failed", "message", error),
            None => ("tool.succeeded", "output", tool.output.as_str()),
        };
        let mut data =
            json!({"tool_call_id": call_id, "tool_name": tool.name, "duration_ms": duration_ms});
        data[key] = json!(text);
        self.say(end, event_type, &speaker.actor, &data)?;
        Ok(end)
    }

    fn sub_agent(
        &mut self,
        parent: &Speaker,
        sub_agent: &SubAgent,
        tool_call_id: &str,
        start: Offset,
    ) -> Result<Offset, IdError> {
        let agent_id =
            format!("{}/{}-{}", self.scenario.agent, sub_agent.agent_type, self.luck.word(4));
        let mut speaker =
            Speaker { actor: agent(&agent_id)?, context_tokens: self.luck.within(4_000..=8_000) };
        let data = json!({
            "agent_id": agent_id, "name": sub_agent.agent_type, "agent_type": sub_agent.agent_type,
            "parent_agent_id": parent.actor.actor_id.as_str(), "tool_call_id": tool_call_id,
        });
        self.say(start, "agent.started", &speaker.actor, &data)?;
        let mut at = start + self.wait(20..=90);
        for turn in &sub_agent.turns {
            at = self.turn(&mut speaker, turn, at)?;
        }
        let data =
            json!({"agent_id": agent_id, "success": true, "duration_ms": (at - start) / 1_000});
        self.say(at, "agent.stopped", &speaker.actor, &data)?;
        Ok(at)
    }

    fn artifact(
        &mut self,
        speaker: &Speaker,
        artifact: &Artifact,
        at: Offset,
    ) -> Result<(), IdError> {
        let data = json!({
            "artifact_id": format!("art_{}", self.luck.word(10)), "kind": artifact.kind, "title": artifact.title,
            "mime_type": artifact.mime_type, "size_bytes": artifact.size_bytes,
        });
        self.say(at, "artifact.created", &speaker.actor, &data)
    }

    fn message(
        &mut self,
        at: Offset,
        sender: &Actor,
        kind: &str,
        text: &str,
        model_call_id: Option<&str>,
    ) -> Result<(), IdError> {
        let mut data = json!({
            "message_id": format!("m_{}", self.luck.word(12)), "sender_type": sender.actor_type.as_str(),
            "sender_id": sender.actor_id.as_str(), "kind": kind, "content_md": text,
        });
        if let Some(model_call_id) = model_call_id {
            data["model_call_id"] = json!(model_call_id);
        }
        self.say(at, "message.created", sender, &data)
    }

    fn say(
        &mut self,
        at: Offset,
        event_type: &str,
        actor: &Actor,
        data: &Value,
    ) -> Result<(), IdError> {
        let event_type = EventType::parse(event_type)?;
        let mut draft =
            Draft::new(event_type, actor.clone(), self.stream.clone(), data.to_string());
        draft.scope.run_id = Some(self.run_id.clone());
        draft.correlation_id = Some(CorrelationId::parse(self.run_id.as_str())?);
        self.beats.push(Beat { offset_micros: at, draft, id_bytes: self.luck.bytes() });
        Ok(())
    }

    /// A stretch of time within bounds in milliseconds, as microseconds at the world's speed.
    fn wait(&mut self, millis: std::ops::RangeInclusive<u64>) -> Offset {
        let (low, high) = millis.into_inner();
        let micros = self.luck.within(low * 1_000..=high * 1_000);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "minutes in microseconds"
        )]
        let scaled = (micros as f64 / self.world.speed) as i64;
        scaled
    }
}

fn agent(actor_id: &str) -> Result<Actor, IdError> {
    Ok(Actor { actor_type: ActorType::Agent, actor_id: ActorId::parse(actor_id)? })
}
