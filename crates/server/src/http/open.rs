//! Health: the only routes beside the dashboard and the login that need no token.

use annals_api::reason;
use annals_api::wire::Health;
use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::problem::ApiProblem;

/// Whether the process is alive.
#[utoipa::path(get, path = annals_api::routes::HEALTHZ, operation_id = "getHealth", tag = "server", security(()),
    responses((status = 200, description = "The process is alive.", body = Health)))]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok".to_owned() })
}

/// Whether the log is recovered and takes events.
#[utoipa::path(get, path = annals_api::routes::READYZ, operation_id = "getReadiness", tag = "server", security(()),
    responses(
        (status = 200, description = "The log is recovered and takes events.", body = Health),
        (status = 503, description = "It does not, at the moment.", body = annals_api::Problem)))]
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Health>, ApiProblem> {
    if *app.closing.borrow() {
        return Err(ApiProblem::new(reason::SHUTTING_DOWN, "the server is stopping"));
    }
    if app.recorder.is_failed() {
        return Err(ApiProblem::new(
            reason::NOT_READY,
            "the log is not writable; the server is stopping",
        ));
    }
    Ok(Json(Health { status: "ready".to_owned() }))
}
