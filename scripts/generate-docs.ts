// Writes what is generated from the config schema: docs/configuration.md and config/stream.schema.json.
// node scripts/generate-docs.ts writes them; with --check it writes nothing and fails when they are stale.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from '../packages/shared/src/config/reference/generated-files.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isCheck = process.argv.includes('--check');

const current = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8');
  } catch {
    // Not written yet: stale like any other difference.
    return '';
  }
};

for (const [name, text] of Object.entries(generatedFiles())) {
  const path = join(root, name);
  if ((await current(path)) === text) continue;
  if (isCheck) {
    process.stderr.write(`${name} is stale: run node scripts/generate-docs.ts\n`);
    process.exitCode = 1;
  } else {
    await writeFile(path, text);
    process.stdout.write(`wrote ${name}\n`);
  }
}
