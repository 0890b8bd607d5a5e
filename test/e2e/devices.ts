// What a test publishes over MQTT as its own devices: the five payload shapes, rows that are no readings, and messages sent
// twice; with what each must be in Kafka.
import type { ExpectedRecord } from '@stream-manager/testkit/accounting/expected-record';
import { deviceKey } from '@stream-manager/testkit/accounting/natural-key';

/** One message, as it goes to the broker. */
interface DeviceMessage {
  readonly topic: string;
  readonly payload: string;
}

/** Messages, and what must come of them. */
interface DeviceTraffic {
  readonly messages: readonly DeviceMessage[];
  readonly expected: readonly ExpectedRecord[];
  /** Payloads that are no readings: each is one dead letter. */
  readonly malformed: readonly string[];
}

/** What the source of the devices subscribes to. */
export const deviceTopics = ['sensors/+/temperature', 'sensors/+/humidity', 'sensors/+/station'];

const devices = 20;
/** The last three have a time. */
const shapes = ['bare', 'unit', 'value', 'named', 'nested'] as const;

/**
 * Messages `first` … `first + count - 1`, of each shape in turn; every 50th comes twice, and with every 40th comes one that is
 * no reading. `isTimed`: only shapes that have a time, whose readings are known when they come again from a broker.
 */
export const deviceTraffic = (
  first: number,
  count: number,
  sentAtMs: number,
  { isTimed = false }: { readonly isTimed?: boolean } = {},
): DeviceTraffic => {
  const messages: DeviceMessage[] = [];
  const expected: ExpectedRecord[] = [];
  const malformed: string[] = [];
  for (let serial = first; serial < first + count; serial += 1) {
    const [message, record] = reading(serial, sentAtMs, isTimed);
    messages.push(message);
    expected.push(record);
    // Without a time of its own an equal message is another reading.
    if (serial % 50 === 2) messages.push(message);
    if (serial % 40 !== 7) continue;
    const payload =
      serial % 80 === 7
        ? `out of order ${serial}`
        : JSON.stringify({ timestamp: new Date(sentAtMs).toISOString(), value: `NaN ${serial}` });
    messages.push({ topic: `sensors/d${serial % devices}/temperature`, payload });
    malformed.push(payload);
  }
  return { messages, expected, malformed };
};

const reading = (serial: number, sentAtMs: number, isTimed: boolean): readonly [DeviceMessage, ExpectedRecord] => {
  const deviceId = `d${serial % devices}`;
  // Whole seconds back from now: every reading of a device and topic has an instant of its own.
  const observedAtMs = Math.floor(sentAtMs / 1000) * 1000 - serial * 1000;
  const timestamp = new Date(observedAtMs).toISOString();
  const shape = (isTimed ? shapes[2 + (serial % 3)] : shapes[serial % shapes.length]) ?? 'value';
  const celsius = (serial % 400) / 10 - 10;
  const [type, payload, measured] = ((): readonly [string, string, Readonly<Record<string, unknown>>] => {
    switch (shape) {
      case 'bare':
        return ['humidity', String(serial / 1000), { relativeHumidityPercent: serial / 1000 }];
      case 'unit':
        return ['humidity', `${serial / 1000} %`, { relativeHumidityPercent: serial / 1000 }];
      case 'value':
        return [
          'temperature',
          JSON.stringify({ timestamp, value: celsius, unit: 'C', serial }),
          { temperatureC: celsius, serial },
        ];
      case 'named':
        return [
          'station',
          JSON.stringify({ timestamp: observedAtMs / 1000, temperature: celsius, wind_speed_mph: 10, serial }),
          { temperatureC: celsius, windSpeedMps: 4.4704, serial },
        ];
      case 'nested':
        return [
          'station',
          JSON.stringify({
            timestamp,
            serial,
            measurements: { temperature: { value: 50, unit: 'F' }, pressure: { value: 1013, unit: 'hPa' } },
            location: { latitude: 38.5, longitude: -120.25 },
          }),
          { temperatureC: 10, pressurePa: 101_300, serial },
        ];
    }
  })();
  const topic = `sensors/${deviceId}/${type}`;
  const isTimeless = shape === 'bare' || shape === 'unit';
  return [
    { topic, payload },
    {
      kind: 'device',
      naturalKey: deviceKey(topic, isTimeless ? serial / 1000 : serial),
      type: 'sensor-reading',
      observedAt: timestamp,
      isTimeless,
      ...(shape === 'nested' ? { location: { latitude: 38.5, longitude: -120.25 } } : {}),
      data: { deviceId, sensorType: type, topic, ...measured },
      kafkaKey: deviceId,
      eventTimeMs: observedAtMs,
      firstServedAt: sentAtMs,
      lastServedAt: sentAtMs,
      timesServed: 1,
    },
  ];
};
