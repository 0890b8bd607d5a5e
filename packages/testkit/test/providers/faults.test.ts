import { createFaults, type FaultName, faultNames, malformedKinds } from '@stream-manager/testkit/providers/faults';
import { describe, expect, it } from 'vitest';
import { type ProviderFixture, type Reply, setup, startAt } from './provider-fixture.ts';

const routes = (providers: ProviderFixture) =>
  [
    { route: 'firms', path: providers.firmsPath() },
    { route: 'observations', path: `/stations/${providers.world.stations.all[0]!.id}/observations/latest` },
    { route: 'alerts', path: '/alerts/active?area=CA' },
    { route: 'purpleair', path: '/v1/sensors?fields=last_seen,latitude,longitude,name' },
  ] as const;

const headersOf = (providers: ProviderFixture) => ({ 'user-agent': 'test', 'x-api-key': providers.apiKey });

/** Every route once without and once with the fault, on a world that stands still. */
const eachRoute = async (fault: FaultName, check: (sound: Reply, faulty: Reply) => void) => {
  await using providers = await setup({ static: true });
  for (const { route, path } of routes(providers)) {
    const sound = await providers.get(path, headersOf(providers));
    providers.setFaults({ [route]: { next: [fault], slowMs: 40 } });
    check(sound, await providers.get(path, headersOf(providers)));
  }
};

describe('faults of the wire', () => {
  it.each([
    { fault: '429', status: 429, retryAfter: '2' },
    { fault: '429-date', status: 429, retryAfter: new Date(startAt + 2750).toUTCString() },
    { fault: '500', status: 500, retryAfter: undefined },
    { fault: '503', status: 503, retryAfter: '2' },
  ] as const)('$fault refuses the request', async ({ fault, status, retryAfter }) => {
    await eachRoute(fault, (_, faulty) => {
      expect(faulty.status).toBe(status);
      expect(faulty.headers['retry-after']).toBe(retryAfter);
    });
  });

  it.each(['slow-headers', 'slow-body', 'none'] as const)('%s changes nothing in the answer', async (fault) => {
    await eachRoute(fault, (sound, faulty) => {
      expect([faulty.status, faulty.text, faulty.isWhole]).toEqual([200, sound.text, true]);
    });
  });

  it('cut-length announces more than it sends', async () => {
    await eachRoute('cut-length', (sound, faulty) => {
      expect(faulty.isWhole).toBe(false);
      expect(Number(faulty.headers['content-length'])).toBe(sound.body.length);
      expect(faulty.body).toEqual(sound.body.subarray(0, Math.floor(sound.body.length / 2)));
    });
  });

  it('cut-chunked ends without a last chunk', async () => {
    await eachRoute('cut-chunked', (sound, faulty) => {
      expect(faulty.isWhole).toBe(false);
      expect(faulty.headers['transfer-encoding']).toBe('chunked');
      expect(faulty.body).toEqual(sound.body.subarray(0, Math.floor(sound.body.length / 2)));
    });
  });

  it('html is a page with status 200', async () => {
    await eachRoute('html', (_, faulty) => {
      expect([faulty.status, faulty.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(faulty.text).toMatch(/^<!DOCTYPE html>/);
    });
  });

  it('empty has no byte, under the right content type', async () => {
    await eachRoute('empty', (sound, faulty) => {
      expect([faulty.status, faulty.text, faulty.headers['content-length']]).toEqual([200, '', '0']);
      expect(faulty.headers['content-type']).toBe(sound.headers['content-type']);
    });
  });

  it('wrong-type has the right body under a type that it is not', async () => {
    await eachRoute('wrong-type', (sound, faulty) => {
      expect([faulty.text, faulty.headers['content-type']]).toEqual([sound.text, 'image/png']);
    });
  });

  it('bom and crlf change the bytes around the rows only', async () => {
    await eachRoute('bom', (sound, faulty) => {
      expect(faulty.body).toEqual(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), sound.body]));
    });
    await eachRoute('crlf', (sound, faulty) => {
      expect(faulty.text.trimEnd().split('\r\n')).toEqual(sound.text.trimEnd().split('\n'));
      expect(faulty.text.endsWith('\r\n')).toBe(true);
    });
  });

  it('extra-column adds what nobody knows and leaves the rest', async () => {
    await using providers = await setup({ static: true });
    const before = await providers.get(providers.firmsPath());
    const alerts = await providers.get('/alerts/active');
    providers.setFaults({ all: { chance: { 'extra-column': 1 } } });
    const after = await providers.get(providers.firmsPath());
    const cut = (line: string) => line.slice(0, line.lastIndexOf(','));
    expect(after.text.trimEnd().split('\n').map(cut)).toEqual(before.text.trimEnd().split('\n'));
    const more = await providers.get('/alerts/active');
    expect(more.text).toContain('somethingNew');
    expect(JSON.parse(more.text)).toMatchObject(JSON.parse(alerts.text));
    const sensors = JSON.parse((await providers.get('/v1/sensors?fields=name', headersOf(providers))).text);
    expect(sensors.fields).toEqual(['sensor_index', 'name', 'something_new']);
    expect(sensors.data[0]).toHaveLength(3);
  });
});

