// What `npm start` shows while it runs: one calm block in a terminal, rewritten in place, or plain lines every few
// seconds when the output is no terminal. Rendering is pure; only `createLiveView` writes.
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';

/** What one picture is made of. */
export interface Picture {
  readonly streams: readonly StreamAnswer[];
  /** Of this run, by source. */
  readonly polls: ReadonlyMap<string, number>;
  /** New and corrected records that were stored in this run, by source. */
  readonly accepted: ReadonlyMap<string, number>;
  readonly consumed: number | null;
  readonly elapsedMs: number;
  readonly endsInMs: number | null;
  readonly dashboardUrl: string;
  readonly apiUrl: string;
  readonly problems: readonly string[];
}

const numbers = new Intl.NumberFormat('en');
const count = (value: number | null): string => (value === null ? '–' : numbers.format(value));

/** A column; `from` = the least width of the terminal that has room for it. */
interface Column {
  readonly title: string;
  readonly width: number;
  readonly isText?: boolean;
  readonly from?: number;
  readonly cell: (stream: StreamAnswer, picture: Picture) => string;
}

const widestSource = 26;
const narrowestSource = 14;

const columns: readonly Column[] = [
  { title: 'state', width: 8, isText: true, from: 115, cell: ({ state }) => state },
  { title: 'last poll', width: 12, isText: true, from: 100, cell: ({ lastPoll }) => lastPoll?.outcome ?? '–' },
  { title: 'polls', width: 5, cell: ({ id }, { polls }) => count(polls.get(id) ?? 0) },
  { title: 'in', width: 7, cell: ({ id }, { accepted }) => count(accepted.get(id) ?? 0) },
  { title: 'crit', width: 5, cell: ({ queued }) => count(queued.critical) },
  { title: 'high', width: 6, cell: ({ queued }) => count(queued.high) },
  { title: 'norm', width: 6, cell: ({ queued }) => count(queued.normal) },
  { title: 'low', width: 5, cell: ({ queued }) => count(queued.low) },
  { title: 'published', width: 9, cell: ({ published }) => count(published) },
  { title: 'dead', width: 5, cell: ({ deadLetters }) => count(deadLetters) },
  { title: 'lag', width: 6, cell: ({ lag }) => count(lag.records) },
];

const fit = (text: string, width: number, isText = false): string =>
  isText ? text.slice(0, width).padEnd(width) : text.padStart(width);

/** The table for a terminal of that many columns: what has no room is left out, the source's name is cut first. */
const renderTable = (picture: Picture, width: number): readonly string[] => {
  const shown = columns.filter(({ from = 0 }) => width >= from);
  const taken = shown.reduce((sum, column) => sum + column.width + 1, 0);
  const source = Math.min(widestSource, Math.max(narrowestSource, width - taken));
  const row = (name: string, cells: readonly string[]): string =>
    [fit(name, source, true), ...shown.map((column, index) => fit(cells[index] ?? '', column.width, column.isText))]
      .join(' ')
      .trimEnd();
  return [
    row(
      'source',
      shown.map(({ title }) => title),
    ),
    ...picture.streams.map((stream) =>
      row(
        stream.id,
        shown.map(({ cell }) => cell(stream, picture)),
      ),
    ),
  ];
};

const clock = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
};

/** The block for a terminal of `width` columns, one string per line. */
export const renderBlock = (picture: Picture, width: number): readonly string[] => {
  const published = picture.streams.reduce((sum, stream) => sum + stream.published, 0);
  const consumed = picture.consumed === null ? '' : `, ${count(picture.consumed)} read by the demo consumer`;
  const end = picture.endsInMs === null ? 'Ctrl-C to end' : `ends in ${clock(picture.endsInMs)}`;
  return [
    `StreamManager  ${clock(picture.elapsedMs)}  ${end}`,
    '',
    ...renderTable(picture, width),
    '',
    `${count(published)} records published in all runs${consumed}`,
    ...picture.problems.map((problem) => `! ${problem}`),
    `dashboard  ${picture.dashboardUrl}`,
    `API        ${picture.apiUrl}`,
  ];
};

/** One plain line for a log file or a pipe. Queued: critical/high/normal/low. */
export const renderLine = (picture: Picture): string => {
  const parts = picture.streams.map((stream) => {
    const { critical, high, normal, low } = stream.queued;
    return [
      `${stream.id}: ${picture.polls.get(stream.id) ?? 0} polls`,
      `${count(picture.accepted.get(stream.id) ?? 0)} in`,
      `${critical}/${high}/${normal}/${low} queued`,
      `${count(stream.published)} published`,
      `${count(stream.deadLetters)} dead`,
      `lag ${count(stream.lag.records)}`,
    ].join(', ');
  });
  const problems = picture.problems.length === 0 ? '' : ` | ! ${picture.problems.join('; ')}`;
  return `${clock(picture.elapsedMs)} | ${parts.join(' | ')}${problems}`;
};

/** Shows pictures. */
export interface LiveView {
  show(picture: Picture): void;
  /** Leaves the last picture on the screen. */
  end(): void;
}

const plainIntervalMs = 5_000;

/** Creates the view for a stream: rewriting in place on a terminal, plain lines every 5 s elsewhere. */
export const createLiveView = (out: NodeJS.WriteStream): LiveView => {
  let linesShown = 0;
  let lastLineAtMs = Number.NEGATIVE_INFINITY;
  return {
    show: (picture) => {
      if (out.isTTY) {
        // A terminal that does not know its width says 0.
        const width = out.columns > 0 ? out.columns - 1 : 120;
        const lines = renderBlock(picture, width).map((line) => line.slice(0, width));
        const up = linesShown === 0 ? '' : `\u001B[${linesShown}A`;
        out.write(`${up}${lines.map((line) => `\u001B[2K${line}\n`).join('')}\u001B[0J`);
        linesShown = lines.length;
      } else if (picture.elapsedMs - lastLineAtMs >= plainIntervalMs) {
        lastLineAtMs = picture.elapsedMs;
        out.write(`${renderLine(picture)}\n`);
      }
    },
    end: () => {
      linesShown = 0;
    },
  };
};
