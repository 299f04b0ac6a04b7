//! Agents over all runs.

use annals_api::{routes, wire};
use annals_recorder::views::{AgentTotals, AgentsQuery};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::views::{cost, count, read_cursor, reflected, time, tokens, view_problem, write_cursor};
use crate::answer::ListWriter;
use crate::app::App;
use crate::auth::{Caller, Read};
use crate::negotiate::{LIST_FORMS, choose};
use crate::params::Params;
use crate::problem::ApiProblem;
use crate::work::blocking;

/// List agents, by their last activity, newest first.
#[utoipa::path(get, path = routes::AGENTS, operation_id = "listAgents", tag = "views",
    params(
        ("q" = Option<String>, Query, description = "Part of an agent's id."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 100 when absent."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before."),
        ("min_position" = Option<u64>, Query, description = "Wait until the views reflect this position.")),
    responses(
        (status = 200, description = "A page of agents.", body = wire::AgentsPage),
        (status = 400, description = "A parameter is wrong.", body = annals_api::Problem),
        (status = 503, description = "The views are behind `min_position`.", body = annals_api::Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<Read>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, LIST_FORMS)?;
    let params = Params::read(&uri, &["q", "limit", "cursor", "min_position"])?;
    let workspace_id = caller.principal.workspace_id.to_string();
    let question = params.question(routes::AGENTS, &workspace_id);
    let query = AgentsQuery {
        workspace_id,
        text: params.one("q")?.map(str::to_owned),
        cursor: read_cursor(&params, "cursor", &question)?,
        count_max: params.limit()?,
    };
    let reflects = reflected(&app, &params).await?;
    let page =
        blocking(move || app.recorder.views().agents(&query).map_err(|error| view_problem(&error)))
            .await?;
    let mut list = ListWriter::new(form, "agents");
    for agent in page.rows {
        list.value(&wire_agent(agent));
    }
    Ok(list.finish(&reflects.end(write_cursor(page.next, &question))))
}

fn wire_agent(agent: AgentTotals) -> wire::Agent {
    wire::Agent {
        agent_id: agent.agent_id,
        runs: count(agent.runs),
        events: count(agent.events),
        model_calls: count(agent.model_calls),
        tool_calls: count(agent.tool_calls),
        tool_errors: count(agent.tool_errors),
        tokens: tokens(agent.tokens),
        cost_micros: cost(agent.cost),
        first_at: time(agent.first_at),
        last_at: time(agent.last_at),
        last_run_id: Some(agent.last_run_id),
    }
}
