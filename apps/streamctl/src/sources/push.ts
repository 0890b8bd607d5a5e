// `streamctl sources test` of a source of type push: nothing can be asked, so it says how a record is sent to it.

import type { SourceConfig } from '@stream-manager/shared/config/schema';
import { messageOf } from '@stream-manager/shared/failures/errors';
import { createApiClient } from '@stream-manager/shared/ops/api-client';
import { jsonText } from '../json-text.ts';
import type { CommandContext } from '../terminal.ts';

/** A source of type push. */
export type PushEntry = Extract<SourceConfig, { readonly type: 'push' }> & { readonly id: string };

/** Roles of processes that take pushed records. */
const takers = new Set(['stream-manager', 'poller-worker']);

/** A row that the source's mapping takes: something at each of its paths. Paths that are no plain names are left to the reader. Pure. */
export const exampleRow = (params: PushEntry['params'], now: number): Readonly<Record<string, unknown>> => {
  const row: Record<string, unknown> = {};
  const put = (path: unknown, value: unknown): void => {
    if (typeof path !== 'string' || !/^\w+(\.\w+)*$/.test(path)) return;
    const names = path.split('.');
    const last = names.pop() ?? '';
    let place = row;
    for (const name of names) {
      const inner: unknown = place[name];
      const next: Record<string, unknown> = {};
      if (typeof inner !== 'object' || inner === null) place[name] = next;
      // Made by the line above, here or before.
      place = place[name] as Record<string, unknown>;
    }
    place[last] ??= value;
  };
  const { id, time, timeFormat, latitude, longitude, fields = {} } = params;
  const at =
    timeFormat === 'unix_s' ? Math.floor(now / 1_000) : timeFormat === 'unix_ms' ? now : new Date(now).toISOString();
  for (const path of time ?? []) put(path, at);
  for (const path of id ?? []) put(path, 'example-1');
  put(latitude, 37.77);
  put(longitude, -122.42);
  for (const field of Object.values(fields)) put(typeof field === 'string' ? field : field.path, 1);
  return Object.keys(row).length === 0 ? { value: 1 } : row;
};

/** Where the fleet takes records, if it can be asked. */
const findTaker = async ({
  findApi,
}: Pick<CommandContext, 'findApi'>): Promise<{ readonly url: string; readonly note: string | null }> => {
  const unknown = 'http://POLLER_HOST:PORT';
  try {
    const { fleet } = await createApiClient(await findApi()).health();
    const taker = fleet.find(({ role }) => takers.has(role));
    if (taker === undefined) return { url: unknown, note: 'No process of the fleet takes records now.' };
    const host = taker.address ?? taker.host;
    return { url: `http://${host.includes(':') ? `[${host}]` : host}:${taker.port}`, note: null };
  } catch (error) {
    return { url: unknown, note: `Where the fleet takes records is not known here: ${messageOf(error)}.` };
  }
};

/** A text between single quotes of a shell. Pure. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Shows the command that sends a record; gives the exit code. */
export const showPush = async (
  source: PushEntry,
  context: Pick<CommandContext, 'findApi' | 'out'>,
  { json }: { readonly json: boolean },
): Promise<number> => {
  const { url, note } = await findTaker(context);
  const address = `${url}/ingest/${source.id}`;
  const row = exampleRow(source.params, Date.now());
  // Never the token itself: a terminal is read over shoulders and kept in files.
  const variable = /^\$\{(\w+)\}$/.exec(source.params.token)?.[1] ?? 'PUSH_TOKEN';
  if (json) {
    context.out(jsonText({ method: 'POST', url: address, body: [row], note }));
    return 0;
  }
  const lines = [
    `The records of ${source.id} come by themselves. This sends one, with the token of params.token in ${variable}:`,
    '',
    `curl -sS ${quoted(address)} \\`,
    `  -H "Authorization: Bearer $${variable}" -H 'Content-Type: application/json' \\`,
    `  -d ${quoted(JSON.stringify([row]))}`,
    '',
    ...(note === null ? [] : [note]),
    'The answer says how many rows were accepted, known and invalid: docs/push.md. It is a real record: it goes to Kafka.',
  ];
  context.out(`${lines.join('\n')}\n`);
  return 0;
};
