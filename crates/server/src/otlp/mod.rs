//! The OTLP door: spans, log records and data points of OpenTelemetry, by HTTP and by gRPC.
//!
//! It reads requests and writes answers; what an item means is the dialect's (`annals_core::dialect::otlp`), and what
//! is kept of it the recorder's. Read the modules in this order.

pub(crate) mod http;

pub(crate) mod grpc;

mod take;
pub(crate) use take::read_protobuf;

mod answer;

mod lost;
mod schema;
mod transcode;
mod wire;

pub(crate) mod counts;
