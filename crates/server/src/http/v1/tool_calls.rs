//! Tool calls over all runs.

use annals_api::{routes, wire};
use annals_recorder::views::{CallStatus, ToolCall, ToolCallsQuery};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::views::{call_status, count, read_cursor, reflected, time, view_problem, write_cursor};
use crate::answer::ListWriter;
use crate::app::App;
use crate::auth::{Caller, Read};
use crate::negotiate::{LIST_FORMS, choose};
use crate::params::{Params, invalid};
use crate::problem::ApiProblem;
use crate::work::blocking;

const PARAMETERS: [&str; 7] =
    ["run_id", "agent_id", "tool_name", "status", "limit", "cursor", "min_position"];

/// List tool calls, newest first.
#[utoipa::path(get, path = routes::TOOL_CALLS, operation_id = "listToolCalls", tag = "views",
    params(
        ("run_id" = Option<String>, Query, description = "Only calls of a run."),
        ("agent_id" = Option<String>, Query, description = "Only calls of an agent."),
        ("tool_name" = Option<String>, Query, description = "Only calls of a tool."),
        ("status" = Option<wire::SpanStatus>, Query, description = "Only calls that are so."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 100 when absent."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before."),
        ("min_position" = Option<u64>, Query, description = "Wait until the views reflect this position.")),
    responses(
        (status = 200, description = "A page of tool calls.", body = wire::ToolCallsPage),
        (status = 400, description = "A parameter is wrong.", body = annals_api::Problem),
        (status = 503, description = "The views are behind `min_position`.", body = annals_api::Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<Read>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, LIST_FORMS)?;
    let params = Params::read(&uri, &PARAMETERS)?;
    let workspace_id = caller.principal.workspace_id.to_string();
    let question = params.question(routes::TOOL_CALLS, &workspace_id);
    let query = ToolCallsQuery {
        workspace_id,
        run_id: params.one("run_id")?.map(str::to_owned),
        agent_id: params.one("agent_id")?.map(str::to_owned),
        tool_name: params.one("tool_name")?.map(str::to_owned),
        status: status(&params)?,
        cursor: read_cursor(&params, "cursor", &question)?,
        count_max: params.limit()?,
    };
    let reflects = reflected(&app, &params).await?;
    let page = blocking(move || {
        app.recorder.views().tool_calls(&query).map_err(|error| view_problem(&error))
    })
    .await?;
    let mut list = ListWriter::new(form, "tool_calls");
    for call in page.rows {
        list.value(&wire_call(call));
    }
    Ok(list.finish(&reflects.end(write_cursor(page.next, &question))))
}

fn status(params: &Params) -> Result<Option<CallStatus>, ApiProblem> {
    let Some(word) = params.one("status")? else { return Ok(None) };
    CallStatus::from_word(word)
        .map(Some)
        .ok_or_else(|| invalid("status", "it must be open, ok or error"))
}

fn wire_call(call: ToolCall) -> wire::ToolCall {
    wire::ToolCall {
        tool_call_id: call.tool_call_id,
        run_id: call.run_id,
        agent_id: call.agent_id,
        tool_name: call.tool_name,
        title: call.title,
        status: call_status(call.status),
        started_at: call.started_at.map(time),
        ended_at: call.ended_at.map(time),
        duration_ms: call.duration_ms.map(count),
        start_position: call.start_position.map(|position| position.get()),
        end_position: call.end_position.map(|position| position.get()),
        error: call.error,
    }
}
