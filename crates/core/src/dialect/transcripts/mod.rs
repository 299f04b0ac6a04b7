//! Placeholder while this dialect is being written.
