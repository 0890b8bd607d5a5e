// The weather alerts of the simulated world. Alerts come in chains: an Alert, perhaps Updates, perhaps a Cancel; each
// message has an id of its own, refers to all before it, and takes the place of the one before it in the active list.
import { alertKey } from '../accounting/natural-key.ts';
import { hexOf, type Random, randomOf, type Seed, seedOf } from './random.ts';

export interface AlertOptions {
  /** Chains that are active at the start. Default 5. */
  readonly backlog?: number;
  /** New chains per minute. Default 6. */
  readonly perMinute?: number;
  /** How long a message stays active unless the next of its chain replaces it. Default 120. */
  readonly lifetimeSeconds?: number;
}

/** GeoJSON polygon, [longitude, latitude]. */
export interface AlertArea {
  readonly type: 'Polygon';
  readonly coordinates: readonly (readonly (readonly [number, number])[])[];
}

/** One alert message: the truth that the GeoJSON answer and the expected record are both made of. */
export interface WeatherAlert {
  readonly kind: 'alert';
  readonly naturalKey: string;
  readonly alertId: string;
  /** Earlier messages of the chain, the first one first. */
  readonly earlier: readonly { readonly alertId: string; readonly sentAtMs: number }[];
  readonly messageType: 'Alert' | 'Update' | 'Cancel';
  readonly sentAtMs: number;
  readonly effectiveMs: number;
  readonly onsetMs: number | null;
  readonly expiresMs: number;
  readonly endsMs: number | null;
  readonly event: string;
  readonly severity: string;
  readonly certainty: string;
  readonly urgency: string;
  readonly areaDescription: string;
  readonly zone: string;
  readonly office: string;
  readonly headline: string | null;
  readonly description: string;
  readonly instruction: string | null;
  readonly geometry: AlertArea | null;
}

export interface WeatherAlerts {
  /** The messages that are active at this time, oldest chain first. */
  active(atMs: number): readonly WeatherAlert[];
}

const events = [
  { event: 'Red Flag Warning', severities: ['Severe', 'Extreme'] },
  { event: 'Fire Weather Watch', severities: ['Moderate', 'Severe'] },
  { event: 'Extreme Fire Danger', severities: ['Extreme'] },
  { event: 'Wind Advisory', severities: ['Minor', 'Moderate'] },
  { event: 'High Wind Warning', severities: ['Severe'] },
  { event: 'Special Weather Statement', severities: ['Moderate', 'Unknown'] },
] as const;
const areas = [
  ['Santa Clarita Valley', 'CAZ088', 'NWS Los Angeles/Oxnard CA'],
  ['Northern Sierra Foothills', 'CAZ067', 'NWS Sacramento CA'],
  ['East Bay Hills; North Bay Interior Mountains', 'CAZ512', 'NWS San Francisco CA'],
  ['San Diego County Mountains', 'CAZ258', 'NWS San Diego CA'],
] as const;

const polygonOf = (random: Random): AlertArea => {
  const west = -random.int(115_000, 124_000) / 1000;
  const south = random.int(32_600, 41_500) / 1000;
  const east = Number((west + 0.4).toFixed(3));
  const north = Number((south + 0.3).toFixed(3));
  // A closed ring, counter-clockwise, as RFC 7946 wants it.
  return {
    type: 'Polygon',
    coordinates: [
      [
        [west, south],
        [east, south],
        [east, north],
        [west, north],
        [west, south],
      ],
    ],
  };
};

const typesOf = (random: Random): readonly WeatherAlert['messageType'][] => {
  const drawn = random.next();
  if (drawn < 0.5) return ['Alert'];
  if (drawn < 0.7) return ['Alert', 'Update'];
  if (drawn < 0.8) return ['Alert', 'Update', 'Update'];
  return drawn < 0.9 ? ['Alert', 'Cancel'] : ['Alert', 'Update', 'Cancel'];
};

