// Writes docs/configuration.md from the schema: one table per section, one per type of source.
import { formerKeys } from '../former-names.ts';
import { marked } from '../not-yet.ts';
import { configObject, sourceSchema } from '../schema.ts';
import { mapShape, type Schema, variantsOf } from '../shape.ts';
import { authSchema } from '../source-params/auth.ts';
import { aboutOf, type Row, rowsOf } from './rows.ts';

/** The whole page. */
export function configurationPage(): string {
  const sections = Object.entries(configObject.shape).filter(([name]) => name !== 'sources');
  return [
    intro,
    '## Sections\n',
    ...sections.map(([name, schema]) => section(name, schema)),
    sourcesIntro,
    commonTable(),
    authSection(),
    ...[...variantsOf(sourceSchema)].map(([type, schema]) => typeSection(type, schema)),
    formerTable(),
  ].join('\n');
}

const intro = `# Configuration

Generated from the schema by \`scripts/generate-docs.ts\`: change the descriptions in \`packages/shared/src/config\`, not this page.

A config is one YAML or JSON file: \`STREAM_CONFIG\` names it, else it is \`stream.yaml\` in the working directory. Only
\`sources\` has to be written, everything else has a default. \`config/stream.example.yaml\` is a commented start;
\`config/stream.schema.json\` lets editors complete and check a file while it is written: its first line is
\`# yaml-language-server: $schema=…/config/stream.schema.json\`.

- **Keys** are in camelCase; snake_case is accepted for every key (\`maxRecords\`, \`max_records\`). Names of your own
  (source ids, topics, headers, Kafka's topic settings) stay as you write them. An unknown key is an error that names the
  nearest known key, the file and the line.
- **\`\${NAME}\`** in any value is the environment variable of that name; \`$\${\` is a literal \`\${\`. A variable that is
  empty counts as not set. A value that is wholly \`\${NAME}\` can also be a number, \`true\` or \`false\`, or a list
  (\`bbox: \${BBOX}\` with \`BBOX='[-124, 32, -114, 42]'\`). The \`type\` of a source must be written out.
- **Secrets** belong into variables, never into the file. Pollers need all variables of their enabled sources. Every other
  process leaves a variable in \`params\`, \`headers\`, \`baseUrl\`, \`auth\` or \`tls\` of a source as it is when it is not set, so
  it needs no secrets of sources. Variables anywhere else must be set in every process. What came from a variable, or
  stands under a key that looks like a secret, is shown as \`***\` in errors.
- **From files** (Docker and Kubernetes secrets): when \`NAME\` is not set, \`NAME_FILE\` may name a file that holds the value, of
  at most 64 KiB, without its last line break: \`FIRMS_MAP_KEY_FILE=/run/secrets/map-key\` for \`\${FIRMS_MAP_KEY}\`. So may
  \`REDIS_URL_FILE\`, \`KAFKA_BROKERS_FILE\` and \`STREAM__KAFKA__SASL__PASSWORD_FILE\` for the variables below.
- **The environment wins over the file**: first \`REDIS_URL\` and \`KAFKA_BROKERS\` (a list with commas), then
  \`STREAM__SECTION__KEY=value\` for any key: \`STREAM__THROTTLING__TARGET_CONSUMER_LAG=500\`,
  \`STREAM__SOURCES__FIRMS_CALIFORNIA__EVERY=5m\`, \`STREAM__DELIVERY__BACKOFF_MS='[500, 1000]'\`,
  \`STREAM__KAFKA__BROKERS__0=kafka-1:9092\`. Case, \`_\` and \`-\` do not count in names. A value is read as YAML, and as it is
  where a text is wanted. A variable whose name matches no key is an error. Names of your own can be overridden where
  the file has them; new ones only with the whole map (\`STREAM__ROUTING__CUSTOM='{my-source: my-topic}'\`).
- **(no effect in this version)** marks keys that are accepted so that a file can be prepared: setting one is a warning that
  says what arrives later.
- **A bad config** is refused with all its errors at once, each with file, line, key, what was expected and what was found;
  exit code 2.
- **The version** of a config, shown in \`/api/streams\` and in heartbeats, is the same in all processes that run the same
  config with the same overrides, whatever secrets they have.
- YAML anchors and \`<<\` work, up to 2,000 aliases; a file has at most 4 MiB.
`;

const sourcesIntro = `## \`sources\`

A map from source id to source. An id begins with a letter, has up to 63 letters, digits, \`_\` or \`-\`, differs from other
ids by more than case, and is not \`poll\`. These keys are common to all types; what \`params\` holds depends on the type.
`;

