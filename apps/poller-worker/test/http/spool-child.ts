// A process of its own that keeps an answer of 2 MB on a disk which may be full: `spool-child.ts <directory>`. Prints what
// came of it as JSON.
import { readdir } from 'node:fs/promises';
import { codeOf, messageOf } from '@stream-manager/shared/failures/errors';
import { keepWhole } from '../../src/http/whole-answer.ts';

const [directory = ''] = process.argv.slice(2);

async function* body(): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < 2_000_000; sent += 1000) yield Buffer.alloc(1000, sent);
}

let code: string | null = null;
let message = '';
try {
  await (await keepWhole(body(), { aboveBytes: 100_000, directory })).close();
} catch (error) {
  code = codeOf(error);
  message = messageOf(error);
}
console.log(JSON.stringify({ code, message, left: await readdir(directory) }));
