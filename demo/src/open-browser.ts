// Opens the dashboard in the user's browser, where there is one to open.
import { spawn } from 'node:child_process';

const opener = (): string | null => {
  if (process.platform === 'darwin') return 'open';
  const hasDisplay = process.env.DISPLAY !== undefined || process.env.WAYLAND_DISPLAY !== undefined;
  return process.platform === 'linux' && hasDisplay ? 'xdg-open' : null;
};

/** Tries to open an address; a machine without a browser simply shows nothing. */
export const openBrowser = (url: string): void => {
  const command = opener();
  if (command === null) return;
  const child = spawn(command, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => {
    // No such command: the address stands in the terminal anyway.
  });
  child.unref();
};
