//! Metric series: what the points of metrics came to, as JSON and for Prometheus.

use std::collections::BTreeMap;

use annals_api::{reason, routes, wire};
use annals_recorder::views::{Figure, MetricSeries, MetricsQuery};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};

use super::views::{Reflects, count, read_cursor, reflected, time, view_problem, write_cursor};
use crate::answer::document;
use crate::app::App;
use crate::auth::{Caller, Read};
use crate::exposition::{Exposition, TextFormat};
use crate::negotiate::{Form, METRIC_FORMS, choose};
use crate::params::{Params, invalid};
use crate::problem::ApiProblem;
use crate::work::blocking;

/// Series that are read at once for Prometheus.
const SERIES_AT_ONCE: usize = 1_000;

/// List metric series: what the points that came in add up to.
///
/// Points that tell of the time since the last one are added up; those that tell of the time since
/// the source's start are taken over, with its restarts carried over, so that a sum that only rises
/// never falls. With `Accept: text/plain` or `application/openmetrics-text` the answer is for
/// Prometheus, all series at once.
#[utoipa::path(get, path = routes::OTLP_METRICS, operation_id = "listMetricSeries", tag = "views",
    params(
        ("name" = Option<String>, Query, description = "Only series of this metric."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 100 when absent. Not for Prometheus."),
        ("cursor" = Option<String>, Query, description = "`next` of the page before. Not for Prometheus."),
        ("min_position" = Option<u64>, Query, description = "Wait until the views reflect this position.")),
    responses(
        (status = 200, description = "A page of series, or all of them as text.",
            content((wire::MetricSeriesPage = "application/json"), (String = "text/plain"), (String = "application/openmetrics-text"))),
        (status = 400, description = "A parameter is wrong.", body = annals_api::Problem),
        (status = 503, description = "The views are behind `min_position`, or, for Prometheus, being made anew.", body = annals_api::Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<Read>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let form = choose(&headers, METRIC_FORMS)?;
    let params = Params::read(&uri, &["name", "limit", "cursor", "min_position"])?;
    let workspace_id = caller.principal.workspace_id.to_string();
    let question = params.question(routes::OTLP_METRICS, &workspace_id);
    let mut query = MetricsQuery {
        workspace_id,
        name: params.one("name")?.map(str::to_owned),
        cursor: read_cursor(&params, "cursor", &question)?,
        count_max: params.limit()?,
    };
    let reflects = reflected(&app, &params).await?;
    let format = match form {
        Form::PrometheusText => TextFormat::Prometheus,
        Form::OpenMetrics => TextFormat::OpenMetrics,
        _ => {
            let read = move || app.recorder.views().metric_series(&query);
            let found = blocking(move || read().map_err(|error| view_problem(&error))).await?;
            let next = write_cursor(found.page.next, &question);
            let Reflects { as_of, stale } = reflects;
            let series = found.page.rows.into_iter().map(wire_series).collect();
            let faults = found.faults.into_iter().map(|fault| (fault.fault, count(fault.points)));
            let faults: BTreeMap<_, _> = faults.collect();
            return document(form, &wire::MetricSeriesPage { series, next, as_of, stale, faults });
        }
    };
    for name in ["limit", "cursor"] {
        if params.one(name)?.is_some() {
            return Err(invalid(name, "the answer for Prometheus has no pages"));
        }
    }
    if reflects.stale {
        let detail = "the views are being made anew, and sums would seem to begin again";
        return Err(ApiProblem::new(reason::VIEWS_BEHIND, detail).with("position", reflects.as_of));
    }
    query.count_max = SERIES_AT_ONCE;
    let text = blocking(move || expose(&app, query, format)).await?;
    Ok(exposition(form, text))
}

/// All series in a text.
fn expose(app: &App, mut query: MetricsQuery, format: TextFormat) -> Result<String, ApiProblem> {
    let mut text = Exposition::new(format);
    loop {
        let found = app.recorder.views().metric_series(&query);
        let found = found.map_err(|error| view_problem(&error))?;
        found.page.rows.iter().for_each(|series| text.add(series));
        match found.page.next {
            Some(next) => query.cursor = Some(next),
            None => return Ok(text.finish(&found.faults)),
        }
    }
}

fn exposition(form: Form, text: String) -> Response {
    let media_type = match form {
        Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        _ => "text/plain; version=0.0.4; charset=utf-8",
    };
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn wire_series(series: MetricSeries) -> wire::MetricSeries {
    let resource = [("service.name", series.service), ("service.instance.id", series.instance)];
    let resource = resource.into_iter().filter(|(_, value)| !value.is_empty());
    let figures = series.figures;
    wire::MetricSeries {
        monotonic: (series.kind == "sum").then_some(series.is_monotonic),
        name: series.name,
        description: series.description,
        unit: Some(series.unit).filter(|unit| !unit.is_empty()),
        kind: series.kind,
        attributes: series.attributes,
        resource: resource.map(|(name, value)| (name.to_owned(), value)).collect(),
        value: figures.value.map(wire_number),
        count: figures.count,
        sum: figures.sum.map(wire_number),
        bounds: figures.bounds,
        bucket_counts: figures.buckets,
        first_at: time(series.first_at),
        last_at: time(series.last_at),
        points: count(series.points),
    }
}

/// A number; a text where JSON has none for it.
fn wire_number(figure: Figure) -> serde_json::Value {
    match figure {
        Figure::Whole(number) => number.into(),
        Figure::Real(number) if number.is_finite() => number.into(),
        Figure::Real(number) if number.is_nan() => "NaN".into(),
        Figure::Real(number) if number > 0.0 => "Infinity".into(),
        Figure::Real(_) => "-Infinity".into(),
    }
}
