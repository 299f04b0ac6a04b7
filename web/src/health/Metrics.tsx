// Owns the table of measured numbers that programs report through the OpenTelemetry door.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { metricsQuery } from "../api/queries";
import type { MetricSeries } from "../api/types";
import { count, many } from "../format/number";
import { Ago, Command } from "../ui/Bits";
import { Icon } from "../ui/icons";
import { SkeletonRows } from "../ui/States";
import { attributesSaid, isCalled, seriesSaid, serviceOf } from "./measure";

const SEND = `OTEL_EXPORTER_OTLP_ENDPOINT=${location.origin} OTEL_METRICS_EXPORTER=otlp`;

const SHOWN = 200;

export function Metrics() {
  const [text, setText] = useState("");
  const [size, setSize] = useState(SHOWN);
  const found = useInfiniteQuery(metricsQuery());
  const all = found.data?.pages.flatMap((page) => page.series) ?? [];
  const series = all.filter((one) => isCalled(one, text));
  const shown = series.slice(0, size);
  const isEmpty = found.isSuccess && all.length === 0;
  const more = () => {
    setSize(size + SHOWN);
    if (size + SHOWN > all.length && found.hasNextPage) void found.fetchNextPage();
  };
  return (
    <section className="metrics" aria-label="Metric series">
      <div className="metrics-head">
        <h2 className="plain">Metric series</h2>
        {series.length > 0 && (
          <span className="muted num small">
            {count(series.length)}
            {found.hasNextPage ? "+" : ""}
          </span>
        )}
        {all.length > 0 && (
          <span className="field">
            <Icon name="search" size={15} />
            <input
              data-filter-input
              type="search"
              aria-label="Search metric series"
              placeholder="Name, service, attribute"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </span>
        )}
      </div>
      {found.isPending && <SkeletonRows rows={4} height={32} columns="2fr 2fr 1fr 80px" />}
      {found.error && !found.data && (
        <p className="small muted" role="alert">
          The series could not be read: {found.error.message}{" "}
          <button type="button" className="link" onClick={() => void found.refetch()}>
            Try again
          </button>
        </p>
      )}
      {Object.entries(found.data?.pages[0]?.faults ?? {}).map(([fault, points]) => (
        <p key={fault} className="small muted" role="note">
          {many(points, "point")} in no series: {fault.replaceAll("_", " ")}. Their events are kept.
        </p>
      ))}
      {isEmpty && <NoMetrics />}
      {all.length > 0 && series.length === 0 && (
        <p className="small muted">No series is called that.</p>
      )}
      {series.length > 0 && (
        <>
          <div className="list-head metrics-columns" aria-hidden="true">
            <span>Name</span>
            <span>Of</span>
            <span className="end">Value</span>
            <span className="end">Points</span>
            <span className="end">Newest</span>
          </div>
          <ul>
            {shown.map((one, at) => (
              <li key={`${one.name} ${JSON.stringify([one.kind, one.resource, one.attributes])}`}>
                <SeriesLine series={one} first={shown[at - 1]?.name !== one.name} />
              </li>
            ))}
          </ul>
          {(found.hasNextPage || series.length > shown.length) && (
            <button
              type="button"
              className="button"
              disabled={found.isFetchingNextPage}
              onClick={more}
            >
              More series
            </button>
          )}
        </>
      )}
    </section>
  );
}

/** A name is said once; its series stand below it. */
function SeriesLine({ series, first }: { series: MetricSeries; first: boolean }) {
  const service = serviceOf(series);
  const attributes = attributesSaid(series.attributes);
  return (
    <div className="row metrics-columns" data-first={first}>
      <span
        className="one-line"
        title={[series.name, series.kind, series.description].filter(Boolean).join("\n")}
      >
        {first ? (
          <>
            <span className="strong">{series.name}</span>{" "}
            <span className="faint small">{series.kind}</span>
          </>
        ) : (
          <span className="hidden-visually">{series.name}</span>
        )}
      </span>
      <span
        className="one-line small muted"
        title={[service, attributes].filter(Boolean).join("\n")}
      >
        {service && <span className="badge">{service}</span>} {attributes}
      </span>
      <span className="end num">{seriesSaid(series)}</span>
      <span className="end num small muted m-points" title={many(series.points, "point")}>
        {count(series.points)}
      </span>
      <span className="end small muted m-last">
        <Ago at={series.last_at} />
      </span>
    </div>
  );
}

function NoMetrics() {
  return (
    <div className="metrics-none">
      <p className="small muted">
        Counters and histograms that a program sends by OpenTelemetry are summed up here, over its
        restarts too. Point it at this server, with a token that may append as its bearer:
      </p>
      <Command text={SEND} />
    </div>
  );
}
