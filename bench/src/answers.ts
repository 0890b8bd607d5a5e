// What the benchmark polls: FIRMS answers rendered before the clock starts and served as they are, so that the provider
// costs next to nothing. Every row of every round is new.
import { createServer, type Server } from 'node:http';

const header =
  'latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,bright_ti5,frp,daynight';

/** One answer of `rows` rows, all different from those of other rounds and sources. */
export const renderAnswer = (round: number, source: number, rows: number): Buffer => {
  const day = new Date().toISOString().slice(0, 10);
  const lines = [header];
  for (let row = 0; row < rows; row++) {
    // The row number is spread over position, minute and brightness; round and source make the rest of the natural key.
    const latitude = (32.6 + (row % 9000) / 1000 + source / 100_000).toFixed(5);
    const longitude = (-124.4 + (Math.floor(row / 9000) % 9000) / 1000 + round / 100_000).toFixed(5);
    const kelvin = (300 + (row % 670) / 10).toFixed(1);
    lines.push(
      `${latitude},${longitude},${kelvin},0.39,0.36,${day},${row % 60},N,VIIRS,n,2.0NRT,298.2,${(row % 900) / 10},D`,
    );
  }
  return Buffer.from(`${lines.join('\n')}\n`);
};

/** A server that gives each source the answer that was set for it. */
export interface AnswerServer {
  readonly url: string;
  set(datasetKey: string, answer: Buffer): void;
  close(): Promise<void>;
}

/** Starts the server; the map key in the address says which answer is meant. */
export const startAnswerServer = async (): Promise<AnswerServer> => {
  const answers = new Map<string, Buffer>();
  const server: Server = createServer((request, response) => {
    const key = request.url?.split('/')[4] ?? '';
    const answer = answers.get(key);
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'text/csv' });
    response.end(answer);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    set: (key, answer) => void answers.set(key, answer),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
