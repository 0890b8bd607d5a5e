// Installs the workspace when it is not installed yet, or when what it is installed from has changed.
// Plain JavaScript without dependencies: it runs under whatever Node (20 or later) the machine has,
// before anything is installed. After success it does nothing in well under a second.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules', '.stream-manager-setup');
const quiet = process.argv.includes('--quiet');
const say = (line) => {
  if (!quiet) process.stderr.write(`setup: ${line}\n`);
};

const manifests = () => {
  const found = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'];
  for (const group of ['apps', 'packages'])
    for (const name of readdirSync(join(root, group))) found.push(join(group, name, 'package.json'));
  for (const name of ['demo', 'bench', 'test']) found.push(join(name, 'package.json'));
  return found.filter((file) => existsSync(join(root, file))).sort();
};

const fingerprint = () => {
  const hash = createHash('sha256');
  for (const file of manifests()) hash.update(file).update(readFileSync(join(root, file)));
  return hash.update(`${process.platform}-${process.arch}`).digest('hex');
};

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  process.stderr.write(
    `setup: Node ${process.versions.node} is too old. Node 20 or later is needed (Node 24 is then installed beside it by itself).\n`,
  );
  process.exit(2);
}
const wanted = fingerprint();
if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) process.exit(0);

say('installing dependencies (first run: about half a minute) …');
const started = Date.now();
const install = spawnSync('npx', ['--yes', 'pnpm@12', 'install', '--frozen-lockfile', '--reporter=append-only'], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'pipe'],
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
if (install.status !== 0) {
  process.stderr.write(`${install.stdout ?? ''}${install.stderr ?? ''}`);
  process.stderr.write(
    `setup: the installation failed (${install.error ? install.error.message : `exit code ${install.status}`}). ` +
      'It needs the npm registry: check the network and the lines above, then run the same command again.\n',
  );
  process.exit(1);
}
mkdirSync(dirname(stampFile), { recursive: true });
writeFileSync(stampFile, wanted);
say(`installed in ${((Date.now() - started) / 1000).toFixed(0)} s`);
