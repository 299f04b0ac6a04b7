//! The HTTP server of Annals: routes, live tails, authentication, limits, the dashboard's files.
//!
//! It translates between HTTP and the recorder and decides nothing about events itself.
//! Read the modules in this order.

mod config;
mod serve;

mod accept;
mod connection;

mod app;
mod router;

mod edge;
mod guard;

mod auth;
mod login_codes;

mod body;
mod budget;
mod decode;
mod gather;
mod negotiate;
mod params;

mod exposition;
mod filter;
mod resume;

mod http;
mod otlp;
mod work;

mod witness;

mod answer;
mod cursor;
mod receipts;
mod record;
mod sse;
mod tails;

mod problem;
mod refusals;

pub mod asyncapi;
mod cloudevents_metrics;
mod dashboard;
mod inference_metrics;
mod labels;
mod metrics;
pub mod openapi;
#[doc(hidden)]
pub mod parsers;

pub use config::{ServerConfig, Timings};
pub use serve::{BindError, LoginLinks, ServeError, Server};
pub use witness::{Witness, WitnessError};
