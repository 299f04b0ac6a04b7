//! Payloads of the family `office`. Generated; see `mod.rs`.

use crate::payload::payload;

payload! {
    /// An appointment was put into a calendar.
    CalendarEventCreated = "calendar_event.created", 1;
    required {
        uid "uid": &str,
    }
    optional {
        /// String; may hold secrets or personal data.
        title "title": &str,
        start "start": &str,
        end "end": &str,
    }
    /// An appointment in a calendar changed.
    CalendarEventUpdated = "calendar_event.updated", 1;
    required {
        uid "uid": &str,
    }
    optional {
        /// String; may hold secrets or personal data.
        title "title": &str,
    }
    /// An appointment was taken out of a calendar.
    CalendarEventDeleted = "calendar_event.deleted", 1;
    required {
        uid "uid": &str,
    }
    optional {
        /// String; may hold secrets or personal data.
        title "title": &str,
    }
    /// An agent sent an e-mail.
    EmailSent = "email.sent", 1;
    required {}
    optional {
        /// String; may hold secrets or personal data.
        subject "subject": &str,
        message_id "message_id": &str,
        template_name "template_name": &str,
    }
}
