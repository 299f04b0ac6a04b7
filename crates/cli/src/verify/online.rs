//! `annals verify --url`: a running server's log, over its public API.

use annals_sdk::verify::{Verification, VerifyError, VerifyOptions, VerifyProgress};

use super::report::{CheckLine, Fault, Verdict, VerifyReport, progress_bar};
use crate::args::{ServerArgs, VerifyArgs};
use crate::connect::Connection;

pub(super) async fn run(args: &VerifyArgs, options: VerifyOptions) -> anyhow::Result<VerifyReport> {
    let server = ServerArgs {
        url: args.url.clone(),
        token: args.token.clone(),
        data_dir: args.owner_of.clone(),
    };
    let connection = Connection::open(&server)?;
    connection.check().await?;
    let bar = progress_bar(0, "leaves");
    let mut progress = |progress| match progress {
        VerifyProgress::Leaves { done, total } => {
            bar.set_length(total);
            bar.set_position(done);
        }
        VerifyProgress::Records { done, total } => {
            bar.set_message("records");
            bar.set_length(total);
            bar.set_position(done);
        }
    };
    let result = connection.client.verify(&options, &mut progress).await;
    bar.finish_and_clear();
    let target = connection.client.url().to_owned();
    match result {
        Ok(verification) => Ok(valid(target, &verification)),
        Err(VerifyError::Fault(fault)) => Ok(VerifyReport::invalid(target, Fault::from(&fault))),
        Err(VerifyError::Client(error)) => Err(connection.advise(error)),
        Err(error @ VerifyError::Memory(_)) => Err(error.into()),
    }
}

fn valid(target: String, verification: &Verification) -> VerifyReport {
    VerifyReport {
        verdict: Verdict::Valid,
        target,
        log_id: Some(verification.log_id.clone()),
        origin: Some(verification.origin.clone()),
        size: Some(verification.size),
        root_hash: Some(verification.root.to_string()),
        events_checked: verification.records_checked,
        bodies_checked: verification.bodies_checked,
        bodies_withheld: verification.bodies_erased,
        checks: verification.checks.iter().map(CheckLine::from).collect(),
        fault: None,
    }
}
