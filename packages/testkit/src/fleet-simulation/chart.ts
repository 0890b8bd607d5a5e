// Draws curves over time as SVG: panels one below the other with a common time axis, each with its own unit and legend. It
// brings its own background and follows the reader's light or dark mode. The same curves always give the same text.

/** One value over time. */
export interface Curve {
  readonly name: string;
  /** Name of one of the colours. */
  readonly colour: keyof typeof colours;
  /** `step`: a value holds until the next one; `line`: values are joined. */
  readonly shape: 'line' | 'step';
  readonly points: readonly (readonly [atMs: number, value: number])[];
}

/** Curves of one unit. */
export interface Panel {
  readonly title: string;
  readonly height: number;
  readonly scale: 'linear' | 'logarithmic';
  readonly from: number;
  readonly to: number;
  /** Values with a line and a label. */
  readonly marks: readonly (readonly [value: number, label: string])[];
  readonly curves: readonly Curve[];
}

/** A part of the time axis with a name; it ends where the next begins. */
export interface Band {
  readonly fromMs: number;
  readonly title: string;
}

/** What is drawn. */
export interface Chart {
  readonly title: string;
  readonly description: string;
  readonly toMs: number;
  /** Whose bands these are. */
  readonly bandsOf: string;
  readonly bands: readonly Band[];
  readonly panels: readonly Panel[];
}

const colours = {
  blue: ['#1d4ed8', '#7ab2ff'],
  amber: ['#b45309', '#fbbf24'],
  red: ['#b91c1c', '#ff8a80'],
  green: ['#047857', '#4ade80'],
  violet: ['#6d28d9', '#c4a5ff'],
} as const;
const width = 960;
const left = 90;
const right = 20;
const top = 64;
const gap = 50;
const minuteMs = 60_000;

const round = (value: number): string => String(Number(value.toFixed(1)));
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${round(x)}" y="${round(y)}"${attributes}>${escape(content)}</text>`;
const line = (x1: number, y1: number, x2: number, y2: number, kind: string): string =>
  `<line class="${kind}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;

/** The picture as the text of an SVG file. */
export function drawChart(chart: Chart): string {
  const x = (atMs: number): number => left + (atMs / chart.toMs) * (width - left - right);
  let y = top;
  const placed = chart.panels.map((panel) => {
    const place = { panel, top: y };
    y += panel.height + gap;
    return place;
  });
  const bottom = y - gap;
  const height = bottom + 46;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escape(chart.title)}</title>`,
    `<desc id="description">${escape(chart.description)}</desc>`,
    style(),
    `<rect class="page" width="${width}" height="${height}" rx="6"/>`,
    text(left - 8, 26, chart.bandsOf, ' class="strong" text-anchor="end"'),
    ...bands(chart, x, bottom),
    ...placed.flatMap(({ panel, top }, index) => drawPanel(panel, index, top, x, chart.toMs)),
    ...timeAxis(chart, x, bottom),
    '</svg>',
    '',
  ].join('\n');
}

function style(): string {
  const rules = (mode: 0 | 1, page: string, ink: string, grid: string, band: string): string =>
    [
      `.page{fill:${page}}`,
      `text{fill:${ink}}`,
      `.grid{stroke:${grid}}`,
      `.band{fill:${band}}`,
      ...Object.entries(colours).map(([name, tones]) => `.${name}{stroke:${tones[mode]}}`),
    ].join('');
  return `<style>text{font:12px system-ui,sans-serif}.strong{font-weight:600}.curve{fill:none;stroke-width:1.6;stroke-linejoin:round}.grid{stroke-width:1}${rules(0, '#ffffff', '#1f2937', '#d1d5db', '#f3f4f6')}@media (prefers-color-scheme:dark){${rules(1, '#0d1117', '#e5e7eb', '#374151', '#161d27')}}</style>`;
}

function bands(chart: Chart, x: (atMs: number) => number, bottom: number): readonly string[] {
  return chart.bands.flatMap(({ fromMs, title }, index) => {
    const toMs = chart.bands[index + 1]?.fromMs ?? chart.toMs;
    const shade = `<rect class="band" x="${round(x(fromMs))}" y="34" width="${round(x(toMs) - x(fromMs))}" height="${round(bottom - 34)}"/>`;
    const name = text((x(fromMs) + x(toMs)) / 2, 26, title, ' class="strong" text-anchor="middle"');
    return index % 2 === 0 ? [name] : [shade, name];
  });
}

function drawPanel(
  panel: Panel,
  index: number,
  top: number,
  x: (atMs: number) => number,
  toMs: number,
): readonly string[] {
  const share = (value: number): number => {
    const { from, to } = panel;
    if (panel.scale === 'linear') return (value - from) / (to - from);
    return Math.log(Math.max(value, from) / from) / Math.log(to / from);
  };
  const y = (value: number): number => top + panel.height * (1 - share(value));
  let legendX = x(0) + 8 * panel.title.length;
  return [
    text(left, top - 10, panel.title, ' class="strong"'),
    ...panel.curves.flatMap(({ name, colour }) => {
      const at = legendX;
      legendX += 40 + 6.6 * name.length;
      return [line(at, top - 14, at + 20, top - 14, `curve ${colour}`), text(at + 26, top - 10, name)];
    }),
    ...panel.marks.flatMap(([value, label]) => [
      line(left, y(value), width - right, y(value), 'grid'),
      text(left - 8, y(value) + 4, label, ' text-anchor="end"'),
    ]),
    `<clipPath id="panel${index}"><rect x="${left}" y="${top - 2}" width="${width - left - right}" height="${panel.height + 4}"/></clipPath>`,
    ...panel.curves.map(
      (curve) =>
        `<path class="curve ${curve.colour}" clip-path="url(#panel${index})" d="${path(curve, x, y, toMs)}"><title>${escape(curve.name)}</title></path>`,
    ),
  ];
}

/** Points that fall on the same pixel as the one before are left out. */
function path(curve: Curve, x: (atMs: number) => number, y: (value: number) => number, toMs: number): string {
  const parts: string[] = [];
  let lastY = '';
  for (const [atMs, value] of curve.points) {
    const [pointX, pointY] = [round(x(atMs)), round(y(value))];
    if (parts.length === 0) parts.push(`M${pointX} ${pointY}`);
    else if (curve.shape === 'line') parts.push(`L${pointX} ${pointY}`);
    else if (pointY !== lastY) parts.push(`H${pointX}V${pointY}`);
    lastY = pointY;
  }
  return curve.shape === 'step' ? `${parts.join('')}H${round(x(toMs))}` : parts.join('');
}

function timeAxis(chart: Chart, x: (atMs: number) => number, bottom: number): readonly string[] {
  const marks: string[] = [];
  for (let atMs = 0; atMs <= chart.toMs; atMs += 5 * minuteMs)
    marks.push(
      line(x(atMs), bottom, x(atMs), bottom + 5, 'grid'),
      text(x(atMs), bottom + 19, String(atMs / minuteMs), ' text-anchor="middle"'),
    );
  return [...marks, text((left + width - right) / 2, bottom + 37, 'minutes', ' text-anchor="middle"')];
}
