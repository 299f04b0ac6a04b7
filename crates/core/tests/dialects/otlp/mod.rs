//! OTLP: what items mean, what is kept of them, and that strange ones are refused with their place or
//! kept as they are.

mod generated;
mod kept;
mod meaning;
mod requests;
mod strange;
