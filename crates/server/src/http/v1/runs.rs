//! Runs: the list, one run with its agents and models, and its spans.

use annals_api::{reason, routes, wire};
use annals_core::limits::{PAGE_EVENTS_DEFAULT, PAGE_SPANS_MAX};
use annals_recorder::views;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::views::{
    Reflects, call_status, cost, count, read_cursor, reflected, time, tokens, view_problem,
    write_cursor,
};
use crate::answer::{ListWriter, document};
use crate::app::App;
use crate::auth::{Caller, Read};
use crate::filter;
use crate::negotiate::{DOCUMENT_FORMS, LIST_FORMS, choose};
use crate::params::{Params, PathParams, invalid};
use crate::problem::ApiProblem;
use crate::work::blocking;

const LIST_PARAMETERS: [&str; 9] =
    ["status", "agent_id", "q", "since", "until", "limit", "cursor", "order", "min_position"];

/// List runs, by their last activity, newest first.
#[utoipa::path(get, path = routes::RUNS, operation_id = "listRuns", tag = "views",
    params(
        ("status" = Option<wire::RunStatus>, Query, description = "Only runs that are so."),
        ("agent_id" = Option<String>, Query, description = "Only runs that this agent took part in."),
        ("q" = Option<String>, Query, description = "Part of a title or run id."),
        ("since" = Option<String>, Query, description = "Only runs active at this time or later (RFC 3339)."),
        ("until" = Option<String>, Query, description = "Only runs last active before this time (RFC 3339)."),
        ("order" = Option<String>, Query, description = "`desc` (default) or `asc`."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 100 when absent."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before."),
        ("min_position" = Option<u64>, Query, description = "Wait until the views reflect this position.")),
    responses(
        (status = 200, description = "A page of runs.", body = wire::RunsPage),
        (status = 400, description = "A parameter is wrong.", body = annals_api::Problem),
        (status = 503, description = "The views are behind `min_position`.", body = annals_api::Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<Read>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, LIST_FORMS)?;
    let params = Params::read(&uri, &LIST_PARAMETERS)?;
    let workspace_id = caller.principal.workspace_id.to_string();
    let question = params.question(routes::RUNS, &workspace_id);
    let query = views::RunsQuery {
        workspace_id,
        now: app.now(),
        status: status(&params)?,
        agent_id: params.one("agent_id")?.map(str::to_owned),
        text: params.one("q")?.map(str::to_owned),
        since: filter::time(&params, "since")?,
        until: filter::time(&params, "until")?,
        is_ascending: is_ascending(&params)?,
        cursor: read_cursor(&params, "cursor", &question)?,
        count_max: params.limit()?,
    };
    let reflects = reflected(&app, &params).await?;
    let page =
        blocking(move || app.recorder.views().runs(&query).map_err(|error| view_problem(&error)))
            .await?;
    let mut list = ListWriter::new(form, "runs");
    for run in page.rows {
        list.value(&wire_run(run));
    }
    Ok(list.finish(&reflects.end(write_cursor(page.next, &question))))
}

fn status(params: &Params) -> Result<Option<views::RunStatus>, ApiProblem> {
    let Some(word) = params.one("status")? else { return Ok(None) };
    let status = views::RunStatus::from_word(word);
    status.map(Some).ok_or_else(|| {
        invalid("status", "it must be running, idle, completed, failed or cancelled")
    })
}

fn is_ascending(params: &Params) -> Result<bool, ApiProblem> {
    match params.one("order")? {
        None | Some("desc") => Ok(false),
        Some("asc") => Ok(true),
        Some(_) => Err(invalid("order", "it must be asc or desc")),
    }
}

fn run_status(status: views::RunStatus) -> wire::RunStatus {
    match status {
        views::RunStatus::Running => wire::RunStatus::Running,
        views::RunStatus::Idle => wire::RunStatus::Idle,
        views::RunStatus::Completed => wire::RunStatus::Completed,
        views::RunStatus::Failed => wire::RunStatus::Failed,
        views::RunStatus::Cancelled => wire::RunStatus::Cancelled,
    }
}

fn wire_run(run: views::Run) -> wire::Run {
    wire::Run {
        run_id: run.run_id,
        title: run.title,
        status: run_status(run.status),
        source: run.source,
        agent_name: run.agent_name,
        cwd: run.cwd,
        model: run.model,
        started_at: time(run.started_at),
        last_at: time(run.last_at),
        ended_at: run.ended_at.map(time),
        duration_ms: count(run.duration_ms),
        agents: count(run.agents),
        events: count(run.events),
        messages: count(run.messages),
        model_calls: count(run.model_calls),
        model_errors: count(run.model_errors),
        tool_calls: count(run.tool_calls),
        tool_errors: count(run.tool_errors),
        tool_calls_open: count(run.tool_calls_open),
        tokens: tokens(run.tokens),
        cost_micros: cost(run.cost),
        error: run.error,
        first_position: run.first_position.get(),
        last_position: run.last_position.get(),
    }
}

