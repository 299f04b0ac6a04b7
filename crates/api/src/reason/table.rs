//! The reasons themselves, in order of their status.
//!
//! The texts are shown to people; only code, status and retry are relied on by programs.

use super::Reason;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $code:literal $status:literal $retryable:ident $title:literal
       $meaning:literal $remedy:literal $detail:literal $details:literal;)*) => {
        $($(#[$doc])*
        pub const $name: &Reason = &Reason {
            code: $code, status: $status, title: $title, retryable: reasons!(@$retryable),
            meaning: $meaning, remedy: $remedy, example_detail: $detail, example_details: $details,
        };)*
        /// Every reason.
        pub const ALL: &[&Reason] = &[$($name),*];
    };
    (@retry) => { true };
    (@final) => { false };
}

reasons! {
    /// Not valid JSON.
    INVALID_JSON "invalid_json" 400 final "Not valid JSON"
        "The body, or one event of it, does not follow the grammar of RFC 8259. The detail names \
         the byte and what was expected there. Nothing was stored, because a text that one reader \
         takes and another refuses has no single meaning."
        "Mend the text at the named byte. Offsets count from the start of the body."
        "not JSON at byte 17: expected a comma or `}`"
        r#"{"offset":17}"#;
    /// Not valid UTF-8.
    INVALID_UTF8 "invalid_utf8" 400 final "Not valid UTF-8"
        "JSON is exchanged as UTF-8, and these bytes are not. They are not replaced, because that \
         would change what was said."
        "Encode the text as UTF-8 without a byte order mark; send raw bytes as base64."
        "not UTF-8 at byte 9"
        r#"{"offset":9}"#;
    /// Not valid MessagePack.
    INVALID_MSGPACK "invalid_msgpack" 400 final "Not valid MessagePack"
        "The body is not one MessagePack value that has a JSON counterpart. Extension types, NaN, \
         infinities and keys that are no strings have none."
        "Send maps with string keys and finite numbers; send bytes as `bin`, which becomes \
         `{\"$bin\": base64}`."
        "an extension type has no JSON counterpart"
        "";
    /// A key is given twice.
    DUPLICATE_KEY "duplicate_key" 400 final "A key is given twice"
        "An object names one member twice. Readers disagree about which one counts, so neither is \
         taken. Keys are compared after their escapes are resolved."
        "Send each key once."
        "duplicate key \"data\" at byte 120"
        r#"{"key":"data","offset":120}"#;
    /// An escape is half a character.
    UNPAIRED_SURROGATE "unpaired_surrogate" 400 final "An escape is half a character"
        "A `\\ud800`–`\\udfff` escape stands alone. It is no character, and programs replace it \
         in different ways."
        "Send both halves of the pair, or the character itself."
        "unpaired surrogate escape at byte 31"
        r#"{"offset":31}"#;
    /// Nested too deeply.
    TOO_DEEP "too_deep" 400 final "Nested too deeply"
        "Arrays and objects are nested deeper than the limit, which protects every reader of the \
         event."
        "Flatten the document, or send the inner part as a string."
        "nested deeper than 128"
        r#"{"depth_max":128}"#;
    /// Too many values.
    TOO_MANY_VALUES "too_many_values" 400 final "Too many values"
        "One event holds more JSON values than the limit."
        "Split the event, or send large tables as a string."
        "more than 100000 values"
        r#"{"node_count_max":100000}"#;
    /// The compressed body is broken.
    INVALID_COMPRESSION "invalid_compression" 400 final "The compressed body is broken"
        "The body is not what its `Content-Encoding` says: it is damaged or cut, or a zstd frame \
         asks for a larger window than allowed."
        "Compress the whole body with gzip, or with zstd and a window of at most 8 MiB \
         (`--long=23`)."
        "the gzip stream ends too early"
        "";
    /// There are no events.
    EMPTY_BATCH "empty_batch" 400 final "There are no events"
        "The batch holds no event, which is most likely a mistake of the sender."
        "Send at least one event, or no request."
        "the batch holds no events"
        "";
    /// The batch's frame is wrong.
    INVALID_BATCH "invalid_batch" 400 final "The batch's frame is wrong"
        "The members around the events are wrong: `atomic` and `expected` have other types, \
         `expected` came without `atomic`, or an unknown member is there."
        "Send `{\"events\": […]}`, with `\"atomic\": true` when `\"expected\"` is there."
        "`expected` needs `atomic`: true"
        "";
    /// A field that no event has.
    UNKNOWN_FIELD "unknown_field" 400 final "A field that no event has"
        "A top-level field is not part of the envelope. The write door is strict, so that a \
         typing mistake does not lose data silently."
        "Correct the name, or put extra things into `extensions`."
        "`evnt_type` is no field of an event; put extra things into `extensions`"
        r#"{"field":"evnt_type"}"#;
    /// A field that only the server sets.
    SERVER_SET_FIELD "server_set_field" 400 final "A field that only the server sets"
        "The field is a fact that the server states, such as a position or a hash. A sender's \
         claim of it is not taken."
        "Leave the field out."
        "`position` is set by the server; leave it out"
        r#"{"field":"position"}"#;
    /// A type of Annals' own namespace.
    RESERVED_TYPE "reserved_type" 400 final "A name that is kept for Annals"
        "Types that begin with `annals.` are the names of the frames that Annals itself puts among the \
         events of a live tail. An event of that name could be taken for one, so none is stored."
        "Give the event a type of your own. A foreign document with such a name is kept by its door as \
         `foreign.event`, with the name in `origin.type`."
        "`annals.lagged` is a name that is kept for Annals itself"
        r#"{"event_type":"annals.lagged"}"#;
    /// A required field is missing.
    MISSING_FIELD "missing_field" 400 final "A required field is missing"
        "Every event needs `event_type`, `actor`, `stream` and `data`. `data` may be null, but it \
         must be there."
        "Add the field."
        "`actor` is required"
        r#"{"field":"actor"}"#;
    /// The document is of a version that nothing here reads.
    UNSUPPORTED_VERSION "unsupported_version" 400 final "The version is not read here"
        "A foreign document says that it follows a version of its format that may mean something \
         else than the versions that are read here. It was not stored, because a guess could be \
         wrong in silence. Newer minor versions are read; what they add is kept."
        "Send a version that `supported` names, or a newer Annals."
        "version 3.0.0 is not read here; 1.x is"
        r#"{"found":"3.0.0","supported":"1.x"}"#;
    /// A field is wrong.
    INVALID_FIELD "invalid_field" 400 final "A field is wrong"
        "A field of the envelope has the wrong type or breaks its grammar."
        "Mend the field as the detail says; `GET /v1/limits` has the lengths."
        "`event_version` is wrong: it must be an integer from 1 to 4294967295"
        r#"{"field":"event_version"}"#;
    /// An event is an object.
    NOT_AN_OBJECT "not_an_object" 400 final "An event is an object"
        "Something other than a JSON object stands where an event should."
        "Send each event as one JSON object."
        "an event is a JSON object"
        "";
    /// The event is from the future.
    CLOCK_AHEAD "clock_ahead" 400 final "The event is from the future"
        "`occurred_at` lies further ahead of the server's clock than clocks differ. Such an event \
         would stay at the top of every list."
        "Set the sender's clock, or leave `occurred_at` out."
        "`occurred_at` is more than 24 hours ahead of the server's clock"
        r#"{"ahead_seconds":90000,"ahead_seconds_max":86400}"#;
    /// The page size is wrong.
    INVALID_LIMIT "invalid_limit" 400 final "The page size is wrong"
        "`limit` is not an integer in the allowed range. It is refused instead of cut, so that \
         nobody takes a short page for the end."
        "Ask for 1 to 1,000 events a page, or leave `limit` out."
        "`limit` must be an integer from 1 to 1000"
        r#"{"limit_min":1,"limit_max":1000}"#;
    /// The cursor is not one of ours.
    INVALID_CURSOR "invalid_cursor" 400 final "The cursor is not one of ours"
        "The cursor was changed, or belongs to a request with other filters. Going on with it \
         would skip or repeat events."
        "Pass `next` of the last page unchanged, with the same filters; or start without a \
         cursor."
        "the cursor belongs to another query"
        "";
    /// A query parameter that the route does not have.
    UNKNOWN_PARAMETER "unknown_parameter" 400 final "A query parameter that the route does not have"
        "The query names a parameter that this route does not know. It is refused, because a \
         filter with a typing mistake would show everything."
        "Correct the name; the details list what the route takes."
        "`evnt_type` is no parameter of this route"
        r#"{"parameter":"evnt_type","allowed":["event_type","limit"]}"#;
    /// A query parameter is wrong.
    INVALID_PARAMETER "invalid_parameter" 400 final "A query parameter is wrong"
        "A query or path parameter has a value that it cannot have, or is given twice."
        "Mend the value as the detail says."
        "`order` must be asc or desc"
        r#"{"parameter":"order"}"#;
    /// The resume point is wrong.
    INVALID_RESUME "invalid_resume" 400 final "The resume point is wrong"
        "`Last-Event-ID`, or `after`, is not what the tail's frames carry. It is never taken for \
         a start from the beginning."
        "Send the `id` of the last frame unchanged; `after` is `ID:HASH` with the event's 64 hex \
         digits."
        "`Last-Event-ID` must be the id of a frame: a number"
        r#"{"given":"abc"}"#;
    /// The body is not what the route takes.
    INVALID_BODY "invalid_body" 400 final "The body is not what the route takes"
        "The body is JSON, but not the document that this route takes."
        "Send the members that the API's description names."
        "unknown field `right`, expected one of `workspace_id`, `rights`"
        "";
    /// No valid token.
    UNAUTHORIZED "unauthorized" 401 final "No valid token"
        "The request has no bearer token, or one that opens nothing: mistyped, revoked, or of \
         another server."
        "Send `Authorization: Bearer annals_…`. The owner's token is in `owner.token` in the data \
         directory; `annals token create` makes others."
        "the request needs a bearer token"
        "";
    /// The token has expired.
    TOKEN_EXPIRED "token_expired" 401 final "The token has expired"
        "The token was good once; its time is over."
        "Get another one: `annals token create`, or `annals open` for the dashboard."
        "the token expired at 2026-01-01T00:00:00.000000Z"
        r#"{"expired_at":"2026-01-01T00:00:00.000000Z"}"#;
    /// The login code opens nothing.
    INVALID_CODE "invalid_code" 401 final "The login code opens nothing"
        "A login code is good once and for 60 seconds. This one was used, is too old, or never \
         was."
        "Run `annals open` for another link."
        "the login code was used or has expired"
        "";
    /// The token may not do this.
    FORBIDDEN "forbidden" 403 final "The token may not do this"
        "The token is valid, but lacks the right that the route needs, or its scope leaves this \
         stream or type out."
        "Use a token with the named right."
        "this route needs the right `append`"
        r#"{"needs":"append"}"#;
    /// Another workspace.
    UNAUTHORIZED_WORKSPACE "unauthorized_workspace" 403 final "Another workspace"
        "The event names a workspace that is not the token's. The workspace comes from the \
         credential; a body cannot choose it."
        "Leave `workspace_id` out, or use a token of that workspace."
        "the token belongs to workspace `default`, not `other`"
        r#"{"workspace_id":"other"}"#;
    /// Only the server states this fact.
    CONTROL_TYPE "control_type" 403 final "Only the server states this fact"
        "The event type is a control fact: the server writes it when it decides it. A reported \
         one could grant or approve something."
        "Where `details.route` names a route, use it: it decides and then writes the event. Where it \
         is null, no command of this version writes the type, and its name is kept for the one that \
         will. What another system decided is reported through that system's door and kept as \
         observed, or under a type of your own."
        "`token.issued` is written by the server; use POST /v1/tokens"
        r#"{"event_type":"token.issued","route":"POST /v1/tokens"}"#;
    /// A page of another site asks.
    FOREIGN_ORIGIN "foreign_origin" 403 final "A page of another site asks"
        "The `Origin` header names another site than this server. Browsers send it when a foreign \
         page makes a request; the API is not open to such pages."
        "Open the dashboard at this server's own address; programs leave `Origin` out."
        "the origin `https://example.org` is not this server"
        "";
    /// No such event.
    EVENT_NOT_FOUND "event_not_found" 404 final "No such event"
        "No event of the token's workspace has this id."
        "Check the id and the token's workspace."
        "no event has the id 0190b3c4-1111-7abc-8def-0123456789ab"
        "";
    /// No such stream.
    STREAM_NOT_FOUND "stream_not_found" 404 final "No such stream"
        "The token's workspace has no event on this stream. A stream comes to be by its first \
         event."
        "Check type and id, or tail the stream: a tail waits for the first event."
        "there is no stream run/r-1"
        r#"{"stream_type":"run","stream_id":"r-1"}"#;
    /// No such run.
    RUN_NOT_FOUND "run_not_found" 404 final "No such run"
        "The views know no event with this run id in the token's workspace. They may be some \
         milliseconds behind the log."
        "Check the id; pass `min_position` with your receipt's position to wait for the views."
        "there is no run r-1"
        r#"{"run_id":"r-1"}"#;
    /// No such workspace.
    WORKSPACE_NOT_FOUND "workspace_not_found" 404 final "No such workspace"
        "A workspace comes to be by its first token, and no token was ever made for this one."
        "Check the name, or make a token for it first."
        "there is no workspace `team-b`; it comes to be by its first token"
        r#"{"workspace_id":"team-b"}"#;
    /// No such token.
    TOKEN_NOT_FOUND "token_not_found" 404 final "No such token"
        "No token that the caller may see has this id."
        "List them with `GET /v1/tokens`."
        "there is no token 01ab"
        "";
    /// Beyond the tree.
    NOT_IN_TREE "not_in_tree" 404 final "Beyond the tree"
        "The position or the size lies beyond the log's tree, so there is no proof about it. The \
         tree has one leaf for every durable event."
        "Ask for a position and sizes up to the size of the newest checkpoint; both start with 1."
        "the tree has 10 leaves; 12 is beyond it"
        r#"{"size":10}"#;
    /// No such tile.
    TILE_NOT_FOUND "tile_not_found" 404 final "No such tile"
        "The path names no tile of the tree: it is malformed, or the tile is not full yet and was \
         asked for without the width that it has."
        "Ask for `tile/LEVEL/INDEX` of full tiles, and `tile/LEVEL/INDEX.p/WIDTH` of the last one, \
         as C2SP tlog-tiles has it."
        "there is no tile 0/001 yet"
        r#"{"path":"0/001"}"#;
    /// No such segment.
    SEGMENT_NOT_FOUND "segment_not_found" 404 final "No such segment"
        "No file of the log begins with this position, or its bytes end before the offset."
        "Read the list of segments again: it is the one that counts."
        "no segment begins with position 12"
        r#"{"first_position":12}"#;
    /// No such route.
    ROUTE_NOT_FOUND "route_not_found" 404 final "No such route"
        "The path is not part of the API."
        "See `/openapi.json` for what there is."
        "there is no route /v1/event"
        "";
    /// The route has another method.
    METHOD_NOT_ALLOWED "method_not_allowed" 405 final "The route has another method"
        "The path exists, but not with this method. The `Allow` header lists those that it has."
        "Use one of them."
        "DELETE is no method of this route"
        "";
    /// No such representation.
    NOT_ACCEPTABLE "not_acceptable" 406 final "No such representation"
        "The `Accept` header allows none of the forms that the route can answer in."
        "Accept `application/json`, `application/x-ndjson` or `application/msgpack`; for tails \
         `text/event-stream`."
        "the route answers text/event-stream only"
        r#"{"available":["text/event-stream"]}"#;
    /// The body came too slowly.
    BODY_TOO_SLOW "body_too_slow" 408 retry "The body came too slowly"
        "The body arrived more slowly than 1,000 bytes a second. It is cut off, so that slow \
         senders cannot hold the server's memory."
        "Send the body at once; retry on a better line or with smaller batches."
        "the body came more slowly than 1000 bytes a second"
        r#"{"bytes_per_second_min":1000}"#;
    /// The identity has other content.
    IDEMPOTENCY_CONFLICT "idempotency_conflict" 409 final "The identity has other content"
        "An event with this `event_id`, or this `idempotency_key` on the stream, is stored with \
         other content. Storing both would make one name mean two things."
        "Send a new event under a new identity; to retry, send the first content unchanged."
        "the identity belongs to the event at position 42, with other content"
        r#"{"existing_position":42}"#;
    /// The stream has moved on.
    SEQ_MISMATCH "seq_mismatch" 409 final "The stream has moved on"
        "`expected_seq` is not the stream's last seq: somebody else appended, or the stream is \
         shorter than thought."
        "Read the stream from where you were, decide again, and send the actual seq."
        "stream run/r-1 is at seq 7, not at 5"
        r#"{"stream_type":"run","stream_id":"r-1","expected_seq":5,"actual_seq":7}"#;
    /// Cannot be redacted.
    NOT_REDACTABLE "not_redactable" 409 final "Cannot be redacted"
        "The record of a redaction itself stays: without it, nobody could tell an erased body from a \
         lost one."
        "Put nothing into a reason or a replacement that should not stay."
        "an event of type `event.redacted` cannot be redacted"
        r#"{"event_type":"event.redacted"}"#;
    /// The log has another history.
    HISTORY_DIVERGED "history_diverged" 409 final "The log has another history"
        "The resume point lies beyond the log's end, or the event there has another hash than the \
         reader saw. The log was replaced or restored, and what was read before may not be in it."
        "Do not go on silently: compare from the last point that both sides know, or read again \
         from the start."
        "the last seq is 10, the resume point is 12"
        r#"{"last_seq":10,"resume_after":12}"#;
    /// Too large.
    PAYLOAD_TOO_LARGE "payload_too_large" 413 final "Too large"
        "The body, or one event, is larger than the limit. Nothing is cut to fit. A compressed \
         body is refused as soon as it grows past the limit."
        "Send smaller batches; keep large things elsewhere and name them."
        "the body is larger than 16777216 bytes"
        r#"{"byte_count_max":16777216}"#;
    /// Too many events in one request.
    TOO_MANY_EVENTS "too_many_events" 413 final "Too many events in one request"
        "The batch holds more events than one request may."
        "Send several requests."
        "the batch holds more than 10000 events"
        r#"{"event_count_max":10000}"#;
    /// The body's form is not known.
    UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" 415 final "The body's form is not known"
        "The `Content-Type` is none that the route takes."
        "Send `application/json`, `application/x-ndjson` or `application/msgpack`."
        "the route does not take text/plain"
        r#"{"supported":["application/json","application/x-ndjson","application/msgpack"]}"#;
    /// The body's compression is not known.
    UNSUPPORTED_ENCODING "unsupported_encoding" 415 final "The body's compression is not known"
        "The `Content-Encoding` is none that the server can undo."
        "Send the body plain, or compressed once with gzip or zstd."
        "the server does not undo `br`"
        r#"{"supported":["gzip","zstd"]}"#;
    /// The request is for another host.
    MISDIRECTED "misdirected" 421 final "The request is for another host"
        "The `Host` header names none of this server's names. A foreign name that points here is \
         how a web page reaches local programs (DNS rebinding)."
        "Use `localhost`, the listen address, or a name that the server was given with \
         `--allow-host`."
        "`evil.example` is not a name of this server"
        "";
    /// The data does not fit its type.
    SCHEMA_VIOLATION "schema_violation" 422 final "The data does not fit its type"
        "The event type is in the catalog, and `data` breaks its JSON Schema. A workspace may decide \
         to keep such events with a mark (`lenient`); types of decisions are refused there, too."
        "Mend `data` as the detail says; `GET /v1/catalog` has the schema. Whoever administers the \
         workspace can make it lenient: `annals settings set --schemas lenient`."
        "`/tool_name` is required in the data of `tool.invoked`"
        r#"{"event_type":"tool.invoked","path":"/tool_name"}"#;
    /// Room and stream differ.
    ROOM_STREAM_MISMATCH "room_stream_mismatch" 422 final "Room and stream differ"
        "An event with a `room_id` is on that room's stream, and an event on a room's stream has \
         its `room_id`. This one breaks that rule."
        "Make `room_id` and `stream.stream_id` equal with stream type `room`, or leave `room_id` \
         out."
        "`room_id` is `a`, the stream is room/b"
        r#"{"room_id":"a","stream_type":"room","stream_id":"b"}"#;
    /// No event of the batch was stored.
    BATCH_REJECTED "batch_rejected" 422 final "No event of the batch was stored"
        "Every event of the batch was refused. The results name each one's reason."
        "See `results`; each has its own reason code."
        "none of the 3 events was stored"
        "";
    /// Too many live tails.
    TOO_MANY_TAILS "too_many_tails" 429 retry "Too many live tails"
        "The token, or the server, has as many live tails open as it may."
        "Close tails that nobody reads, or read several streams with one `/v1/tail`."
        "the token has 256 live tails open"
        r#"{"tail_count_max":256}"#;
    /// The server failed.
    INTERNAL "internal" 500 final "The server failed"
        "The server could not read its own data, or ran into a fault of its own. The request is \
         not to blame."
        "Look into the server's log for the request id. If a damaged file is named there, restore \
         it from a backup."
        "the stored event could not be read"
        "";
    /// Too busy.
    OVERLOADED "overloaded" 503 retry "Too busy"
        "A bounded queue or memory budget is full. The server says so instead of growing until it \
         fails. Nothing of the request was stored."
        "Wait as long as `Retry-After` says, then send the same request; identities keep it from \
         being stored twice."
        "too many events wait for the log"
        "";
    /// The server is stopping.
    SHUTTING_DOWN "shutting_down" 503 retry "The server is stopping"
        "The server is draining before it stops. Nothing of the request was stored."
        "Send the same request again when the server is back."
        "the server is stopping"
        "";
    /// The log failed.
    LOG_FAILED "log_failed" 503 retry "The log failed"
        "A write or sync of the log failed, and the server is stopping to recover from disk. It \
         is not known whether the events are stored."
        "Send the same request again, with the same identities, when the server is back: it is \
         answered with the first receipt, or stored."
        "the log failed; whether the events are stored is not known"
        "";
    /// Not ready.
    NOT_READY "not_ready" 503 retry "Not ready"
        "The server is alive, but its log does not take events at the moment."
        "Wait and ask again."
        "the log is not writable"
        "";
    /// The views are behind.
    VIEWS_BEHIND "views_behind" 503 retry "The views are behind"
        "The views did not reach `min_position` in time. The events are safe in the log; only the \
         derived tables are late."
        "Ask again, or leave `min_position` out and look at `as_of`."
        "the views are at position 90, not yet at 120"
        r#"{"position":90,"min_position":120}"#;
    /// The disk is full.
    STORAGE_FULL "storage_full" 507 retry "The disk is full"
        "The disk that holds the log is full. Nothing of the request was stored; reading works \
         on, and writing resumes by itself."
        "Make room on the disk, then send the same request again."
        "the disk that holds the log is full"
        "";
}
