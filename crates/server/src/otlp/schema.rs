//! The messages of OTLP as tables: which field has which number, and how OTLP/JSON spells it.
//!
//! Written after the published protocol (version 1.9). Fields are in the order of the definitions, which is the order
//! in which they are written out. Nothing is decided here; what is not in a table is unknown.

/// A message type.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) fields: &'static [Field],
}

/// A field of a message type.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    /// Its name in OTLP/JSON.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) count: Count,
}

/// How often a field may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    One,
    Many,
    /// One of the message's choice: at most one of those fields has a value. No message has two choices.
    Choice,
}

/// What a field holds, and so how it is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Message(&'static Message),
    Text,
    /// Base64 in JSON.
    Bytes,
    /// A trace or span id: lower-case hexadecimal in JSON, as OTLP has it.
    Id,
    Bool,
    /// Also enums, which OTLP/JSON writes as numbers.
    Int32,
    Uint32,
    /// Zigzag.
    Sint32,
    /// A decimal string in JSON, like all that has 64 bits.
    Int64,
    Uint64,
    Fixed32,
    Fixed64,
    Sfixed64,
    Double,
}

impl Message {
    /// The place of a field in the table.
    pub(super) fn place_of(&self, number: u32) -> Option<usize> {
        self.fields.iter().position(|field| field.number == number)
    }
}

