//! `annals demo`: a server on a throw-away directory, and agents at work on it until Ctrl-C.
//!
//! The story is pure (`story`); here it meets the clock: what lies before now is appended at once,
//! the rest when its time comes. The directory is removed at the end, whatever the end was.

pub(crate) mod luck;
mod scenario;
mod script;
mod story;

use std::fs::DirBuilder;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use annals_core::envelope::Draft;
use annals_core::time::Timestamp;
use annals_recorder::Recorder;
use annals_recorder::config::RecorderConfig;
use annals_recorder::world::{Clock as _, SystemClock};
use annals_sdk::{AppendOptions, Client};
use annals_server::{Server, ServerConfig};
use anyhow::Context as _;
use owo_colors::OwoColorize as _;

use crate::args::DemoArgs;
use crate::data_dir;
use crate::output;
use crate::serve::asked_to_stop;

use story::{Story, StoryPlan};

/// Events that go out in one request.
const BATCH_EVENTS_MAX: usize = 500;
const DEFAULT_PORT: u16 = 7171;

pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let directory = ThrowAway::new()?;
    let config = RecorderConfig::at(&directory.path);
    let recorder = tokio::task::spawn_blocking(|| Recorder::open(config)).await??;
    let played = play(&args, &directory.path, recorder.clone()).await;
    let closed = tokio::task::spawn_blocking(move || recorder.close()).await?;
    drop(directory);
    played?;
    closed?;
    Ok(ExitCode::SUCCESS)
}

async fn play(args: &DemoArgs, data_dir: &Path, recorder: Recorder) -> anyhow::Result<()> {
    let seed = args.seed.unwrap_or_else(random_seed);
    let server = bind(args.port, recorder)?;
    let url = format!("http://{}", server.local_addr());
    let token = data_dir::owner_token(data_dir).context("the server made no owner token")?;
    let client = Client::builder().url(&url).token(token).build()?;
    let link = server.login_link().url;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        // A dropped sender means the same as a message: stop.
        let _ = stopped.await;
    }));
    let plan = StoryPlan {
        seed,
        start: SystemClock.now(),
        run_count: usize::from(args.runs),
        speed: args.speed,
    };
    let mut player = Player { story: Story::new(plan)?, client };
    let told = tokio::select! {
        told = player.play_from_the_start(|| greet(&url, &link, data_dir, seed)) => told,
        () = asked_to_stop() => Ok(()),
        () = terminal_closed() => Ok(()),
    };
    output::note("stopping");
    let _ = stop.send(());
    serving.await??;
    told
}

/// A seed that differs from start to start and is short enough to be typed again.
fn random_seed() -> u64 {
    SystemClock.now().as_micros().unsigned_abs() % 10_000
}

/// Resolves when the terminal goes away; a demo without one has nobody to show anything to.
async fn terminal_closed() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        if let Ok(mut hangups) = signal(SignalKind::hangup()) {
            hangups.recv().await;
            return;
        }
    }
    std::future::pending().await
}

/// Listens on the port asked for, or on the default one unless that is taken.
fn bind(port: Option<u16>, recorder: Recorder) -> anyhow::Result<Server> {
    let config = |port| ServerConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        ..ServerConfig::default()
    };
    match port {
        Some(port) => Ok(Server::bind(config(port), recorder)?),
        None => Ok(Server::bind(config(DEFAULT_PORT), recorder.clone())
            .or_else(|_| Server::bind(config(0), recorder))?),
    }
}

fn greet(url: &str, link: &str, data_dir: &Path, seed: u64) -> anyhow::Result<()> {
    output::line(format_args!("{}\n", "Agents are at work.".bold()))?;
    output::line(format_args!("  Watch them      {}", link.cyan().underline()))?;
    output::line(format_args!(
        "  In a terminal   annals tail --url {url} --data {}",
        data_dir.display()
    ))?;
    output::line(format_args!("  The same again  annals demo --seed {seed}"))?;
    output::line(format_args!("\n{}", "The link works once, for one minute; `annals open` with the same flags makes another. Ctrl-C ends the demo and removes its data.".dimmed()))?;
    Ok(())
}

/// Brings a story's events to a server when their time comes.
struct Player {
    story: Story,
    client: Client,
}

impl Player {
    /// Plays without end; `begun` is called when all that lies before now is on the log.
    async fn play_from_the_start(
        &mut self,
        begun: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut begun = Some(begun);
        let mut batch = Vec::new();
        loop {
            let event = self.story.next_event()?;
            let wait = event.occurred_at.map_or(Duration::ZERO, until);
            if !wait.is_zero() || batch.len() >= BATCH_EVENTS_MAX {
                self.append(&mut batch).await?;
            }
            if !wait.is_zero() {
                if let Some(begun) = begun.take() {
                    begun()?;
                }
                tokio::time::sleep(wait).await;
            }
            batch.push(event);
        }
    }

    async fn append(&self, batch: &mut Vec<Draft>) -> anyhow::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let outcome = self.client.append_batch(batch, &AppendOptions::default()).await?;
        if let Some((_, problem)) = outcome.rejected().next() {
            anyhow::bail!("the server refused an event of the demo: {}", problem.detail);
        }
        batch.clear();
        Ok(())
    }
}

fn until(time: Timestamp) -> Duration {
    let micros = time.as_micros().saturating_sub(SystemClock.now().as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// A fresh directory that is removed with everything in it.
struct ThrowAway {
    path: PathBuf,
}

impl ThrowAway {
    fn new() -> anyhow::Result<Self> {
        let name = format!("annals-demo-{}-{}", std::process::id(), SystemClock.now().as_micros());
        let path = std::env::temp_dir().join(name);
        // Fails if it is there, so that nobody else's directory is ever used or removed.
        private_directory()
            .create(&path)
            .with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for ThrowAway {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            output::note(format_args!("{} could not be removed: {error}", self.path.display()));
        }
    }
}

/// A directory that nobody else may read, because the owner token lies in it.
fn private_directory() -> DirBuilder {
    let builder = DirBuilder::new();
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::DirBuilderExt as _;

        let mut builder = builder;
        builder.mode(0o700);
        builder
    };
    builder
}
