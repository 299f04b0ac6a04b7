"""Sends messages in which every field is set, and compares what the server gives out with protobuf's own JSON.

    whole.py URL TOKEN

The messages are built from OpenTelemetry's published definitions, so a field that the server does not know, or that it
writes in another way than the protocol says, is found here. Prints one line for each signal and ends with 0, or says
what differs and ends with 1.
"""

import base64
import json
import math
import sys
import urllib.error
import urllib.request

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

URL, TOKEN = sys.argv[1:3]
IDS = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
# Fields of newer definitions that are for profiles only; the protocol has it that nobody sets them here.
NOT_FOR_TELEMETRY = {"string_value_strindex", "key_strindex"}
DOUBLES = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 1e16, 0.1 + 0.2]


class Numbers:
    """Numbers that differ from each other, small enough for every type; or the ends of each type's range."""

    def __init__(self):
        self.last = 0
        self.are_unusual = False

    def next(self):
        self.last += 1
        return self.last


def scalar(field, numbers):
    n = numbers.next()
    if field.name in IDS:
        return n.to_bytes(IDS[field.name], "big")
    if field.name.endswith("time_unix_nano"):
        return 1_763_000_000_000_000_000 + n
    kind = field.cpp_type
    if kind == field.CPPTYPE_STRING:
        return b"\xff\x00%d" % n if field.type == field.TYPE_BYTES else f"{field.name} \u00fc\n\0{n}"
    if kind == field.CPPTYPE_BOOL:
        return True
    if kind == field.CPPTYPE_DOUBLE:
        return DOUBLES[n % len(DOUBLES)] if numbers.are_unusual else n + 0.1
    if kind == field.CPPTYPE_ENUM:
        return 1
    if numbers.are_unusual and field.type in (field.TYPE_INT64, field.TYPE_SFIXED64):
        return -2**63 + n
    if numbers.are_unusual and field.type == field.TYPE_SINT32:
        return -n
    return n


def is_many(field):
    return field.is_repeated


def fill(message, numbers, choice, depth=0):
    """Sets every field; of each choice the field `choice` (counted around)."""
    for oneof in message.DESCRIPTOR.oneofs:
        fields = [field for field in oneof.fields if field.name not in NOT_FOR_TELEMETRY]
        is_optional = len(fields) == 1 and fields[0].name in ("sum", "min", "max")
        if not is_optional:
            put(message, fields[choice % len(fields)], numbers, choice, depth)
    for field in message.DESCRIPTOR.fields:
        in_choice = field.containing_oneof is not None and len(field.containing_oneof.fields) > 1
        if not in_choice and field.name not in NOT_FOR_TELEMETRY:
            put(message, field, numbers, choice, depth)


def put(message, field, numbers, choice, depth):
    if field.cpp_type != field.CPPTYPE_MESSAGE:
        if is_many(field):
            getattr(message, field.name).extend([scalar(field, numbers), scalar(field, numbers)])
        else:
            setattr(message, field.name, scalar(field, numbers))
        return
    if field.message_type.name == "AnyValue" and depth > 12:
        choice = 0
    target = getattr(message, field.name)
    # The lists that lead to an item have one element, so that the request is one item.
    one = field.name.startswith(("resource_", "scope_")) or field.name in ("spans", "log_records", "metrics", "data_points")
    if is_many(field):
        for step in range(1 if one or depth > 12 else 2):
            fill(target.add(), numbers, choice + step, depth + 1)
        return
    target.SetInParent()
    fill(target, numbers, choice, depth + 1)


def as_otlp(document):
    """Protobuf's JSON as OTLP has it: ids in hexadecimal."""
    if isinstance(document, list):
        return [as_otlp(value) for value in document]
    if not isinstance(document, dict):
        return document
    names = {"traceId", "spanId", "parentSpanId"}
    return {
        name: base64.b64decode(value).hex() if name in names else as_otlp(value) for name, value in document.items()
    }


def call(method, path, body=None, media_type="application/json"):
    headers = {"authorization": "Bearer " + TOKEN, "content-type": media_type}
    request = urllib.request.Request(URL + path, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.read()
    except urllib.error.HTTPError as refusal:
        raise SystemExit(f"{method} {path}: {refusal.code} {refusal.read()}") from refusal


def events():
    found, cursor = [], ""
    while True:
        page = json.loads(call("GET", "/v1/events?limit=1000&dialect=otlp" + cursor))
        found += [event for event in page["events"] if any(name.startswith("resource") for name in event)]
        if page["next"] is None:
            return found
        cursor = "&cursor=" + page["next"]


def canonical(document):
    return json.dumps(document, sort_keys=True)


def check(signal, message_type, answer_type):
    sent, numbers = [], Numbers()
    for choice in range(14):
        numbers.are_unusual = choice >= 7
        message = message_type()
        fill(message, numbers, choice)
        answer = answer_type.FromString(
            call("POST", "/v1/" + signal, message.SerializeToString(), "application/x-protobuf"))
        if answer.HasField("partial_success"):
            raise SystemExit(f"{signal}: {answer.partial_success}")
        sent.append(message)
    given = {canonical(document) for document in events()}
    for message in sent:
        expected = as_otlp(json_format.MessageToDict(message, use_integers_for_enums=True))
        if canonical(expected) not in given:
            others = "\n".join(sorted(given))
            raise SystemExit(f"{signal}: not given out as it came:\n{canonical(expected)}\nbut\n{others}")
    print(f"{signal}: {len(sent)} messages with every field, the same in protobuf's own JSON")


check("traces", traces.ExportTraceServiceRequest, traces.ExportTraceServiceResponse)
check("logs", logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse)
check("metrics", metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse)