function section(name: string, schema: Schema): string {
  const rows = rowsOf(schema);
  const isMap = mapShape(schema, undefined)?.kind === 'names';
  return `### \`${name}\`\n\n${aboutOf(schema)}\n\n${table(rows.map((row) => cells(row, name, isMap)))}`;
}

const header = ['| key | value | default | meaning |', '|---|---|---|---|'];

const table = (rows: readonly (readonly string[])[]): string =>
  `${[...header, ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n')}\n`;

/** `section`: where the row's path starts, `sources.<id>` for what stands in a source. */
const cells = (row: Row, section: string, isOpen = false): readonly string[] => [
  `\`${inCode(row.path)}\``,
  escape(row.value),
  row.isRequired && !isOpen ? '**required**' : row.standard === undefined ? '' : `\`${inCode(row.standard)}\``,
  escape(marked(row.about, `${section}.${row.path}`.split('.'))),
];

const aSource = 'sources.<id>';

const inCode = (text: string): string => text.replaceAll('|', '\\|');

const escape = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');

/** Keys that every type has, with the defaults of all types where they differ. */
function commonTable(): string {
  const types = [...variantsOf(sourceSchema)].map(([type, schema]) => ({
    type,
    rows: rowsOf(schema).filter(isCommon),
  }));
  const rows = (types[0]?.rows ?? []).map((row): readonly string[] => {
    const names = types.map(({ type }) => `\`${type}\``).join(', ');
    if (row.path === 'type') return ['`type`', `one of ${names}`, '**required**', escape(row.about)];
    const standards = types.map(
      ({ type, rows: own }) => [type, own.find((other) => other.path === row.path)?.standard] as const,
    );
    const [path = '', value = '', standard = '', about = ''] = cells(row, aSource);
    const differ = standards.some(([, other]) => other !== row.standard);
    return [path, value, differ ? byType(standards) : standard, about];
  });
  const overrides = ['queue', 'throttling'].map((name) => [
    `\`${name}\``,
    `a map with any keys of section [\`${name}\`](#${name})`,
    '',
    `Values of section \`${name}\` that differ for this source.`,
  ]);
  return table([...rows, ...overrides]);
}

/** The ways of saying who asks, each with its keys. */
function authSection(): string {
  const kinds = [...variantsOf(authSchema)].map(([type, schema]) => {
    const [about, ...rows] = rowsOf(schema);
    return `**\`type: ${type}\`**: ${about?.about ?? ''}\n\n${table(rows.map((row) => cells(row, `${aSource}.auth`)))}`;
  });
  return [
    '### `auth`\n',
    'What of it goes where, and when tokens are renewed, stands in [http-client.md](http-client.md).\n',
    ...kinds,
  ].join('\n');
}

const isCommon = (row: Row): boolean => !/^(params|queue|throttling)\./.test(row.path) && row.path !== 'params';

/** `normal`; `high` for nasa-firms, noaa-alerts: the most frequent default first, addresses not at all. */
function byType(standards: readonly (readonly [type: string, standard: string | undefined])[]): string {
  const groups = Map.groupBy(standards, ([, standard]) => standard);
  const [usual, ...others] = [...groups].sort(([, a], [, b]) => b.length - a.length);
  if (usual === undefined || others.length > 3) return 'by type, below';
  const exceptions = others.map(
    ([standard, types]) => `${code(standard)} for ${types.map(([type]) => type).join(', ')}`,
  );
  return [code(usual[0]), ...exceptions].join('; ');
}

const code = (standard: string | undefined): string => (standard === undefined ? 'none' : `\`${standard}\``);

function typeSection(type: string, schema: Schema): string {
  const shape = mapShape(schema, undefined);
  const params = shape?.kind === 'keys' ? shape.keys.get('params') : undefined;
  const address = rowsOf(schema).find((row) => row.path === 'baseUrl')?.standard;
  const lines = [
    `### Type \`${type}\`\n`,
    params === undefined ? '' : aboutOf(params),
    ...(address === undefined ? [] : [`Default \`baseUrl\`: ${address}`]),
  ];
  const rows = params === undefined ? [] : rowsOf(params, 'params');
  return `${lines.join('\n\n').replace('\n\n\n', '\n\n')}\n\n${table(rows.map((row) => cells(row, aSource)))}`;
}

function formerTable(): string {
  const rows = Object.entries(formerKeys).map(([key, now]) => `| \`${key}\` | \`${inCode(now)}\` |`);
  return [
    '## Coming from the Python system',
    '',
    'What its keys are called here; the error about an old key says the same.',
    '',
    '| there | here |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n');
}
