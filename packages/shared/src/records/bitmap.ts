// A bitmap over the records of a chunk, in Redis' order (bit 0 is the highest bit of byte 0, as SETBIT counts).

/** A bitmap of `count` zeros. */
export const emptyBitmap = (count: number): Buffer => Buffer.alloc(Math.ceil(count / 8));

/** Sets one bit, in place. */
export const setBit = (bitmap: Buffer, index: number): void => {
  const byte = index >> 3;
  bitmap[byte] = (bitmap[byte] ?? 0) | (0x80 >> (index & 7));
};

/** Whether a bit is set; bits beyond the end are not. */
export const hasBit = (bitmap: Buffer | null, index: number): boolean =>
  bitmap !== null && ((bitmap[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
