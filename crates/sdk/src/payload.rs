//! How the payloads of [`crate::types`] are built.
//!
//! The types are generated from the catalog; this is the one shape that they share. It checks no
//! value: the server holds a payload against its schema.

/// Defines payloads: each is made with what every such event has, and given the rest by setters.
macro_rules! payload {
    ($(
        $(#[$doc:meta])*
        $name:ident = $event_type:literal, $version:literal;
        required { $($(#[$required_doc:meta])* $required:ident $required_name:literal: $required_type:ty,)* }
        optional { $($(#[$optional_doc:meta])* $optional:ident $optional_name:literal: $optional_type:ty,)* }
    )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name(serde_json::Map<String, serde_json::Value>);

        impl $name {
            /// The type, as events have it.
            pub const EVENT_TYPE: &'static str = $event_type;
            /// The version of the payload.
            pub const EVENT_VERSION: u32 = $version;

            /// With what every such event has.
            #[must_use]
            #[allow(clippy::too_many_arguments, clippy::new_without_default, reason = "the catalog says what is required")]
            pub fn new($($required: $required_type),*) -> Self {
                #[allow(unused_mut, reason = "some types require nothing")]
                let mut members = serde_json::Map::new();
                $(members.insert($required_name.to_owned(), $required.into());)*
                Self(members)
            }

            $(
                #[doc = concat!("Sets `", $optional_name, "`.")]
                #[doc = ""]
                $(#[$optional_doc])*
                #[must_use]
                pub fn $optional(self, value: $optional_type) -> Self {
                    self.with($optional_name, value)
                }
            )*

            /// Sets any member, also one that the catalog does not name.
            #[must_use]
            pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
                self.0.insert(name.to_owned(), value.into());
                self
            }

            /// The payload.
            #[must_use]
            pub fn data(&self) -> &serde_json::Map<String, serde_json::Value> {
                &self.0
            }

            /// An event of this type on a stream.
            ///
            /// # Errors
            /// When a text is none that an event may hold, such as one that is too large.
            pub fn draft(
                &self,
                actor: annals_core::envelope::Actor,
                stream: annals_core::envelope::StreamKey,
            ) -> Result<annals_core::envelope::Draft, crate::ClientError> {
                let mut draft = crate::draft($event_type, actor, stream, &self.0)?;
                draft.event_version = $version;
                Ok(draft)
            }
        }
    )*};
}

pub(crate) use payload;
