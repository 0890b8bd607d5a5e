// CRC-32C (Castagnoli) as record batches carry it, eight bytes a step: 2 GB/s against 0.5 GB/s of kafkajs' look-up byte
// by byte (m). In an uncompressed batch that is a good part of what a record costs.

const polynomial = 0x82f63b78;

/** Eight tables of 256: table k holds the checksum of a byte that is followed by k zero bytes. */
const tables = ((): Int32Array => {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ polynomial;
    made[byte] = crc;
  }
  for (let at = 256; at < made.length; at++) {
    const shorter = made[at - 256] ?? 0;
    made[at] = (shorter >>> 8) ^ (made[shorter & 255] ?? 0);
  }
  return made;
})();

/** The checksum of `bytes` as an unsigned 32-bit number. */
export const crc32c = (bytes: Buffer): number => {
  let crc = -1;
  let at = 0;
  // `?? 0` satisfies the compiler only: every index lies inside its array, and V8 drops the test.
  for (const last = bytes.length - 7; at < last; at += 8) {
    crc ^= bytes.readInt32LE(at);
    crc =
      (tables[1792 + (crc & 255)] ?? 0) ^
      (tables[1536 + ((crc >>> 8) & 255)] ?? 0) ^
      (tables[1280 + ((crc >>> 16) & 255)] ?? 0) ^
      (tables[1024 + (crc >>> 24)] ?? 0) ^
      (tables[768 + (bytes[at + 4] ?? 0)] ?? 0) ^
      (tables[512 + (bytes[at + 5] ?? 0)] ?? 0) ^
      (tables[256 + (bytes[at + 6] ?? 0)] ?? 0) ^
      (tables[bytes[at + 7] ?? 0] ?? 0);
  }
  for (; at < bytes.length; at++) crc = (tables[(crc ^ (bytes[at] ?? 0)) & 255] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
};
