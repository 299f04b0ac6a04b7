//! The handlers, one file per resource.

pub(crate) mod open;
pub(crate) mod v1;
