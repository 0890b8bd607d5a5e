// Makes records of one message. The five shapes that devices send: a number, a number with its unit, an object with
// `value`, an object with named measurements, and one with measurements and place in inner objects; an array is as many
// readings. What is no record is an invalid row; it never keeps others waiting. Nothing that a device sends makes the reader
// throw: the broker would deliver the message again, to one worker after the other.
import { messageOf } from '@stream-manager/shared/failures/errors';
import type { InvalidRow, SourceRecord } from '@stream-manager/shared/records/envelope';
import type { Mapper } from '../../mapping/mapper.ts';
import { invalidRow, type RowFault, rowFault } from '../../sources/invalid-row.ts';
import { asObject } from '../../sources/json-fields.ts';
import { keptJson } from '../../sources/kept-json.ts';
import { type ParsedRows, parsedRows } from '../../sources/parsed-rows.ts';
import type { KeptRow } from '../../sources/source.ts';
import { createNaming } from './measurement-names.ts';
import { type MessageContent, readContent, readText } from './message-content.ts';
import type { TopicFacts } from './topics.ts';

/** A message, and what it is known by where its payload has no time. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** When it was received first, in milliseconds since the epoch. */
  readonly receivedAtMs: number;
  /** Tells it from others that are received in the same millisecond, and stays the same when it is delivered again. */
  readonly mark: string;
}

/** What a message holds. */
export interface MessageRows extends ParsedRows {
  /** Some of its readings have no time of their own: what they are known by is the message's mark. */
  readonly isTimeless: boolean;
}

/** The operator's mapping of JSON payloads. */
export interface MessageMapping {
  readonly map: Mapper;
  readonly hasId: boolean;
  readonly hasTime: boolean;
}

/** Reads messages, and the rows of their dead letters again. Pure but for what it remembers of names. */
export interface MessageReader {
  read(message: MqttMessage): MessageRows;
  reread(row: KeptRow): SourceRecord | InvalidRow;
}

/** Readings of one message at most. */
const maxReadings = 10_000;

