// A real headless browser for tests of the dashboard: the Chromium that an npm package carries, or, where that does not
// run (macOS), one that CHROME_PATH names.
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as playwright } from 'playwright-core';

/** Starts the browser. */
export const openBrowser = async (): Promise<Browser> => {
  const executablePath = process.env.CHROME_PATH ?? (await chromium.executablePath());
  return playwright.launch({ executablePath, args: [...chromium.args, '--no-sandbox'], headless: true });
};
