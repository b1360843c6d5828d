// Draws what {% plot %} has put into data-plot, in the colours of the theme.
import uPlot from "../vendor/uplot/uPlot.esm.js";

const HEIGHT = 240;
const COLOURS = ["--line", "--tblr-green", "--tblr-orange", "--tblr-purple", "--tblr-red"];

function units(unit) {
  const lang = document.documentElement.lang;
  const plain = new Intl.NumberFormat(lang, { maximumFractionDigits: 2, notation: "compact" });
  const share = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 });
  const money = new Intl.NumberFormat(lang, { minimumFractionDigits: 2, maximumFractionDigits: 4 });
  return {
    percent: (value) => share.format(value),
    money: (value) => money.format(value),
    ms: (value) => `${plain.format(value)} ms`,
    seconds: (value) => `${plain.format(value)} s`,
  }[unit] ?? ((value) => plain.format(value));
}

// A canvas knows no var() and no color-mix(): the browser works them out.
function colours(place) {
  const probe = place.appendChild(document.createElement("span"));
  const found = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const all = {
    lines: COLOURS.map(found),
    text: found("--tblr-secondary"),
    grid: found("--tblr-border-color"),
  };
  probe.remove();
  return all;
}

// [from so many seconds on, usual text, then what is added where the year or the day is another]
const YEAR = 31536000;
const TIMES = [
  [YEAR, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * 86400, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];

function around(times) {
  const step = times.length > 1 ? times[1] - times[0] : 86400;
  return (_, low, high) => [low - step / 2, high + step / 2];
}

// Where only whole things are counted no line of the grid stands for half a thing.
function steps(series) {
  const values = series.flatMap((row) => (row.unit ? [0.5] : row.values));
  if (!values.every((value) => Number.isInteger(value ?? 0))) {
    return undefined;
  }
  return Array.from({ length: 36 }, (_, at) => [1, 2, 5][at % 3] * 10 ** Math.floor(at / 3));
}

// Nobody points at the plot: the legend says the newest values.
function sayNewest(plot) {
  if (plot.cursor.idx == null) {
    plot.setLegend({ idx: plot.data[0].length - 1 }, false);
  }
}

// A value between two gaps has no line: it is drawn as a point.
function alone(plot, number) {
  const values = plot.data[number];
  const known = (at) => values[at] != null;
  return values.flatMap((_, at) => (known(at) && !known(at - 1) && !known(at + 1) ? [at] : []));
}

function options(given, place) {
  const { lines, text, grid } = colours(place);
  const line = { stroke: grid, width: 1 };
  const font = `12px ${getComputedStyle(place).fontFamily}`;
  const axis = { stroke: text, grid: line, ticks: line, font };
  const bars = given.kind === "bars" ? uPlot.paths.bars({ size: [0.7, 48] }) : undefined;
  return {
    width: place.clientWidth,
    height: HEIGHT,
    // Days are UTC's; other times are the viewer's.
    tzDate: given.daily ? (at) => uPlot.tzDate(new Date(at * 1000), "UTC") : undefined,
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: bars ? { range: around(given.times) } : {},
      y: { range: (_, low, high) => [Math.min(low ?? 0, 0), high > 0 ? high * 1.08 : 1] },
    },
    axes: [
      { ...axis, space: 70, values: TIMES },
      { ...axis, size: 64, incrs: steps(given.series), values: (_, ticks) => ticks.map(units(given.series[0]?.unit)) },
    ],
    hooks: { ready: [sayNewest], setCursor: [sayNewest] },
    series: [
      { label: given.label, value: given.daily ? "{YYYY}-{MM}-{DD}" : "{YYYY}-{MM}-{DD} {HH}:{mm}" },
      ...given.series.map((row, number) => {
        const stroke = lines[number % lines.length];
        const said = units(row.unit);
        return {
          label: row.label,
          stroke,
          width: bars ? 0 : 2,
          paths: bars,
          fill: bars ? stroke : undefined,
          points: { show: given.times.length < 3, fill: stroke, filter: bars ? undefined : alone },
          value: (_, at) => (at == null ? "–" : said(at)),
        };
      }),
    ],
  };
}

export function draw(place) {
  const given = JSON.parse(place.dataset.plot);
  const data = [given.times, ...given.series.map((line) => line.values)];
  let plot;
  const renew = () => {
    plot?.destroy();
    place.replaceChildren();
    plot = new uPlot(options(given, place), data, place);
  };
  renew();
  let width = place.clientWidth;
  new ResizeObserver(() => {
    if (place.clientWidth && place.clientWidth !== width) {
      width = place.clientWidth;
      plot.setSize({ width, height: HEIGHT });
    }
  }).observe(place);
  document.documentElement.addEventListener("themechange", () => place.isConnected && renew());
}
