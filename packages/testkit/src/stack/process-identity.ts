// Tells whether a process that a file speaks of is still that process: ids are given out again, so an id alone is not
// enough. The identity is the id together with the moment the process started.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** A process as it is written into files. */
export interface ProcessMark {
  readonly pid: number;
  /** Start of the process, in whatever words the system has for it; equal for equal processes. */
  readonly startedAt: string;
}

/** The mark of a running process, or null when there is none with this id (a zombie counts as none). */
export const markProcess = async (pid: number): Promise<ProcessMark | null> => {
  const startedAt = process.platform === 'linux' ? await startOnLinux(pid) : await startFromPs(pid);
  return startedAt === null ? null : { pid, startedAt };
};

/** Whether the marked process still runs. */
export const isAlive = async (mark: ProcessMark): Promise<boolean> =>
  (await markProcess(mark.pid))?.startedAt === mark.startedAt;

/** Reads a mark back from the JSON in a file; null when it is none (cut off, or not ours). */
export const parseMark = (text: string): ProcessMark | null => {
  try {
    const { pid, startedAt } = JSON.parse(text) as Record<string, unknown>; // what is no object throws or has neither
    return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 && typeof startedAt === 'string'
      ? { pid, startedAt }
      : null;
  } catch {
    return null;
  }
};

const startOnLinux = async (pid: number): Promise<string | null> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  // The second field, the program's name in brackets, may hold spaces and brackets; the state follows the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const ticksSinceBoot = fields[19];
  if (state === 'Z' || state === 'X' || ticksSinceBoot === undefined) return null;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${boot.trim()} ${ticksSinceBoot}`;
};

const startFromPs = async (pid: number): Promise<string | null> =>
  new Promise((resolve) => {
    execFile('ps', ['-o', 'state=,lstart=', '-p', String(pid)], (error, stdout) => {
      const [state, ...started] = stdout.trim().split(/\s+/);
      resolve(error !== null || state === undefined || state.startsWith('Z') ? null : started.join(' '));
    });
  });
