// `npm run drills`: breaks the whole system in every way it promises to survive, on servers of its own, and accounts for
// every record. Exit code 0 when all drills passed, 1 when one failed, 2 for a wrong option.
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drills } from './catalogue.ts';
import { type Drill, type Outcome, runDrill } from './drill.ts';
import type { KafkaClient } from './ground.ts';
import { writeSection } from './reliability-page.ts';
import { lineOf, tableOf } from './report.ts';

const usage = `Drills: the whole system, separate processes, real servers, exact accounting.

  npm run drills -- [options]

  --list                 names of all drills, and what each does
  --only NAME[,NAME…]    these only
  --client CLIENT        kafkajs (default) or platformatic
  --seed N               the instants of a run come again with its seed (default: random, printed)
  --write                writes the rows of these drills to docs/reliability.md
  --help

What a failed drill logged is kept; where is printed.
`;

const refuse = (why: string): never => {
  process.stderr.write(`${why}\n\n${usage}`);
  process.exit(2);
};

interface Options {
  readonly chosen: readonly Drill[];
  readonly client: KafkaClient;
  readonly seed: number;
  readonly write: boolean;
}

const readOptions = (): Options => {
  const parsed = (() => {
    try {
      return parseArgs({
        options: {
          list: { type: 'boolean' },
          only: { type: 'string' },
          client: { type: 'string' },
          seed: { type: 'string' },
          write: { type: 'boolean' },
          help: { type: 'boolean' },
        },
      }).values;
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error));
    }
  })();
  if (parsed.help || parsed.list) {
    process.stdout.write(
      parsed.help ? usage : drills.map(({ name, title }) => `${name.padEnd(24)}${title}\n`).join(''),
    );
    process.exit(0);
  }
  const names = parsed.only?.split(',').map((name) => name.trim());
  const unknown = names?.filter((name) => !drills.some((drill) => drill.name === name)) ?? [];
  if (unknown.length > 0) refuse(`no such drill: ${unknown.join(', ')} (--list has the names)`);
  const { client = 'kafkajs' } = parsed;
  if (client !== 'kafkajs' && client !== 'platformatic') return refuse(`no such client: ${client}`);
  const seed = parsed.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(parsed.seed);
  if (!Number.isSafeInteger(seed)) refuse(`--seed takes a whole number, not "${parsed.seed}"`);
  return {
    chosen: names === undefined ? drills : drills.filter(({ name }) => names.includes(name)),
    client,
    seed,
    write: parsed.write ?? false,
  };
};

const { chosen, client, seed, write } = readOptions();
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
say(`${chosen.length} drills with ${client}, seed ${seed}`);
// What a drill has started ends with this process, if it gets to end.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const outcomes: Outcome[] = [];
for (const drill of chosen) {
  const logsTo = join(tmpdir(), `stream-manager-drill-logs-${process.pid}`, drill.name);
  const outcome = await runDrill(drill, { client, seed, say, logsTo });
  outcomes.push(outcome);
  say(lineOf(outcome));
  if (outcome.problems.length > 0) say(`       logs: ${logsTo}`);
}
const failed = outcomes.filter(({ problems }) => problems.length > 0);
say(failed.length === 0 ? 'all passed' : `${failed.length} of ${outcomes.length} failed`);
if (write) {
  const page = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));
  const table = tableOf(outcomes, {
    client,
    date: new Date().toISOString().slice(0, 10),
    machine: `${availableParallelism()} shared cores`,
    command: `npm run drills -- --client ${client} --seed ${seed}`,
  });
  const names = drills.map(({ name }) => name);
  await writeFile(page, writeSection(await readFile(page, 'utf8'), client, table, names));
  say('docs/reliability.md is written');
}
process.exit(failed.length === 0 ? 0 : 1);