macro_rules! message {
    ($($(#[$doc:meta])* $name:ident { $($number:literal $field:literal $count:ident $kind:expr;)* })*) => {$(
        $(#[$doc])*
        pub(super) static $name: Message = Message { fields: &[$(
            Field { number: $number, name: $field, kind: $kind, count: Count::$count },
        )*] };
    )*};
}

use Kind::{
    Bool, Bytes, Double, Fixed32, Fixed64, Id, Int32, Int64, Sfixed64, Sint32, Text, Uint32, Uint64,
};

const fn of(message: &'static Message) -> Kind {
    Kind::Message(message)
}

message! {
    /// What a trace exporter sends.
    TRACES {
        1 "resourceSpans" Many of(&RESOURCE_SPANS);
    }
    /// What a log exporter sends.
    LOGS {
        1 "resourceLogs" Many of(&RESOURCE_LOGS);
    }
    /// What a metric exporter sends.
    METRICS {
        1 "resourceMetrics" Many of(&RESOURCE_METRICS);
    }

    ANY_VALUE {
        1 "stringValue" Choice Text;
        2 "boolValue" Choice Bool;
        3 "intValue" Choice Int64;
        4 "doubleValue" Choice Double;
        5 "arrayValue" Choice of(&ARRAY_VALUE);
        6 "kvlistValue" Choice of(&KEY_VALUE_LIST);
        7 "bytesValue" Choice Bytes;
    }
    ARRAY_VALUE {
        1 "values" Many of(&ANY_VALUE);
    }
    KEY_VALUE_LIST {
        1 "values" Many of(&KEY_VALUE);
    }
    KEY_VALUE {
        1 "key" One Text;
        2 "value" One of(&ANY_VALUE);
    }
    INSTRUMENTATION_SCOPE {
        1 "name" One Text;
        2 "version" One Text;
        3 "attributes" Many of(&KEY_VALUE);
        4 "droppedAttributesCount" One Uint32;
    }
    ENTITY_REF {
        1 "schemaUrl" One Text;
        2 "type" One Text;
        3 "idKeys" Many Text;
        4 "descriptionKeys" Many Text;
    }
    RESOURCE {
        1 "attributes" Many of(&KEY_VALUE);
        2 "droppedAttributesCount" One Uint32;
        3 "entityRefs" Many of(&ENTITY_REF);
    }

    RESOURCE_SPANS {
        1 "resource" One of(&RESOURCE);
        2 "scopeSpans" Many of(&SCOPE_SPANS);
        3 "schemaUrl" One Text;
    }
    SCOPE_SPANS {
        1 "scope" One of(&INSTRUMENTATION_SCOPE);
        2 "spans" Many of(&SPAN);
        3 "schemaUrl" One Text;
    }
    SPAN {
        1 "traceId" One Id;
        2 "spanId" One Id;
        3 "traceState" One Text;
        4 "parentSpanId" One Id;
        16 "flags" One Fixed32;
        5 "name" One Text;
        6 "kind" One Int32;
        7 "startTimeUnixNano" One Fixed64;
        8 "endTimeUnixNano" One Fixed64;
        9 "attributes" Many of(&KEY_VALUE);
        10 "droppedAttributesCount" One Uint32;
        11 "events" Many of(&SPAN_EVENT);
        12 "droppedEventsCount" One Uint32;
        13 "links" Many of(&SPAN_LINK);
        14 "droppedLinksCount" One Uint32;
        15 "status" One of(&SPAN_STATUS);
    }
    SPAN_EVENT {
        1 "timeUnixNano" One Fixed64;
        2 "name" One Text;
        3 "attributes" Many of(&KEY_VALUE);
        4 "droppedAttributesCount" One Uint32;
    }
    SPAN_LINK {
        1 "traceId" One Id;
        2 "spanId" One Id;
        3 "traceState" One Text;
        4 "attributes" Many of(&KEY_VALUE);
        5 "droppedAttributesCount" One Uint32;
        6 "flags" One Fixed32;
    }
    SPAN_STATUS {
        2 "message" One Text;
        3 "code" One Int32;
    }

    RESOURCE_LOGS {
        1 "resource" One of(&RESOURCE);
        2 "scopeLogs" Many of(&SCOPE_LOGS);
        3 "schemaUrl" One Text;
    }
    SCOPE_LOGS {
        1 "scope" One of(&INSTRUMENTATION_SCOPE);
        2 "logRecords" Many of(&LOG_RECORD);
        3 "schemaUrl" One Text;
    }
    LOG_RECORD {
        1 "timeUnixNano" One Fixed64;
        11 "observedTimeUnixNano" One Fixed64;
        2 "severityNumber" One Int32;
        3 "severityText" One Text;
        5 "body" One of(&ANY_VALUE);
        6 "attributes" Many of(&KEY_VALUE);
        7 "droppedAttributesCount" One Uint32;
        8 "flags" One Fixed32;
        9 "traceId" One Id;
        10 "spanId" One Id;
        12 "eventName" One Text;
    }

    RESOURCE_METRICS {
        1 "resource" One of(&RESOURCE);
        2 "scopeMetrics" Many of(&SCOPE_METRICS);
        3 "schemaUrl" One Text;
    }
    SCOPE_METRICS {
        1 "scope" One of(&INSTRUMENTATION_SCOPE);
        2 "metrics" Many of(&METRIC);
        3 "schemaUrl" One Text;
    }
    METRIC {
        1 "name" One Text;
        2 "description" One Text;
        3 "unit" One Text;
        5 "gauge" Choice of(&GAUGE);
        7 "sum" Choice of(&SUM);
        9 "histogram" Choice of(&HISTOGRAM);
        10 "exponentialHistogram" Choice of(&EXPONENTIAL_HISTOGRAM);
        11 "summary" Choice of(&SUMMARY);
        12 "metadata" Many of(&KEY_VALUE);
    }
    GAUGE {
        1 "dataPoints" Many of(&NUMBER_DATA_POINT);
    }
    SUM {
        1 "dataPoints" Many of(&NUMBER_DATA_POINT);
        2 "aggregationTemporality" One Int32;
        3 "isMonotonic" One Bool;
    }
    HISTOGRAM {
        1 "dataPoints" Many of(&HISTOGRAM_DATA_POINT);
        2 "aggregationTemporality" One Int32;
    }
    EXPONENTIAL_HISTOGRAM {
        1 "dataPoints" Many of(&EXPONENTIAL_HISTOGRAM_DATA_POINT);
        2 "aggregationTemporality" One Int32;
    }
    SUMMARY {
        1 "dataPoints" Many of(&SUMMARY_DATA_POINT);
    }
    NUMBER_DATA_POINT {
        7 "attributes" Many of(&KEY_VALUE);
        2 "startTimeUnixNano" One Fixed64;
        3 "timeUnixNano" One Fixed64;
        4 "asDouble" Choice Double;
        6 "asInt" Choice Sfixed64;
        5 "exemplars" Many of(&EXEMPLAR);
        8 "flags" One Uint32;
    }
    HISTOGRAM_DATA_POINT {
        9 "attributes" Many of(&KEY_VALUE);
        2 "startTimeUnixNano" One Fixed64;
        3 "timeUnixNano" One Fixed64;
        4 "count" One Fixed64;
        5 "sum" One Double;
        6 "bucketCounts" Many Fixed64;
        7 "explicitBounds" Many Double;
        8 "exemplars" Many of(&EXEMPLAR);
        10 "flags" One Uint32;
        11 "min" One Double;
        12 "max" One Double;
    }
    EXPONENTIAL_HISTOGRAM_DATA_POINT {
        1 "attributes" Many of(&KEY_VALUE);
        2 "startTimeUnixNano" One Fixed64;
        3 "timeUnixNano" One Fixed64;
        4 "count" One Fixed64;
        5 "sum" One Double;
        6 "scale" One Sint32;
        7 "zeroCount" One Fixed64;
        8 "positive" One of(&BUCKETS);
        9 "negative" One of(&BUCKETS);
        10 "flags" One Uint32;
        11 "exemplars" Many of(&EXEMPLAR);
        12 "min" One Double;
        13 "max" One Double;
        14 "zeroThreshold" One Double;
    }
    BUCKETS {
        1 "offset" One Sint32;
        2 "bucketCounts" Many Uint64;
    }
    SUMMARY_DATA_POINT {
        7 "attributes" Many of(&KEY_VALUE);
        2 "startTimeUnixNano" One Fixed64;
        3 "timeUnixNano" One Fixed64;
        4 "count" One Fixed64;
        5 "sum" One Double;
        6 "quantileValues" Many of(&VALUE_AT_QUANTILE);
        8 "flags" One Uint32;
    }
    VALUE_AT_QUANTILE {
        1 "quantile" One Double;
        2 "value" One Double;
    }
    EXEMPLAR {
        7 "filteredAttributes" Many of(&KEY_VALUE);
        2 "timeUnixNano" One Fixed64;
        3 "asDouble" Choice Double;
        6 "asInt" Choice Sfixed64;
        4 "spanId" One Id;
        5 "traceId" One Id;
    }
}