/** What a dead letter needs beside its row: `index` of the reading in an array. */
interface RowContext {
  readonly topic: string;
  readonly receivedAtMs: number;
  readonly mark: string;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Creates the reader. `maxBytes`: larger payloads are refused unread. */
export const createMessageReader = (options: {
  readonly readTopic: (topic: string) => TopicFacts;
  readonly maxBytes: number;
  /** Default: the usual shapes. */
  readonly mapping?: MessageMapping;
}): MessageReader => {
  const naming = createNaming();
  // A mapping has all digits of its ids, as for other types; a measurement is a number, however long.
  const parse = options.mapping === undefined ? parseJson : keptJson;

  const recordOf = (content: MessageContent, facts: TopicFacts, of: RowContext): SourceRecord => {
    const { timeMs, location, measurements } = content;
    const deviceId = content.deviceId ?? facts.deviceId;
    const at = timeMs ?? of.receivedAtMs;
    // What is measured belongs to it: a temperature and a humidity of one moment do not correct each other.
    const fields = Object.keys(measurements).sort().join();
    const key = `${deviceId}|${of.topic}|${new Date(at).toISOString()}|${fields}`;
    return {
      type: 'sensor-reading',
      // Without a time of its own, equal readings are told apart by how they were delivered.
      naturalKey: timeMs === null ? `${key}|${of.mark}` : key,
      observedAtMs: at,
      ...(location === null ? {} : { location }),
      data: { deviceId, sensorType: content.sensorType ?? facts.sensorType, topic: of.topic, ...measurements },
      partitionKey: deviceId,
    };
  };

  /** A reading as the operator maps it. Device and kind are the topic's, unless the mapping has fields of these names. */
  const mapped = (
    { map, hasId, hasTime }: MessageMapping,
    reading: unknown,
    facts: TopicFacts,
    of: RowContext,
  ): SourceRecord | InvalidRow => {
    const row = map(reading, of.receivedAtMs);
    if ('reason' in row) return row;
    const data: Readonly<Record<string, unknown>> = { ...facts, topic: of.topic, ...row.data };
    const deviceId = String(data['deviceId']);
    const kind = String(data['sensorType']);
    const time = `${new Date(row.observedAtMs).toISOString()}|${kind}${hasTime ? '' : `|${of.mark}`}`;
    return {
      ...row,
      naturalKey: `${deviceId}|${of.topic}|${hasId ? row.naturalKey : time}`,
      data,
      partitionKey: deviceId,
    };
  };

  /** `text`: as it was sent; null: it stood in an array. */
  const makeRow = (reading: unknown, text: string | null, of: RowContext): SourceRecord | RowFault | InvalidRow => {
    const facts = options.readTopic(of.topic);
    const topicType = typeInTopic(of.topic, facts);
    if (Array.isArray(reading)) return rowFault('wrong_shape', 'reading', 'an object, a number or a text', reading);
    const object = asObject(reading);
    if (options.mapping !== undefined && object !== null) return mapped(options.mapping, reading, facts, of);
    const content =
      object === null
        ? readText(typeof reading === 'string' ? reading : (text ?? String(reading)), topicType, naming)
        : readContent(object, topicType, naming);
    return 'reason' in content ? content : recordOf(content, facts, of);
  };

  const rowOf = (reading: unknown, text: string | null, of: RowContext): SourceRecord | InvalidRow => {
    let made: SourceRecord | RowFault | InvalidRow;
    try {
      made = makeRow(reading, text, of);
    } catch (error) {
      made = { reason: 'unreadable', message: `reading: ${messageOf(error)}` };
    }
    if (!('reason' in made)) return made;
    const context = JSON.stringify(of);
    const row =
      'raw' in made ? { ...made, raw: text ?? made.raw, context } : invalidRow(text ?? reading, made, context);
    // The same text of two devices is two rows.
    return { ...row, identity: `${of.topic}|${row.raw}` };
  };

  return {
    read: ({ topic, payload, receivedAtMs, mark }) => {
      const of = { topic, receivedAtMs, mark };
      const refuse = (fault: Parameters<typeof invalidRow>[1], raw: string): MessageRows => ({
        isTimeless: false,
        records: [],
        invalid: [{ ...invalidRow(raw, fault, JSON.stringify(of)), isIncomplete: true, identity: `${topic}|${raw}` }],
      });
      if (payload.length > options.maxBytes) {
        const size = `a message of at most ${options.maxBytes} bytes (params.maxMessageBytes)`;
        return refuse(rowFault('wrong_shape', 'message', size, payload.length), payload.toString('latin1', 0, 1_000));
      }
      const text = textOf(payload);
      if (text === null)
        return refuse(rowFault('unreadable', 'message', 'text in UTF-8', 'other bytes'), payload.toString('base64'));
      const parsed = parse(text);
      if (!Array.isArray(parsed)) return sorted([rowOf(parsed, text, of)], mark);
      if (parsed.length > maxReadings)
        return refuse(rowFault('wrong_shape', 'message', `at most ${maxReadings} readings`, parsed.length), text);
      if (parsed.length === 0) return refuse(rowFault('missing_value', 'message', 'a reading', parsed), text);
      return sorted(
        parsed.map((reading: unknown, index) => {
          return rowOf(reading, null, { ...of, mark: `${mark}.${index}` });
        }),
        mark,
      );
    },
    reread: ({ raw, context }) => {
      const of = readContext(context);
      if (of === null)
        return invalidRow(raw, rowFault('unreadable', 'context', 'topic and time of the message', context), context);
      return rowOf(parse(raw), raw, of);
    },
  };
};

/** A thermometer in the ground measures no air: `soil/probe-3/temperature` is a soil temperature. */
const typeInTopic = (topic: string, { sensorType }: TopicFacts): string => {
  const isSoil = /(?:^|\/)(?:soil|agriculture)(?:\/|$)/.test(topic);
  return isSoil && /^(?:temp|temperature)$/.test(sensorType) ? 'soil_temperature' : sensorType;
};

const textOf = (payload: Buffer): string | null => {
  try {
    return utf8.decode(payload);
  } catch {
    return null;
  }
};

/** Undefined for text that is no JSON: it may be a number with a unit. */
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const sorted = (rows: readonly (SourceRecord | InvalidRow)[], mark: string): MessageRows => {
  const { records, invalid } = parsedRows(rows, (row) => row);
  return { records, invalid, isTimeless: records.some(({ naturalKey }) => naturalKey.includes(`|${mark}`)) };
};

const readContext = (context: string): RowContext | null => {
  const of = asObject(keptJson(context));
  const [topic, receivedAtMs, mark] = [of?.['topic'], of?.['receivedAtMs'], of?.['mark']];
  return typeof topic === 'string' && typeof receivedAtMs === 'number' && typeof mark === 'string'
    ? { topic, receivedAtMs, mark }
    : null;
};
