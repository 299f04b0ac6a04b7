//! What all handlers share, and the table of routes.
//!
//! A route is added through [`Routes`], which remembers it, so that a test can hold the table
//! against the OpenAPI document.

use std::sync::Arc;
use std::time::Instant;

use annals_core::time::Timestamp;
use annals_recorder::Recorder;
use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use tokio::sync::{Semaphore, watch};

use crate::body::BodyRules;
use crate::budget::BodyBudget;
use crate::config::{ServerConfig, Timings};
use crate::dashboard::CompressedFiles;
use crate::guard::HostNames;
use crate::http::v1::evidence::ExportPermits;
use crate::login_codes::LoginCodes;
use crate::metrics::Metrics;
use crate::tails::TailCounts;
use crate::witness::Witnesses;

/// What all handlers share. Cloning gives another handle.
#[derive(Debug, Clone)]
pub(crate) struct App(Arc<Shared>);

/// The parts of [`App`].
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) recorder: Recorder,
    pub(crate) login_codes: LoginCodes,
    pub(crate) metrics: Metrics,
    pub(crate) tails: Arc<TailCounts>,
    pub(crate) export_permits: ExportPermits,
    pub(crate) witnesses: Witnesses,
    pub(crate) bodies: BodyRules,
    pub(crate) timings: Timings,
    pub(crate) hosts: HostNames,
    pub(crate) connections: Arc<Semaphore>,
    /// True from the moment on when the server stops.
    pub(crate) closing: watch::Receiver<bool>,
    pub(crate) started_at: Instant,
    /// The same by the recorder's clock, to be shown.
    pub(crate) started_on: Timestamp,
    pub(crate) compressed_files: CompressedFiles,
    /// What the ids of this process's requests start with.
    pub(crate) start_tag: u32,
}

/// What an [`App`] is made of.
#[derive(Debug)]
pub(crate) struct AppParts {
    pub(crate) recorder: Recorder,
    pub(crate) config: ServerConfig,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) closing: watch::Receiver<bool>,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(crate) fn new(parts: AppParts) -> Self {
        let budget = BodyBudget::new(annals_core::limits::IN_FLIGHT_BYTES_MAX);
        let mut start_tag = [0; 4];
        parts.recorder.entropy().fill(&mut start_tag);
        let started_on = parts.recorder.clock().now();
        let shared = Shared {
            start_tag: u32::from_le_bytes(start_tag),
            witnesses: Witnesses::new(parts.config.witnesses, parts.recorder.trust()),
            metrics: Metrics::new(parts.recorder.catalog()),
            recorder: parts.recorder,
            login_codes: LoginCodes::default(),
            tails: Arc::new(TailCounts::default()),
            export_permits: ExportPermits::default(),
            bodies: BodyRules::new(budget, parts.config.timings.body_window),
            hosts: HostNames::new(&parts.config.allowed_hosts),
            timings: parts.config.timings,
            connections: parts.connections,
            closing: parts.closing,
            started_at: Instant::now(),
            started_on,
            compressed_files: CompressedFiles::default(),
        };
        Self(Arc::new(shared))
    }

    /// The recorder's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.recorder.clock().now()
    }
}

/// A router that remembers its routes.
#[derive(Debug)]
pub(crate) struct Routes {
    router: Router<App>,
    table: Vec<(Method, &'static str)>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), table: Vec::new() }
    }

    /// Adds a route that reads.
    pub(crate) fn get<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add(Method::GET, MethodFilter::GET, path, handler)
    }

    /// Adds a route that changes something.
    pub(crate) fn post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.add(Method::POST, MethodFilter::POST, path, handler)
    }

    fn add<H, T>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.table.push((method, path));
        self.router = self.router.route(path, on(filter, handler));
        self
    }

    /// Every route, as it was added.
    pub(crate) fn table(&self) -> &[(Method, &'static str)] {
        &self.table
    }

    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }
}