/// Read one run with its agents and models.
#[utoipa::path(get, path = routes::RUN, operation_id = "getRun", tag = "views",
    params(
        ("run_id" = String, Path, description = "The run."),
        ("min_position" = Option<u64>, Query, description = "Wait until the views reflect this position.")),
    responses(
        (status = 200, description = "The run.", body = wire::RunDetail),
        (status = 404, description = "There is no such run.", body = annals_api::Problem),
        (status = 503, description = "The views are behind `min_position`.", body = annals_api::Problem)))]
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller<Read>,
    PathParams(run_id): PathParams<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let run_id = app.recorder.secrets().id(&run_id).into_owned();
    let form = choose(&headers, DOCUMENT_FORMS)?;
    let params = Params::read(&uri, &["min_position"])?;
    let workspace_id = caller.principal.workspace_id.to_string();
    let reflects = reflected(&app, &params).await?;
    let (id, now) = (run_id.clone(), app.now());
    let found = blocking(move || {
        read_parts(app.recorder.views(), &workspace_id, &id, now)
            .map_err(|error| view_problem(&error))
    })
    .await?;
    let parts = found.ok_or_else(|| not_found(&run_id))?;
    document(form, &run_detail(parts, reflects))
}

fn not_found(run_id: &str) -> ApiProblem {
    ApiProblem::new(reason::RUN_NOT_FOUND, format!("there is no run {run_id}"))
        .with("run_id", run_id)
}

struct RunParts {
    run: views::Run,
    agents: Vec<views::RunAgent>,
    models: Vec<views::ModelUsage>,
    sources: Vec<views::UsageSource>,
}

fn read_parts(
    views: &views::Views,
    workspace_id: &str,
    run_id: &str,
    now: annals_core::time::Timestamp,
) -> Result<Option<RunParts>, views::ViewError> {
    let Some(run) = views.run(workspace_id, run_id, now)? else { return Ok(None) };
    let agents = views.run_agents(workspace_id, run_id)?;
    let models = views.run_models(workspace_id, run_id)?;
    let sources = views.usage_sources(workspace_id, run_id)?;
    Ok(Some(RunParts { run, agents, models, sources }))
}

fn run_detail(parts: RunParts, reflects: Reflects) -> wire::RunDetail {
    let differences = views::UsageDifference::of(&parts.run, &parts.sources);
    let differences: Vec<_> = differences.into_iter().map(wire_difference).collect();
    let unpriced_calls = parts.models.iter().map(|model| count(model.unpriced_calls)).sum();
    let run = wire_run(parts.run);
    wire::RunDetail {
        run_id: run.run_id,
        title: run.title,
        status: run.status,
        source: run.source,
        agent_name: run.agent_name,
        cwd: run.cwd,
        model: run.model,
        started_at: run.started_at,
        last_at: run.last_at,
        ended_at: run.ended_at,
        duration_ms: run.duration_ms,
        agents: parts.agents.into_iter().map(wire_agent).collect(),
        models: parts.models.into_iter().map(wire_model).collect(),
        events: run.events,
        messages: run.messages,
        model_calls: run.model_calls,
        model_errors: run.model_errors,
        tool_calls: run.tool_calls,
        tool_errors: run.tool_errors,
        tool_calls_open: run.tool_calls_open,
        tokens: run.tokens,
        cost_micros: run.cost_micros,
        unpriced_calls,
        price_table: price_table(),
        usage_sources: parts.sources.into_iter().map(wire_source).collect(),
        usage_difference: (!differences.is_empty()).then_some(differences),
        error: run.error,
        first_position: run.first_position,
        last_position: run.last_position,
        as_of: reflects.as_of,
        stale: reflects.stale,
    }
}

fn price_table() -> wire::PriceTableInfo {
    let table = views::price_table();
    wire::PriceTableInfo { version: table.version().to_owned(), as_of: table.as_of().to_owned() }
}

fn wire_scope(scope: views::UsageScope) -> wire::UsageScope {
    match scope {
        views::UsageScope::Calls => wire::UsageScope::Calls,
        views::UsageScope::Reports => wire::UsageScope::Reports,
        views::UsageScope::Run => wire::UsageScope::Run,
    }
}

fn wire_source(source: views::UsageSource) -> wire::UsageSource {
    wire::UsageSource {
        source: source.source,
        scope: wire_scope(source.scope),
        model_calls: count(source.model_calls),
        model_calls_counted: count(source.model_calls_counted),
        tokens: source.tokens.map(tokens),
        cost_micros: cost(source.cost),
        unpriced_calls: count(source.unpriced_calls),
        counted: source.is_counted,
        cost_counted: source.is_cost_counted,
    }
}

