//! `annals serve`: opens the log, answers requests, stops cleanly.
//!
//! Standard output gets one line when the server is ready, one with the addresses for OTLP where there are
//! such, and a login link when a person reads it.
//! SIGTERM and SIGINT drain and exit 0; a log that failed ends the process with 1, because nothing
//! may be written to it before it was recovered from disk.

mod logging;
mod otlp;
mod settings;

use std::process::ExitCode;

use annals_recorder::Recorder;
use annals_recorder::config::{Durability, RecorderConfig};
use annals_server::{ServeError, Server, ServerConfig};
use anyhow::Context as _;

use crate::args::{DurabilityArg, ServeArgs};
use crate::connect::Hint;
use crate::failure::NO;
use crate::output;

use otlp::OtlpAddresses;
use settings::Settings;

pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::of(args)?;
    logging::start(settings.log_format, &settings.log_level)?;
    let config = recorder_config(&settings);
    let recorder = tokio::task::spawn_blocking(|| Recorder::open(config)).await?;
    let recorder =
        recorder.with_context(|| format!("{} cannot be served", settings.data_dir.display()))?;
    let served = serve(&settings, recorder.clone()).await;
    let closed = tokio::task::spawn_blocking(move || recorder.close()).await?;
    match (served, closed) {
        (Err(error), _) if error.downcast_ref::<ServeError>().is_none() => Err(error),
        (Ok(()), Ok(())) => Ok(ExitCode::SUCCESS),
        (Err(error), _) => Ok(failed(&error)),
        (Ok(()), Err(error)) => Ok(failed(&error.into())),
    }
}

/// Ends the process so that the next start recovers the log from disk.
fn failed(error: &anyhow::Error) -> ExitCode {
    tracing::error!("{error:#}; the next start recovers the log from disk");
    ExitCode::from(NO)
}

async fn serve(settings: &Settings, recorder: Recorder) -> anyhow::Result<()> {
    let config = ServerConfig {
        listen: settings.listen,
        otlp: settings.otlp.map(OtlpAddresses::both).into_iter().flatten().collect(),
        allowed_hosts: settings.allow_hosts.clone(),
        witnesses: settings.witnesses.clone(),
        ..ServerConfig::default()
    };
    let advice = || {
        Hint("is a server running there already? --listen, --otlp-grpc and --otlp-http name other addresses".to_owned())
    };
    let server = Server::bind(config, recorder).with_context(advice)?;
    let address = server.local_addr();
    let stop = asked_to_stop();
    tracing::info!(
        %address,
        version = env!("CARGO_PKG_VERSION"),
        data_dir = %settings.data_dir.display(),
        durability = ?settings.durability,
        "listening"
    );
    output::line(format_args!("listening on http://{address}"))?;
    if let [grpc, http] = server.otlp_addrs().as_slice() {
        output::line(format_args!("taking OTLP on http://{grpc} (gRPC) and http://{http} (HTTP)"))?;
    }
    if output::is_terminal() {
        output::line(format_args!("open {}", server.login_link().url))?;
    }
    Ok(server.run(stop).await?)
}

/// Resolves at SIGTERM or SIGINT (Ctrl-C). It listens from the call on, not from the first poll: who
/// reads that the server is there may stop it at once.
#[cfg(unix)]
pub(crate) fn asked_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    async fn received(listening: std::io::Result<Signal>) {
        match listening {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    }
    let (interrupts, terminations) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        tokio::select! {
            () = received(interrupts) => {}
            () = received(terminations) => {}
        }
        tracing::info!("asked to stop");
    }
}

/// Resolves at Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn asked_to_stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    tracing::info!("asked to stop");
}

fn recorder_config(settings: &Settings) -> RecorderConfig {
    let mut config = RecorderConfig::at(&settings.data_dir);
    config.durability = match settings.durability {
        DurabilityArg::Sync => Durability::Sync,
        DurabilityArg::Os => Durability::Os,
    };
    if let Some(segment_bytes) = settings.segment_bytes {
        config.segment_bytes = segment_bytes;
    }
    config.schema_check = settings.schema_check;
    config.secrets = settings.secrets.clone();
    config.origin.clone_from(&settings.origin);
    config
}
