// One Metadata request over a socket, by hand: the smallest question whose answer shows that a Kafka node serves. The
// client library is not used for it, since it prints a warning about timers under Node 24 whenever it connects.
// Wire format: kafka.apache.org/protocol, Metadata version 2 (the first with the cluster id; every Kafka since 0.10.1 has it).
import { connect } from 'node:net';

export interface ClusterAnswer {
  readonly clusterId: string | null;
  /** Ids of the brokers that serve. */
  readonly brokerIds: readonly number[];
}

const metadataKey = 3;
const metadataVersion = 2;
const clientId = 'stream-manager-stack';
/** An answer without topics has some hundred bytes; more is not Kafka. */
const answerBytesMax = 65_536;

/** Asks the node at `host:port`. Throws when it refuses, closes, answers something else, or not within `timeoutMs`. */
export const fetchClusterMetadata = async (broker: string, timeoutMs = 2_000): Promise<ClusterAnswer> => {
  const colon = broker.lastIndexOf(':');
  const socket = connect({ host: broker.slice(0, colon), port: Number(broker.slice(colon + 1)) });
  try {
    return decodeAnswer(
      await new Promise<Buffer>((resolve, reject) => {
        let received = Buffer.alloc(0);
        socket.setTimeout(timeoutMs, () => reject(new Error(`no answer from ${broker} within ${timeoutMs} ms`)));
        socket.on('error', reject);
        socket.on('close', () => reject(new Error(`${broker} closed the connection without an answer`)));
        socket.on('connect', () => socket.write(encodeRequest()));
        socket.on('data', (bytes: Buffer) => {
          received = Buffer.concat([received, bytes]);
          if (received.length < 4) return;
          const length = received.readInt32BE(0);
          if (length < 0 || length > answerBytesMax) reject(new Error(`${broker} does not speak Kafka`));
          else if (received.length >= length + 4) resolve(received.subarray(4, length + 4));
        });
      }),
    );
  } finally {
    socket.destroy();
  }
};

const encodeRequest = (): Buffer => {
  const header = Buffer.alloc(10);
  header.writeInt16BE(metadataKey, 0);
  header.writeInt16BE(metadataVersion, 2);
  header.writeInt16BE(clientId.length, 8);
  const noTopics = Buffer.alloc(4); // an empty list; null would mean all
  const size = Buffer.alloc(4);
  size.writeInt32BE(header.length + clientId.length + noTopics.length);
  return Buffer.concat([size, header, Buffer.from(clientId), noTopics]);
};

const decodeAnswer = (answer: Buffer): ClusterAnswer => {
  let at = 4; // past the correlation id
  const int32 = (): number => {
    at += 4;
    return answer.readInt32BE(at - 4);
  };
  const string = (): string | null => {
    const length = answer.readInt16BE(at);
    at += 2 + Math.max(length, 0);
    return length < 0 ? null : answer.toString('utf8', at - length, at);
  };
  const brokerIds = Array.from({ length: int32() }, () => {
    const id = int32();
    string(); // host
    int32(); // port
    string(); // rack
    return id;
  });
  return { clusterId: string(), brokerIds };
};
