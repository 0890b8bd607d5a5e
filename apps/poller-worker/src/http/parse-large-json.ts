// JSON off the event loop. A text of 64 MB takes a second to parse, and meanwhile no job would be renewed and no request be
// answered; so a large one goes to a worker thread of its own, and what it means comes back in slices. The thread ends with
// its text: its memory is given back, and a poll that is stopped needs nobody's consent.
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { mostJsonMemory } from './json-memory.ts';
import { createJoiner } from './json-slices.ts';
import type { FromWorker, ToWorker } from './json-worker.ts';

/** A text above so many bytes is parsed off the event loop. */
export const largeJsonBytes = 4 * 1024 * 1024;

/** What a large text means, or that it is no JSON, with its beginning. */
export type ParsedJson =
  | { readonly isJson: true; readonly value: unknown }
  | { readonly isJson: false; readonly beginning: string; readonly isCut: boolean };

/** Parses large texts. */
export interface JsonParser {
  /**
   * Parses blocks of text, which it takes away: they are empty afterwards. `place`: the address as it may be shown. Rejects
   * with `stopped` when the signal aborts or the parser is closed, with `response_too_large` when it comes to more memory than
   * its size allows, with `response_unreadable` when it is nested too deep.
   */
  parse(blocks: readonly Buffer[], poll: { readonly place: string; readonly signal: AbortSignal }): Promise<ParsedJson>;
  /** Ends all threads. Idempotent. */
  close(): Promise<void>;
}

/** So many threads at a time; more texts wait in order. */
const maxThreads = 2;

/** Blocks in one message: handing them over takes no copy, but a moment each. */
const blocksPerMessage = 64;

/** The poll that a text is parsed for. */
interface Parsing {
  readonly place: string;
  readonly signal: AbortSignal;
  readonly stopped: () => StreamManagerError;
  /** What its value may take, in bytes. */
  readonly mostMemory: number;
}

/** Creates the parser of this process. It has no thread while there is nothing to parse. */
export const createJsonParser = (): JsonParser => {
  const closed = new AbortController();
  const threads = new Set<Worker>();
  const waiting: (() => void)[] = [];
  let running = 0;

  const enter = (signal: AbortSignal, stopped: () => StreamManagerError): Promise<void> =>
    new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', giveUp);
        running += 1;
        resolve();
      };
      const giveUp = (): void => {
        waiting.splice(waiting.indexOf(go), 1);
        reject(stopped());
      };
      if (running < maxThreads) {
        go();
        return;
      }
      waiting.push(go);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  const leave = (): void => {
    running -= 1;
    waiting.shift()?.();
  };

  const inThread = async (blocks: readonly Buffer[], about: Parsing): Promise<ParsedJson> => {
    const thread = new Worker(new URL('./json-worker.ts', import.meta.url), {
      argv: [],
      env: {},
      execArgv: [],
      // Never reached: what comes to more is not parsed.
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil((3 * about.mostMemory) / 1024 / 1024) },
    });
    threads.add(thread);
    try {
      return await converse(thread, blocks, about);
    } finally {
      await thread.terminate();
      threads.delete(thread);
    }
  };

  return {
    parse: async (blocks, { place, signal: own }) => {
      const signal = AbortSignal.any([own, closed.signal]);
      const stopped = (): StreamManagerError =>
        new StreamManagerError('stopped', `stopped while parsing ${place}`, { cause: signal.reason });
      if (signal.aborted) throw stopped();
      await enter(signal, stopped);
      try {
        const bytes = blocks.reduce((sum, block) => sum + block.length, 0);
        const mostMemory = mostJsonMemory(bytes, getHeapStatistics().heap_size_limit);
        return await inThread(blocks, { place, signal, stopped, mostMemory });
      } finally {
        leave();
      }
    },
    close: async () => {
      closed.abort(new Error('the poller stops'));
      await Promise.all([...threads].map((thread) => thread.terminate()));
    },
  };
};

/** Gives a thread the text, and takes what it means, slice after slice: other work has its turn between two of them. */
const converse = (thread: Worker, blocks: readonly Buffer[], about: Parsing): Promise<ParsedJson> =>
  new Promise((resolve, reject) => {
    const { place, signal } = about;
    const joiner = createJoiner();
    const say = (message: ToWorker, handedOver: readonly ArrayBuffer[] = []): void =>
      thread.postMessage(message, [...handedOver]);
    const stop = (): void => reject(about.stopped());
    const fail = (error: unknown): void =>
      reject(new StreamManagerError('response_too_large', `${place} cannot be parsed: ${messageOf(error)}`));

    thread.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'slice':
          joiner.add(message.slice);
          say({ kind: 'next' });
          break;
        case 'end':
          resolve({ isJson: true, value: joiner.value() });
          break;
        case 'no_json':
          resolve({ isJson: false, beginning: message.beginning, isCut: message.isCut });
          break;
        case 'too_deep':
          reject(new StreamManagerError('response_unreadable', `${place} answered JSON that is nested too deep`));
          break;
        case 'too_large':
          fail(
            `its JSON would take about ${megabytes(message.memory)} of memory, and ${megabytes(about.mostMemory)} are the most for its size in this process`,
          );
          break;
      }
    });
    thread.on('error', fail);
    thread.on('exit', () => {
      signal.removeEventListener('abort', stop);
      // Does nothing after an answer.
      if (signal.aborted) stop();
      else fail('its thread ended');
    });
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();

    for (let at = 0; at < blocks.length; at += blocksPerMessage) {
      const pieces = blocks.slice(at, at + blocksPerMessage).map(ownBytes);
      say(
        { kind: 'bytes', pieces },
        pieces.map((piece) => piece.buffer),
      );
    }
    say({ kind: 'parse', mostMemory: about.mostMemory });
  });

const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;

/** The bytes in memory that is theirs alone, so that it can be handed over; copied if others share it. */
const ownBytes = (block: Buffer): Uint8Array<ArrayBuffer> => {
  const { buffer, byteOffset, byteLength } = block;
  return buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength === byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(block);
};
