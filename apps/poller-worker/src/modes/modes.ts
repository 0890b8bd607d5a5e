// The modes of this process: the built-in ones, and those of the user's own that the config names by path. A mode is asked
// through here, so that what one of the user's own gives is looked at once, and what it throws names it.
import type { Mode as BuiltInMode } from '@stream-manager/shared/config/source-types';
import { type Extensions, noExtensions } from '@stream-manager/shared/extensions/extensions';
import {
  type Mode,
  type ModeBuffer,
  type ModePass,
  type ModeTick,
  type ModeWindow,
  usualBuffer,
} from '@stream-manager/shared/extensions/mode';
import { messageOf, StreamManagerError } from '@stream-manager/shared/failures/errors';
import { heard } from '../heard.ts';
import { batch } from './batch.ts';
import { continuous } from './continuous.ts';
import { realTime } from './real-time.ts';

const builtIn: Readonly<Record<BuiltInMode, Mode>> = { batch, 'real-time': realTime, continuous };

/** The mode of one source, ready to be asked. Calls throw `extension_failed` where a mode of the user's own fails. */
export interface SourceMode {
  readonly name: string;
  readonly missedTicks: 'next_tick' | 'at_once';
  readonly buffer: ModeBuffer;
  isDue(tick: ModeTick): boolean;
  windowOf(pass: ModePass): ModeWindow;
}

/** Gives the mode of a source; throws `source_unsupported` for a module that was not loaded. */
export type Modes = (source: { readonly id: string; readonly mode: string }) => SourceMode;

/** Creates the modes of a process. */
export const createModes = (extensions: Extensions = noExtensions): Modes => {
  const modes = new Map<string, Mode>([...Object.entries(builtIn), ...extensions.modes]);
  return (source) => {
    const mode = modes.get(source.mode);
    if (mode !== undefined) return asked(source, mode);
    throw new StreamManagerError('source_unsupported', `mode ${source.mode} was not loaded`);
  };
};

const asked = ({ id, mode: path }: { readonly id: string; readonly mode: string }, mode: Mode): SourceMode => {
  const failed = (what: string, cause?: unknown): StreamManagerError =>
    new StreamManagerError('extension_failed', `mode ${mode.name} (${path}) of source ${id}: ${what}`, { cause });
  const ask = <T>(name: string, question: () => T): T => {
    try {
      return heard(question());
    } catch (error) {
      throw failed(`${name} threw ${messageOf(error)}`, error);
    }
  };
  return {
    name: mode.name,
    missedTicks: mode.missedTicks ?? 'next_tick',
    buffer: mode.buffer ?? usualBuffer,
    isDue: (tick) => {
      if (mode.isDue === undefined) return true;
      const answer: unknown = ask('isDue', () => mode.isDue?.(tick));
      if (typeof answer === 'boolean') return answer;
      throw failed(`isDue must give true or false, found ${typeof answer}`);
    },
    windowOf: (pass) => {
      const answer: unknown = ask('windowOf', () => mode.windowOf(pass));
      if (isWindow(answer)) return { sinceMs: answer.sinceMs, untilMs: answer.untilMs };
      throw failed(
        'windowOf must give { sinceMs: milliseconds since the epoch or null, untilMs }, and sinceMs must not be after untilMs',
      );
    },
  };
};

const furthestMs = 8.64e15;
const isTime = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) <= furthestMs;

const isWindow = (value: unknown): value is ModeWindow => {
  if (typeof value !== 'object' || value === null || !('sinceMs' in value) || !('untilMs' in value)) return false;
  const { sinceMs, untilMs } = value;
  return isTime(untilMs) && (sinceMs === null || (isTime(sinceMs) && sinceMs <= untilMs));
};
