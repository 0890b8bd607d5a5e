// The generated parts of docs/reliability.md: one table per Kafka client, between marks; the words around them are ours.

const begin = (client: string): string => `<!-- drills ${client}: written by npm run drills -- --write -->`;
const end = '<!-- end of drills -->';

/** The page with the client's table replaced. Throws when the page has no marks for it. Pure. */
export const writeSection = (page: string, client: string, table: string): string => {
  const from = page.indexOf(begin(client));
  const to = page.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`docs/reliability.md has no marks for ${client}`);
  return `${page.slice(0, from + begin(client).length)}\n${table}${page.slice(to)}`;
};
