// The reader of a source's messages, as its params say; and its connector, which parses the rows of dead letters again.

import { createMapper } from '../../mapping/mapper.ts';
import type { SourceFactory } from '../../sources/source.ts';
import { unsupported } from '../../sources/unsupported.ts';
import { comesByItself } from '../comes-by-itself.ts';
import type { MqttSource } from './mqtt-session.ts';
import { createMessageReader, type MessageReader } from './read-message.ts';
import { createTopicReader } from './topics.ts';

/** Makes the reader of a source. With `fields` the mapping decides what stands in a JSON payload. */
export const messageReaderOf = ({ params }: MqttSource): MessageReader =>
  createMessageReader({
    readTopic: createTopicReader({ layouts: params.layouts, filters: params.topics }),
    maxBytes: params.maxMessageBytes,
    ...(params.fields === undefined
      ? {}
      : {
          mapping: {
            map: createMapper({ ...params, recordType: 'sensor-reading' }),
            hasId: params.id !== undefined,
            hasTime: params.time !== undefined,
          },
        }),
  });

/** The connector of type mqtt. */
export const createMqtt: SourceFactory = (source) => {
  if (source.type !== 'mqtt') throw unsupported(source, 'mqtt');
  const reader = messageReaderOf(source);
  return { poll: comesByItself(source), parseRow: (row) => reader.reread(row) };
};
