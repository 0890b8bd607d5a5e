// How many there are of each kind, for what a look at a source says in the terminal.

/** Counts by name, in the order in which the names come first. Pure. */
export const countBy = <Thing>(
  things: readonly Thing[],
  nameOf: (thing: Thing) => string,
): readonly (readonly [name: string, count: number])[] => {
  const counts = new Map<string, number>();
  for (const thing of things) {
    const name = nameOf(thing);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts];
};

/** The same as text: `normal 11, high 1`. Pure. */
export const countWords = <Thing>(things: readonly Thing[], nameOf: (thing: Thing) => string): string =>
  countBy(things, nameOf)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
