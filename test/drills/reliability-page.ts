// The generated parts of docs/reliability.md: one table per Kafka client, between marks; the words around them are ours.
// A drill that was not run keeps the row it had, so that single drills can be repeated.

const begin = (client: string): string => `<!-- drills ${client}: written by npm run drills -- --write -->`;
const end = '<!-- end of drills -->';

/** A row, by the name of its drill. */
const rowPattern = /^\| `([^`]+)` \|.*$/gm;

const rowsOf = (text: string): Map<string, string> =>
  new Map([...text.matchAll(rowPattern)].map(([row, name = '']) => [name, row]));

/**
 * The page with the rows of `table` in the client's section, in the order of `names`; rows of other names go. Throws when
 * the page has no marks for the client. Pure.
 */
export const writeSection = (page: string, client: string, table: string, names: readonly string[]): string => {
  const from = page.indexOf(begin(client));
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`docs/reliability.md has no marks for ${client}`);
  const rows = new Map([...rowsOf(page.slice(from, to)), ...rowsOf(table)]);
  const head = table.slice(0, table.search(rowPattern));
  const ordered = names.flatMap((name) => rows.get(name) ?? []);
  return `${page.slice(0, from + begin(client).length)}\n${head}${ordered.join('\n')}\n${page.slice(to)}`;
};
