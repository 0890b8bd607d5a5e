// Cuts what goes to one partition into batches that its topic takes. Pure.

/** Share of `max.message.bytes` that a batch of several records may fill, by an estimate that never falls short. */
const fillShare = 0.9;

/** Most bytes of one batch of several records, and of one request, whatever a topic allows: bounds what a send holds in memory. */
export const maxRequestBytes = 16 * 1024 * 1024;

/** How many bytes of records go into one batch of a topic that takes batches of `maxBatchBytes`. */
export const batchBytes = (maxBatchBytes: number): number =>
  Math.min(Math.floor(maxBatchBytes * fillShare), maxRequestBytes);

/**
 * Cuts a list into consecutive pieces, each within `limit` bytes or a single item. The pieces joined are the list.
 * `bytesOf` gives an item's size; `headBytes` is what every piece needs besides.
 */
export const splitByBytes = <Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  limit: number,
  headBytes: number,
): readonly (readonly Item[])[] => {
  const pieces: (readonly Item[])[] = [];
  let start = 0;
  let bytes = headBytes;
  for (const [at, item] of items.entries()) {
    const size = bytesOf(item);
    if (at > start && bytes + size > limit) {
      pieces.push(items.slice(start, at));
      start = at;
      bytes = headBytes;
    }
    bytes += size;
  }
  if (start < items.length) pieces.push(start === 0 ? items : items.slice(start));
  return pieces;
};

/** The two halves of a list of at least two items. */
export const bisect = <Item>(items: readonly Item[]): readonly [readonly Item[], readonly Item[]] => {
  const middle = items.length >> 1;
  return [items.slice(0, middle), items.slice(middle)];
};
