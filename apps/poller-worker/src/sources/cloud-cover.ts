// How much of the sky is covered, by the words of weather reports for a layer of clouds.

/** Share of the sky in per cent; VV is vertical visibility: the sky cannot be seen. */
export const layerCover: ReadonlyMap<unknown, number> = new Map([
  ['SKC', 0],
  ['CLR', 0],
  ['FEW', 25],
  ['SCT', 50],
  ['BKN', 75],
  ['OVC', 100],
  ['VV', 100],
]);

/** Of the densest layer; null without layers, and where none is told in a word of the table. */
export const densestCover = (words: readonly unknown[], table = layerCover): number | null => {
  const known = words.map((word) => table.get(word)).filter((percent) => percent !== undefined);
  return known.length === 0 ? null : Math.max(...known);
};
