//! Owns the server that does nothing: the same HTTP library and runtime as Annals, which reads a body
//! and answers with constant bytes of the size of a true answer. It shows what HTTP alone costs.

use std::net::SocketAddr;
use std::process::Command;

use anyhow::Result;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::post;
use bytes::Bytes;

use crate::process::{Server, free_port, wait_for_port};

/// The subcommand under which the benchmark starts itself as this server.
pub const SUBCOMMAND: &str = "nothing";

/// Starts this program again as the server.
pub fn start(events_per_request: u64, answer_bytes: usize) -> Result<(Server, SocketAddr)> {
    let port = free_port()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut command = Command::new(std::env::current_exe()?);
    command.args([
        SUBCOMMAND,
        &address.to_string(),
        &events_per_request.to_string(),
        &answer_bytes.to_string(),
    ]);
    let server = Server::spawn("nothing", command)?;
    wait_for_port(address)?;
    Ok((server, address))
}

/// Serves until it is told to end.
pub fn serve(address: SocketAddr, events_per_request: u64, answer_bytes: usize) -> Result<()> {
    let answer = answer(events_per_request, answer_bytes);
    let status = if events_per_request == 1 { StatusCode::CREATED } else { StatusCode::OK };
    let handler = move |body: Bytes| {
        let answer = answer.clone();
        async move {
            drop(body);
            (status, [(header::CONTENT_TYPE, "application/json")], answer)
        }
    };
    let router = Router::new().route("/v1/events", post(handler));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await?;
        Ok(axum::serve(listener, router).await?)
    })
}

fn answer(events_per_request: u64, answer_bytes: usize) -> Bytes {
    let mut text = format!("{{\"accepted\":{events_per_request},\"padding\":\"");
    while text.len() + 2 < answer_bytes {
        text.push('x');
    }
    text.push_str("\"}");
    Bytes::from(text)
}
