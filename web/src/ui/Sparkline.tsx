// Owns the small bars of a rate: one per second, drawn as SVG, redrawn only when a second passes.

export function Sparkline({
  series,
  width,
  height,
  name,
}: {
  series: readonly number[];
  width: number;
  height: number;
  name: string;
}) {
  const most = Math.max(1, ...series);
  const step = width / series.length;
  const bar = Math.max(1, step - 1);
  const path = series
    .map((count, at) => {
      if (count === 0) return "";
      const tall = Math.max(1.5, (count / most) * height);
      return `M${(at * step).toFixed(1)} ${height}v${(-tall).toFixed(1)}h${bar.toFixed(1)}v${tall.toFixed(1)}z`;
    })
    .join("");
  return (
    <svg
      className="sparkline"
      role="img"
      aria-label={name}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
    >
      <path d={`M0 ${height - 0.5}h${width}`} className="sparkline-base" />
      <path d={path} className="sparkline-bars" />
    </svg>
  );
}
