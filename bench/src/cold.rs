//! Owns row m: how long the server takes to start on an empty log, and the size of its binary.
//!
//! The third figure of that row, a cold release build, is not measured here: it takes minutes.

use std::time::Instant;

use anyhow::Result;

use crate::annals;
use crate::figures::{Figures, Line};
use crate::row::{Plan, say};

const STARTS_A_ROUND: usize = 5;

/// Measures the row.
pub fn measure(plan: &Plan) -> Result<Figures> {
    say("row m: cold start");
    let binary = annals::binary()?;
    let (mut ready, mut served) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds * STARTS_A_ROUND {
        let directory = plan.directory.join("cold");
        let start = Instant::now();
        let annals = annals::start(&binary, &directory, None)?;
        annals.check_ready()?;
        served.push(start.elapsed().as_secs_f64() * 1e3);
        ready.push(annals.ready_after.as_secs_f64() * 1e3);
        annals.server.stop()?;
        std::fs::remove_dir_all(&directory)?;
    }
    let megabytes = std::fs::metadata(&binary)?.len() as f64 / 1e6;
    Ok(Figures {
        key: "m",
        title: "cold start on an empty log, and the binary",
        how: format!(
            "{} starts, each on a directory that did not exist; the binary itself is in the page cache. A cold release build is not measured here.",
            ready.len()
        ),
        lines: vec![
            Line::new("start of the process to \"listening\"", "ms", ready).below(100.0),
            Line::new("start of the process to an answer of /readyz", "ms", served),
            Line::new("release binary", "MB", [megabytes]).below(40.0),
        ],
    })
}
