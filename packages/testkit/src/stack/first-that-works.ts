// The ways of one server, tried in their order until one works.
import { messageOf } from '@stream-manager/shared/failures/errors';
import { type Choice, type KafkaWay, type RedisWay, refusalText, type Shortage } from './choose-ways.ts';
import type { Part, Surrounding } from './server-by-way.ts';
import { StackError } from './stack-error.ts';

/** A server cannot be had by any way; several of these become one message. */
export class ShortageError extends StackError {
  readonly shortage: Shortage;

  constructor(shortage: Shortage) {
    super('unavailable', refusalText([shortage]));
    this.shortage = shortage;
  }
}

/**
 * Tries the ways in order. What cannot be had (an image, a download), and whatever goes wrong with containers, leads to
 * the next way and is said; a server that is had and does not start is an error that no other way would mend.
 */
export const firstThatWorks = async <Way extends RedisWay | KafkaWay, Address>(
  server: 'Redis' | 'Kafka',
  { ways, closed }: Choice<Way>,
  { say, signal }: Surrounding,
  start: (way: Way) => Promise<Part<Address>>,
): Promise<Part<Address>> => {
  const reasons = [...closed];
  for (const way of ways) {
    try {
      const part = await start(way);
      say(part.fact);
      return part;
    } catch (error) {
      const canGoOn = way.way === 'docker' || (error instanceof StackError && error.code === 'unavailable');
      if (signal.aborted || !canGoOn) throw error;
      const text = messageOf(error);
      reasons.push(`${nameOf(way)}: ${text}`);
      const isLast = way === ways.at(-1);
      if (!isLast) say(`${server.toLowerCase()}: going on without ${nameOf(way)}: ${firstLine(text)}`);
    }
  }
  throw new ShortageError({ server, reasons });
};

const nameOf = ({ way }: RedisWay | KafkaWay): string =>
  ({ given: 'the address given', docker: 'Docker', path: 'the program on the PATH', pypi: 'PyPI', java: 'Java' })[way];

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
