// The address of a tap: records of a source as they pass a border, as server-sent events, until the client goes.
//
//   event: record    data: a record, as docs/http-api.md has it
//   event: skipped   data: { records }: so many passed and were not shown, at most once a second
//   event: end       data: { reason }: the scheduler stops
import type { Logger } from '@stream-manager/shared/observability/logger';
import { type TapBatch, tapStages } from '@stream-manager/shared/queues/tap';
import type { TapListener } from '@stream-manager/shared/queues/tap-listener';
import { type Response, Router } from 'express';
import { inTime } from './in-time.ts';
import { FieldError, shown } from './read-fields.ts';
import { Refusal } from './refusal.ts';
import type { PolledStreams } from './streams.ts';

/** What the address answers from. */
export interface TapRouteDeps {
  readonly streams: Pick<PolledStreams, 'require'>;
  readonly listener: TapListener;
  /** Who is logged in. */
  readonly user: string;
  readonly logger: Logger;
}

/** The taps of this process. */
export interface Taps {
  /** To be mounted at `/streams`. */
  readonly router: Router;
  /** Ends all, and says so to whoever listens. */
  end(): void;
}

/** Taps that are open at a time in this process. */
export const mostTaps = 10;
/** What a client that reads slowly may have waiting, in bytes; beyond it records are skipped. */
const mostWaitingBytes = 1_048_576;
/** Nothing is to be said for so long: proxies and clients learn that the tap lives, in milliseconds. */
const aliveMs = 15_000;
const skippedMs = 1_000;

/** Writes the events of one tap. Records that come before `begin` are skipped: a refusal may still be the answer. */
const createEvents = (response: Response) => {
  let skipped = 0;
  let hasBegun = false;
  const write = (event: string, data: unknown): void =>
    void response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const tellSkipped = (): void => {
    if (!hasBegun || skipped === 0 || response.writableLength > mostWaitingBytes) return;
    write('skipped', { records: skipped });
    skipped = 0;
  };
  const timers: NodeJS.Timeout[] = [];
  return {
    begin: (): void => {
      hasBegun = true;
      timers.push(
        setInterval(tellSkipped, skippedMs),
        setInterval(() => void response.write(': alive\n\n'), aliveMs),
      );
      response.writeHead(200, {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-store',
        // Some proxies would keep records until a buffer is full.
        'X-Accel-Buffering': 'no',
      });
      response.write(': listening\n\n');
    },
    onBatch: (batch: TapBatch): void => {
      skipped += batch.skipped;
      for (const record of batch.records) {
        if (!hasBegun || response.writableLength > mostWaitingBytes) skipped += 1;
        else write('record', record);
      }
    },
    end: (reason: string): void => {
      tellSkipped();
      write('end', { reason });
      response.end();
    },
    close: (): void => {
      for (const timer of timers) clearInterval(timer);
    },
  };
};

/** Creates the taps of this process. */
export const createTaps = ({ streams, listener, user, logger }: TapRouteDeps): Taps => {
  const router = Router();
  const open = new Set<{ readonly end: (reason: string) => void }>();
  let starting = 0;

  router.get('/:id/tap', async (request, response) => {
    const { id } = request.params;
    streams.require(id);
    const { after } = request.query;
    const stage = tapStages.find((known) => known === after);
    if (stage === undefined)
      throw new FieldError(`after: expected one of ${tapStages.join(', ')}, not ${shown(after)}`);
    if (open.size + starting >= mostTaps)
      throw new Refusal(409, `${mostTaps} taps are open already, which is the most: end one of them`);

    const events = createEvents(response);
    const listening = listener.listen(id, stage, events.onBatch);
    starting += 1;
    const stop = await inTime(listening)
      .catch((error: unknown) => {
        // Who comes too late for it ends it at once.
        listening.then(
          (late) => late(),
          () => {},
        );
        throw error;
      })
      .finally(() => {
        starting -= 1;
      });
    const close = (): void => {
      open.delete(events);
      events.close();
      void stop();
    };
    open.add(events);
    response.once('close', () => {
      close();
      logger.info({ sourceId: id, after: stage, user }, 'tap ended');
    });
    if (response.destroyed) {
      close();
      return;
    }
    events.begin();
    logger.info({ sourceId: id, after: stage, user }, 'tap begun');
  });

  return {
    router,
    end: () => {
      for (const tap of open) tap.end('the scheduler stops');
    },
  };
};
