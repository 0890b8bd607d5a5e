// What `npm start` shows while it runs: one calm block in a terminal, rewritten in place, or plain lines every few
// seconds when the output is no terminal. Rendering is pure; only `createLiveView` writes.
import type { StreamAnswer } from '@stream-manager/shared/ops/api-client';

/** What one picture is made of. */
export interface Picture {
  readonly streams: readonly StreamAnswer[];
  readonly polls: ReadonlyMap<string, number>;
  readonly consumed: number | null;
  readonly elapsedMs: number;
  readonly endsInMs: number | null;
  readonly dashboardUrl: string;
  readonly apiUrl: string;
  readonly problems: readonly string[];
}

const numbers = new Intl.NumberFormat('en');
const count = (value: number | null): string => (value === null ? '–' : numbers.format(value));

const columns = [
  { title: 'source', width: 28, left: true },
  { title: 'state', width: 9, left: true },
  { title: 'polls', width: 7, left: false },
  { title: 'last poll', width: 13, left: true },
  { title: 'critical', width: 9, left: false },
  { title: 'high', width: 8, left: false },
  { title: 'normal', width: 8, left: false },
  { title: 'low', width: 8, left: false },
  { title: 'published', width: 11, left: false },
  { title: 'dead', width: 6, left: false },
  { title: 'lag', width: 8, left: false },
] as const;

const row = (cells: readonly string[]): string =>
  columns
    .map(({ width, left }, index) => {
      const cell = (cells[index] ?? '').slice(0, width);
      return left ? cell.padEnd(width) : cell.padStart(width);
    })
    .join(' ')
    .trimEnd();

const clock = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
};

/** The block for a terminal, one string per line. */
export const renderBlock = (picture: Picture): readonly string[] => {
  const queued = (stream: StreamAnswer): readonly string[] =>
    (['critical', 'high', 'normal', 'low'] as const).map((priority) => count(stream.queued[priority]));
  const published = picture.streams.reduce((sum, stream) => sum + stream.published, 0);
  const consumed = picture.consumed === null ? '' : `, ${count(picture.consumed)} read by the demo consumer`;
  const end = picture.endsInMs === null ? 'Ctrl-C to end' : `ends in ${clock(picture.endsInMs)}`;
  return [
    `StreamManager  ${clock(picture.elapsedMs)}  ${end}`,
    '',
    row(columns.map(({ title }) => title)),
    ...picture.streams.map((stream) =>
      row([
        stream.id,
        stream.state,
        count(picture.polls.get(stream.id) ?? 0),
        stream.lastPoll?.outcome ?? '–',
        ...queued(stream),
        count(stream.published),
        count(stream.deadLetters),
        count(stream.lag.records),
      ]),
    ),
    '',
    `${count(published)} records published in all runs${consumed}`,
    ...picture.problems.map((problem) => `! ${problem}`),
    `dashboard ${picture.dashboardUrl}   API ${picture.apiUrl}`,
  ];
};

/** One plain line for a log file or a pipe. */
export const renderLine = (picture: Picture): string => {
  const parts = picture.streams.map((stream) => {
    const queued = Object.values(stream.queued).reduce((sum, records) => sum + records, 0);
    return `${stream.id}: ${picture.polls.get(stream.id) ?? 0} polls, ${count(queued)} queued, ${count(stream.published)} published, ${count(stream.deadLetters)} dead, lag ${count(stream.lag.records)}`;
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
        const width = out.columns > 0 ? out.columns - 1 : Number.POSITIVE_INFINITY;
        const lines = renderBlock(picture).map((line) => line.slice(0, width));
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
