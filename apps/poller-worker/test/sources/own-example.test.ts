// config/examples/buoys.ts as docs/adding-a-source.md shows it: loaded from its own config, and polled.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@stream-manager/shared/config/load';
import { resolveSource } from '@stream-manager/shared/config/resolve-source';
import { loadExtensions } from '@stream-manager/shared/extensions/load';
import { describe, expect, it } from 'vitest';
import { createModes } from '../../src/modes/modes.ts';
import { createSourceRegistry } from '../../src/sources/registry.ts';
import { createScriptedHttp, pollAll } from './scripted-http.ts';

const root = join(import.meta.dirname, '../../../..');
const header = `#YY  MM DD hh mm WDIR WSPD GST  WVHT   PRES  ATMP  WTMP
#yr  mo dy hr mn degT m/s  m/s     m    hPa  degC  degC`;
const file = `${header}
2026 01 04 09 50 310  8.0 10.0    MM 1018.2  13.1  13.9
2026 01 04 08 50 300  x.0 10.0   2.5 1018.0  13.1  13.9
2026 01 04 03 50 300  7.0  9.0   2.5 1017.6  13.0  13.9
2026 01 02 09 50 300  7.0  9.0   2.5 1017.6  13.0  13.9
2026 01 01 09 50 300  7.0
`;

const load = async () => {
  const loaded = await loadConfig({ path: 'config/examples/own.yaml', env: {}, cwd: root, secrets: 'required' });
  const { config, extensions } = await loadExtensions(loaded, { sources: true });
  const source = resolveSource(config, 'buoys-california');
  return {
    source,
    extensions,
    connector: createSourceRegistry({ extensions })(source.type)(source),
    warnings: loaded.warnings,
  };
};

const at = (text: string): number => Date.parse(text);

describe('the example of a source of one’s own', () => {
  it('is loaded by path, with the period of its mode', async () => {
    const { source, extensions, warnings } = await load();
    expect(warnings).toEqual([]);
    expect(source.periodMs).toBe(600_000);
    expect(createModes(extensions)(source).name).toBe('night-only');
  });

  it('is refused with exit code 2 and one readable error when its module is not there, before anything is started', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sm-own-'));
    const text = await readFile(join(root, 'config/examples/own.yaml'), 'utf8');
    await writeFile(join(directory, 'own.yaml'), text);
    const child = spawn(process.execPath, [join(root, 'apps/poller-worker/src/main.ts')], {
      env: { PATH: process.env.PATH, STREAM_CONFIG: join(directory, 'own.yaml') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      said += piece;
    });
    const [code] = await once(child, 'close');
    await rm(directory, { recursive: true });
    expect(code).toBe(2);
    expect(said).toContain('poller-worker: sources.buoys-california.mode: ./night-only.ts cannot be loaded');
    expect(said).toContain('sources.buoys-california.params.module: ./buoys.ts cannot be loaded');
    expect(said).toContain('Correct the module or its path, or set enabled: false.');
  });

  it('asks one buoy after the other, and gives what came since the last pass', async () => {
    const { source, connector } = await load();
    const http = createScriptedHttp(() => file);
    const window = { sinceMs: at('2026-01-04T07:00Z'), untilMs: at('2026-01-04T10:00Z') };
    const { pages, records, invalid, error } = await pollAll(connector, source, http, null, { window });
    expect(error).toBeNull();
    expect(http.requests.map(({ url }) => url.href)).toEqual([
      'https://www.ndbc.noaa.gov/data/realtime2/46042.txt',
      'https://www.ndbc.noaa.gov/data/realtime2/46026.txt',
      'https://www.ndbc.noaa.gov/data/realtime2/46012.txt',
    ]);
    expect(pages.map(({ position }) => position)).toEqual([1, 2, null]);
    expect(records).toHaveLength(3);
    expect(records[0]).toEqual({
      type: 'record',
      naturalKey: `46042|${at('2026-01-04T09:50Z')}`,
      observedAtMs: at('2026-01-04T09:50Z'),
      partitionKey: '46042',
      data: {
        stationId: '46042',
        windDirectionDeg: 310,
        windSpeedMps: 8,
        windGustMps: 10,
        waveHeightM: null,
        seaLevelPressurePa: 101_820,
        temperatureC: 13.1,
        waterTemperatureC: 13.9,
      },
    });
    expect(invalid.slice(0, 2)).toMatchObject([{ reason: 'not_a_number' }, { reason: 'wrong_column_count' }]);
  });

  it('goes on at the buoy where it was cut off', async () => {
    const { source, connector } = await load();
    const http = createScriptedHttp(() => file);
    await pollAll(connector, source, http, 2);
    expect(http.requests.map(({ url }) => url.pathname)).toEqual(['/data/realtime2/46012.txt']);
  });

  it('gives exactly the time of a backfill', async () => {
    const { source, connector } = await load();
    const http = createScriptedHttp(() => file);
    const window = { sinceMs: at('2026-01-02'), untilMs: at('2026-01-04T09:50Z') };
    const { records } = await pollAll(connector, source, http, 2, { window, isBackfill: true });
    expect(records.map(({ observedAtMs }) => observedAtMs)).toEqual([at('2026-01-04T03:50Z'), at('2026-01-02T09:50Z')]);
    expect(connector.backfill).toEqual({ sliceMs: 864_000_000 });
  });

  it('parses a row again that was invalid', async () => {
    const { source, connector } = await load();
    const { invalid } = await pollAll(
      connector,
      source,
      createScriptedHttp(() => file),
      2,
    );
    const [row] = invalid;
    expect(connector.parseRow({ raw: row!.raw.replace('x.0', '6.0'), context: row!.context! })).toMatchObject({
      data: { windSpeedMps: 6, stationId: '46012' },
    });
  });

  it('says what an answer is that is none of its files', async () => {
    const { source, connector } = await load();
    const { error } = await pollAll(
      connector,
      source,
      createScriptedHttp(() => '<html>'),
      2,
    );
    expect(String(error)).toContain('source buoys-california (./buoys.ts)');
    expect(String(error)).toContain('expected a file that begins with #YY, found <html>');
  });
});
