// Which partition a key belongs to: murmur2 as in Kafka's Java client, so that a key lies in the same partition whoever
// wrote it (Java, kafkajs' DefaultPartitioner, librdkafka's murmur2_random).

const seed = 0x9747b28c;
const mix = 0x5bd1e995;

/** Kafka's 32-bit murmur2 of `bytes`, signed. */
export const murmur2 = (bytes: Buffer): number => {
  const { length } = bytes;
  let hash = seed ^ length;
  let at = 0;
  for (const last = length - 3; at < last; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), mix);
    word = Math.imul(word ^ (word >>> 24), mix);
    hash = Math.imul(hash, mix) ^ word;
  }
  if (at < length) {
    for (let shift = 0; at < length; at++, shift += 8) hash ^= (bytes[at] ?? 0) << shift;
    hash = Math.imul(hash, mix);
  }
  hash = Math.imul(hash ^ (hash >>> 13), mix);
  return hash ^ (hash >>> 15);
};

/** The partition of a key in a topic of `partitions` partitions (at least 1). */
export const partitionOfKey = (key: Buffer, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions;