describe('what the ledger makes of a fault', () => {
  const outcome: Record<FaultName, 'due' | 'possible' | 'none'> = {
    none: 'due',
    '429': 'none',
    '429-date': 'none',
    '500': 'none',
    '503': 'none',
    'slow-headers': 'due',
    'slow-body': 'due',
    'cut-length': 'possible',
    'cut-chunked': 'possible',
    malformed: 'due',
    html: 'none',
    empty: 'none',
    'wrong-type': 'possible',
    bom: 'due',
    crlf: 'due',
    'extra-column': 'due',
    quoted: 'due',
    duplicate: 'due',
    huge: 'possible',
  };

  it.each(faultNames.map((fault) => ({ fault, rows: outcome[fault] })))(
    'rows of $fault are $rows',
    async ({ fault, rows }) => {
      await using providers = await setup({
        firms: { backlog: 300 },
        faults: { firms: { next: [fault], slowMs: 20 } },
      });
      await providers.get(providers.firmsPath());
      const { ledger } = providers;
      const good = 300 - ledger.malformed().length;
      expect(ledger.served()).toHaveLength(rows === 'due' ? good : 0);
      expect(ledger.offered()).toHaveLength(rows === 'possible' ? good : 0);
      expect(ledger.malformed().length > 0).toBe(fault === 'malformed');
    },
  );

  it('an offered row becomes a served one when a later answer is whole', async () => {
    await using providers = await setup({ static: true, faults: { firms: { next: ['cut-length'] } } });
    await providers.get(providers.firmsPath());
    providers.clock += 5000;
    await providers.get(providers.firmsPath());
    expect(providers.ledger.offered()).toEqual([]);
    expect(providers.ledger.served()).toHaveLength(200);
    expect(providers.ledger.served()[0]).toMatchObject({ timesServed: 1, firstServedAt: startAt + 5000 });
  });
});

