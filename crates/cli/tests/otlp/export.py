"""Sends traces, logs and metrics with OpenTelemetry's SDK, and prints what its exporters were answered.

    export.py PROTOCOL ENDPOINT TOKEN [COUNT [ROUNDS]]

PROTOCOL is http or grpc. Each round sends COUNT spans, log records and data points of one counter. For every export
a line of JSON goes to standard output: the signal, whether the exporter calls it a success, the ids of its spans.
The SDK's own complaints go to standard error.
"""

import json
import logging
import os
import sys

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import StatusCode, format_span_id

PROTOCOL, ENDPOINT, TOKEN = sys.argv[1:4]
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 3
ROUNDS = int(sys.argv[5]) if len(sys.argv) > 5 else 1

if PROTOCOL == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    def settings(path):
        return {"endpoint": ENDPOINT, "insecure": True, "headers": (("authorization", "Bearer " + TOKEN),)}
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    def settings(path):
        return {"endpoint": ENDPOINT + path, "headers": {"authorization": "Bearer " + TOKEN}}


def tell(signal, success, ids=()):
    print(json.dumps({"signal": signal, "success": success, "ids": list(ids)}), flush=True)


class Spans(OTLPSpanExporter):
    def export(self, spans):
        result = super().export(spans)
        ids = [format_span_id(span.context.span_id) for span in spans]
        tell("traces", result is SpanExportResult.SUCCESS, ids)
        return result


class Logs(OTLPLogExporter):
    def export(self, batch):
        result = super().export(batch)
        tell("logs", result is LogRecordExportResult.SUCCESS)
        return result


class Metrics(OTLPMetricExporter):
    def export(self, metrics_data, *args, **kwargs):
        result = super().export(metrics_data, *args, **kwargs)
        tell("metrics", result is MetricExportResult.SUCCESS)
        return result


def main():
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    resource = Resource.create({"service.name": "sdk-test", "service.instance.id": PROTOCOL})
    tracing = TracerProvider(resource=resource)
    tracing.add_span_processor(BatchSpanProcessor(Spans(**settings("/v1/traces"))))
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(Logs(**settings("/v1/logs"))))
    reader = PeriodicExportingMetricReader(Metrics(**settings("/v1/metrics")), export_interval_millis=3_600_000)
    metrics = MeterProvider(resource=resource, metric_readers=[reader])

    tracer = tracing.get_tracer("export.py", "1")
    logger = logs.get_logger("export.py", "1")
    counter = metrics.get_meter("export.py", "1").create_counter("calls", "{call}", "Calls of the test.")
    for round_number in range(ROUNDS):
        for number in range(COUNT):
            attributes = {
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic",
                "gen_ai.conversation.id": "conversation-" + PROTOCOL, "gen_ai.request.model": "claude-test",
                "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 34,
                "numbers": [round_number, number], "exact": 2 ** 53 + 1, "ratio": 0.1, "flag": False, "text": "ü\n",
            }
            with tracer.start_as_current_span("chat claude-test", attributes=attributes) as span:
                span.add_event("thought", {"n": number})
                if number == 2:
                    span.set_status(StatusCode.ERROR, "it went wrong")
                logger.emit(LogRecord(
                    severity_number=SeverityNumber.INFO, severity_text="INFO", body={"said": ["hello", number]},
                    attributes={"session.id": "session-" + PROTOCOL}, timestamp=span.start_time,
                    event_name="test.said"))
            counter.add(1, {"n": number})
        tracing.force_flush(60_000)
        logs.force_flush(60_000)
        metrics.force_flush(60_000)
    # Ends without another export of the metrics.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


main()