const chainOf = (seed: Seed, serial: number, beginsMs: number, lifetimeMs: number): readonly WeatherAlert[] => {
  const random = randomOf(seed, serial);
  const { event, severities } = random.pick(events);
  const [areaDescription, zone, office] = random.pick(areas);
  const common = {
    event,
    severity: random.pick<string>(severities),
    certainty: random.pick(['Observed', 'Likely', 'Possible']),
    urgency: random.pick(['Immediate', 'Expected', 'Future']),
    areaDescription,
    zone,
    office,
    geometry: random.chance(0.5) ? polygonOf(random) : null,
  };
  const hex = hexOf(seed, serial, 40);
  const messages: WeatherAlert[] = [];
  let sentAtMs = beginsMs;
  for (const [at, messageType] of typesOf(random).entries()) {
    const alertId = `urn:oid:2.49.0.1.840.0.${hex}.${String(at + 1).padStart(3, '0')}.1`;
    const cancelled = messageType === 'Cancel';
    messages.push({
      kind: 'alert',
      naturalKey: alertKey(alertId),
      alertId,
      earlier: messages.map((message) => ({ alertId: message.alertId, sentAtMs: message.sentAtMs })),
      messageType,
      sentAtMs,
      effectiveMs: sentAtMs,
      onsetMs: random.chance(0.8) ? sentAtMs + random.int(0, 6) * 3_600_000 : null,
      expiresMs: sentAtMs + 6 * 3_600_000,
      endsMs: random.chance(0.7) ? sentAtMs + 12 * 3_600_000 : null,
      ...common,
      headline: random.chance(0.9) ? `${event} issued by ${office}` : null,
      description: `* WHAT...${event} ${cancelled ? 'is cancelled' : 'in effect'}, "message ${at + 1}".\n\n* WHERE...${areaDescription}.`,
      instruction:
        cancelled || random.chance(0.3) ? null : 'A Red Flag Warning means that critical fire weather is near.',
    });
    sentAtMs += Math.max(1, Math.floor((lifetimeMs / 1000) * (0.3 + random.next() * 0.4))) * 1000;
  }
  return messages;
};

/** The alerts of one world. Chains whose last message has gone are forgotten. */
export const createWeatherAlerts = (seed: number, startAt: number, options: AlertOptions = {}): WeatherAlerts => {
  const { backlog = 5, perMinute = 6, lifetimeSeconds = 120 } = options;
  const worldSeed = seedOf('alerts', seed, startAt);
  const baseMs = Math.floor(startAt / 1000) * 1000;
  const lifetimeMs = lifetimeSeconds * 1000;
  const longestChainMs = 3 * lifetimeMs;
  const chains = new Map<number, readonly WeatherAlert[]>();

  const chain = (serial: number): readonly WeatherAlert[] => {
    const known = chains.get(serial);
    if (known) return known;
    const late = serial - backlog;
    const beginsMs = late < 0 ? baseMs : baseMs + Math.ceil(((late + 1) * 60) / perMinute) * 1000;
    const made = chainOf(worldSeed, serial, beginsMs, lifetimeMs);
    chains.set(serial, made);
    return made;
  };
  const begunBy = (atMs: number): number => Math.max(0, Math.floor(((atMs - baseMs) * perMinute) / 60_000));

  return {
    active: (atMs) => {
      const begun = backlog + begunBy(atMs);
      const oldestMs = atMs - longestChainMs;
      const first = oldestMs < baseMs ? 0 : backlog + Math.max(0, begunBy(oldestMs) - 1);
      for (const serial of chains.keys()) if (serial < first) chains.delete(serial);
      const active: WeatherAlert[] = [];
      for (let serial = first; serial < begun; serial += 1) {
        const sent = chain(serial).filter((message) => message.sentAtMs <= atMs);
        const newest = sent.at(-1);
        if (newest && atMs < newest.sentAtMs + lifetimeMs) active.push(newest);
      }
      return active;
    },
  };
};
