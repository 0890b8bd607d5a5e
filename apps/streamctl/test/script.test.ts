// `./streamctl`, the tool without npm.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '@stream-manager/shared/ops/data-directory';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

describe('./streamctl', () => {
  it('prints nothing but the answer, from any directory and through a symbolic link', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'script-'));
    try {
      await symlink(join(projectRoot, 'streamctl'), join(directory, 'sc'));
      const { stdout, stderr } = await run('./sc', ['sources', 'init', 'metar'], { cwd: directory });
      expect(stdout).toMatch(/^# Weather reports of airports/);
      expect(stderr).toBe('');
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('gives the exit code of the tool', async () => {
    await expect(run(join(projectRoot, 'streamctl'), ['statsu'])).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('did you mean status?'),
    });
  });
});
