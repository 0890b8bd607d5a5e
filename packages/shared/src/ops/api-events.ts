// Server-sent events of the scheduler's HTTP API, from outside. The server says something at least every 15 s; one that is
// silent for three times as long is gone.
import { authorizationOf, refusalOf } from './api-request.ts';
import type { ApiAccess } from './data-directory.ts';

/** One event; `data` is JSON. */
export interface ApiEvent {
  readonly event: string;
  readonly data: unknown;
}

/** How long the first answer, and any word after it, may take, in milliseconds. */
const connectMs = 10_000;
const silentMs = 45_000;
/** Characters of an event at most: longer ones are none of ours. */
const longestEvent = 8 * 1_048_576;

const parseEvent = (block: string): ApiEvent | null => {
  const field = (name: string): string | undefined =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  const data = field('data');
  return data === undefined ? null : { event: field('event') ?? 'message', data: JSON.parse(data) };
};

/**
 * Asks for events and gives them as they come; ends when the server ends them or `signal` aborts. Throws `ApiRefusal`, or a
 * sentence that names the address, when they cannot be had or break off. `onOpen` is called once they come.
 */
export async function* apiEvents(
  access: ApiAccess,
  path: string,
  options: { readonly signal: AbortSignal; readonly onOpen?: () => void },
): AsyncGenerator<ApiEvent> {
  const { signal } = options;
  const silent = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expectWord = (withinMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), withinMs);
  };
  try {
    expectWord(connectMs);
    const response = await fetch(new URL(path, access.url), {
      headers: { authorization: authorizationOf(access), accept: 'text/event-stream, application/json' },
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (!response.ok) throw await refusalOf(response, access, path);
    options.onOpen?.();
    // fetch gives bytes; its type says nothing of them.
    const body: AsyncIterable<Uint8Array> | null = response.body;
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of body ?? []) {
      expectWord(silentMs);
      text += decoder.decode(chunk, { stream: true });
      if (text.length > longestEvent) throw new Error(`an event is longer than ${longestEvent} characters`);
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event !== null) yield event;
      }
    }
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof TypeError || silent.signal.aborted)
      throw new Error(`the API at ${access.url} does not answer`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