describe('malformed rows', () => {
  it('are the same rows in the same way in every answer, noted once each', async () => {
    await using providers = await setup({ static: true, faults: { firms: { malformedShare: 0.2 } } });
    const first = await providers.get(providers.firmsPath());
    const second = await providers.get(providers.firmsPath());
    expect(second.text).toBe(first.text);
    const broken = providers.ledger.malformed();
    const lines = first.text.trimEnd().split('\n');
    expect(broken.length).toBeGreaterThan(20);
    expect(broken.length).toBeLessThan(70);
    expect(providers.ledger.served()).toHaveLength(200 - broken.length);
    expect(broken.every((row) => row.timesServed === 2 && lines.includes(row.raw))).toBe(true);
    expect(new Set(broken.map((row) => row.reason))).toEqual(new Set(malformedKinds));
  });

  it.each([
    { kind: 'missing-column', isBroken: (row: string[]) => row.length < 14 },
    { kind: 'surplus-column', isBroken: (row: string[]) => row.length > 14 },
    { kind: 'not-a-number', isBroken: (row: string[]) => row[0] === 'abc' },
    { kind: 'nan', isBroken: (row: string[]) => row[1] === 'NaN' },
    { kind: 'latitude-out-of-range', isBroken: (row: string[]) => Number(row[0]) > 90 },
    { kind: 'unparsable-date', isBroken: (row: string[]) => Number.isNaN(Date.parse(row[5]!)) },
  ] as const)('of FIRMS can be $kind', async ({ kind, isBroken }) => {
    await using providers = await setup({ faults: { firms: { malformedShare: 0.3, malformedKinds: [kind] } } });
    const lines = (await providers.get(providers.firmsPath())).text.trimEnd().split('\n').slice(1);
    const broken = lines.filter((line) => isBroken(line.split(',')));
    expect(broken).toEqual(providers.ledger.malformed().map((row) => row.raw));
    expect(broken.length).toBeGreaterThan(10);
  });

  it.each(['observations', 'alerts', 'purpleair'] as const)('of %s stand in the answer as noted', async (route) => {
    await using providers = await setup({ purpleair: { count: 5 }, faults: { [route]: { malformedShare: 1 } } });
    const { path } = routes(providers).find((known) => known.route === route)!;
    const reply = await providers.get(path, headersOf(providers));
    expect(() => JSON.parse(reply.text)).not.toThrow();
    const broken = providers.ledger.malformed();
    expect(broken).toHaveLength(route === 'observations' ? 1 : 5);
    const squeezed = (text: string) => text.replaceAll(/\s/g, '');
    for (const { raw } of broken) expect(squeezed(reply.text)).toContain(squeezed(raw));
    expect(providers.ledger.served()).toEqual([]);
  });

  it('leave their neighbours as they are', async () => {
    await using providers = await setup({ static: true });
    const sound = (await providers.get(providers.firmsPath())).text.split('\n');
    providers.setFaults({ all: { next: ['malformed'] } });
    const faulty = (await providers.get(providers.firmsPath())).text.split('\n');
    const broken = new Set(providers.ledger.malformed().map((row) => row.raw));
    expect(faulty).toHaveLength(sound.length);
    for (const [at, line] of faulty.entries()) expect(broken.has(line) || line === sound[at]).toBe(true);
  });
});

describe('choosing faults', () => {
  const names = (count: number, seed: number) => {
    const faults = createFaults(seed);
    faults.set({ firms: { chance: { '500': 0.3 } } });
    return Array.from({ length: count }, () => faults.next('firms').name);
  };

  it('follows the script first, then the probabilities', () => {
    const faults = createFaults(1);
    faults.set({ firms: { next: ['500', 'none', '429'], chance: { html: 1 } } });
    expect(Array.from({ length: 5 }, () => faults.next('firms').name)).toEqual(['500', 'none', '429', 'html', 'html']);
    expect(faults.next('alerts').name).toBe('none');
  });

  it('is the same for the same seed, at about the probability asked for', () => {
    const drawn = names(2000, 1);
    expect(names(2000, 1)).toEqual(drawn);
    expect(names(2000, 2)).not.toEqual(drawn);
    const share = drawn.filter((name) => name === '500').length / 2000;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.35);
  });

  it('uses the settings of `all` for routes without their own, and forgets a script when set anew', () => {
    const faults = createFaults(1);
    faults.set({ all: { next: ['500', '500'] }, alerts: {} });
    expect([faults.next('firms').name, faults.next('alerts').name]).toEqual(['500', 'none']);
    faults.set({});
    expect(faults.next('stations').name).toBe('none');
  });

  it.each([
    { settings: { fims: {} }, says: /no such route: fims/ },
    { settings: { firms: { next: ['501'] } }, says: /no such fault for firms: 501/ },
    { settings: { firms: { chance: { '500': 0.7, '429': 0.7 } } }, says: /between 0 and 1/ },
    { settings: { firms: { malformedShare: -1 } }, says: /between 0 and 1/ },
  ])('refuses settings that make no sense: $settings', ({ settings, says }) => {
    expect(() => createFaults(1).set(settings as object)).toThrow(says);
  });
});
