// Writes what is generated: from the config schema docs/configuration.md and config/stream.schema.json, from the simulated
// fleet the picture docs/backpressure.svg.
// `node scripts/generate-docs.ts` writes them; with --check it writes nothing and ends with 1 when they are stale.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from '../packages/shared/src/config/reference/generated-files.ts';
import { generatedPictures } from '../packages/testkit/src/fleet-simulation/story-picture.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The generated files, below the repository's root, whose text differs from what would be written now. */
export async function staleFiles(): Promise<readonly { name: string; text: string }[]> {
  const stale: { name: string; text: string }[] = [];
  for (const [name, text] of Object.entries({ ...generatedFiles(), ...generatedPictures() }))
    if ((await currentText(name)) !== text) stale.push({ name, text });
  return stale;
}

const currentText = async (name: string): Promise<string | undefined> => {
  try {
    return await readFile(join(root, name), 'utf8');
  } catch {
    // Not written yet: stale like any other difference.
    return undefined;
  }
};

if (import.meta.main) {
  const isCheck = process.argv.includes('--check');
  for (const { name, text } of await staleFiles()) {
    if (!isCheck) await writeFile(join(root, name), text);
    process.stdout.write(isCheck ? `${name} is stale: run node scripts/generate-docs.ts\n` : `wrote ${name}\n`);
    if (isCheck) process.exitCode = 1;
  }
}