fn wire_difference(difference: views::UsageDifference) -> wire::UsageDifference {
    let tokens = |tokens: views::Tokens| wire::TokensDifference {
        input: tokens.input,
        output: tokens.output,
        cache_read: tokens.cache_read,
        cache_write: tokens.cache_write,
    };
    wire::UsageDifference {
        source: difference.source,
        scope: wire_scope(difference.scope),
        tokens: difference.tokens.map(tokens),
        cost_micros: cost(difference.cost),
    }
}

fn wire_agent(agent: views::RunAgent) -> wire::RunAgent {
    wire::RunAgent {
        agent_id: agent.agent_id,
        name: agent.name,
        agent_type: agent.agent_type,
        parent_agent_id: agent.parent_agent_id,
        status: match agent.status.as_str() {
            "stopped" => wire::RunAgentStatus::Stopped,
            "failed" => wire::RunAgentStatus::Failed,
            _ => wire::RunAgentStatus::Running,
        },
        first_at: time(agent.first_at),
        last_at: time(agent.last_at),
        events: count(agent.events),
        model_calls: count(agent.model_calls),
        tool_calls: count(agent.tool_calls),
        tool_errors: count(agent.tool_errors),
        tokens: tokens(agent.tokens),
    }
}

fn wire_model(model: views::ModelUsage) -> wire::ModelUsage {
    wire::ModelUsage {
        model: model.model,
        model_calls: count(model.model_calls),
        tokens: tokens(model.tokens),
        cost_micros: cost(model.cost),
        unpriced_calls: count(model.unpriced_calls),
    }
}

/// List a run's spans, in order of their starts.
#[utoipa::path(get, path = routes::RUN_SPANS, operation_id = "listSpans", tag = "views",
    params(
        ("run_id" = String, Path, description = "The run."),
        ("after" = Option<String>, Query, description = "`next` of the page before."),
        ("limit" = Option<u32>, Query, description = "1 to 10,000; 100 when absent."),
        ("min_position" = Option<u64>, Query, description = "Wait until the views reflect this position.")),
    responses(
        (status = 200, description = "A page of spans.", body = wire::SpansPage),
        (status = 400, description = "A parameter is wrong.", body = annals_api::Problem),
        (status = 404, description = "There is no such run.", body = annals_api::Problem),
        (status = 503, description = "The views are behind `min_position`.", body = annals_api::Problem)))]
pub(crate) async fn spans(
    State(app): State<App>,
    caller: Caller<Read>,
    PathParams(run_id): PathParams<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let run_id = app.recorder.secrets().id(&run_id).into_owned();
    let form = choose(&headers, LIST_FORMS)?;
    let params = Params::read(&uri, &["after", "limit", "min_position"])?;
    let workspace_id = caller.principal.workspace_id.to_string();
    let question =
        annals_core::hash::sha256(&[b"spans\0", workspace_id.as_bytes(), b"\0", run_id.as_bytes()]);
    let query = views::SpansQuery {
        workspace_id,
        run_id,
        cursor: read_cursor(&params, "after", &question)?,
        count_max: params.limit_up_to(PAGE_EVENTS_DEFAULT, PAGE_SPANS_MAX)?,
    };
    let reflects = reflected(&app, &params).await?;
    let now = app.now();
    let page = blocking(move || {
        let views = app.recorder.views();
        let run = views
            .run(&query.workspace_id, &query.run_id, now)
            .map_err(|error| view_problem(&error))?;
        run.ok_or_else(|| not_found(&query.run_id))?;
        views.spans(&query).map_err(|error| view_problem(&error))
    })
    .await?;
    let mut list = ListWriter::new(form, "spans");
    for span in page.rows {
        list.value(&wire_span(span));
    }
    Ok(list.finish(&reflects.end(write_cursor(page.next, &question))))
}

fn wire_span(span: views::Span) -> wire::Span {
    wire::Span {
        span_id: span.span_id,
        kind: match span.kind {
            views::SpanKind::Model => wire::SpanKind::Model,
            views::SpanKind::Tool => wire::SpanKind::Tool,
            views::SpanKind::Message => wire::SpanKind::Message,
        },
        name: span.name,
        title: span.title,
        agent_id: span.agent_id,
        parent_span_id: None,
        started_at: time(span.started_at),
        ended_at: span.ended_at.map(time),
        duration_ms: span.duration_ms.map(count),
        status: call_status(span.status),
        start_position: span.start_position.get(),
        end_position: span.end_position.map(|position| position.get()),
        tokens: span.tokens.map(tokens),
    }
}
