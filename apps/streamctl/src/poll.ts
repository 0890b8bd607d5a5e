// `streamctl poll now SOURCE`: asks for a poll at once.
import { findSource } from './find-source.ts';
import { jsonText } from './json-text.ts';
import type { OperatorApi, PollAnswer } from './operator-api.ts';

export const pollUsage = `npm run streamctl -- poll now SOURCE [--json]
  polls the source as soon as a poller is free, also one that is stopped or disabled; \`poll SOURCE\` is the same

  --json   the answer as JSON on standard output
`;

const words: Readonly<Record<string, string>> = {
  queued: 'a poll is queued',
  promoted: 'the poll that waited goes first',
  running: 'a poll is running already',
};

/** The text for people. Pure. */
export const renderPoll = ({ id, poll, state, deferred }: PollAnswer): string => {
  const beside = state === 'running' ? '' : `, although the source is ${state}`;
  const later = deferred === undefined ? '' : `; it will be put off before its fetch: ${deferred}`;
  return `${id}: ${words[poll] ?? poll}${beside}${later}\n`;
};

/** Asks for the poll and gives the text to print. */
export const pollNow = async (
  api: Pick<OperatorApi, 'streams' | 'poll'>,
  options: { readonly sourceId: string; readonly json: boolean },
): Promise<string> => {
  await findSource(api, options.sourceId);
  const answer = await api.poll(options.sourceId);
  return options.json ? jsonText(answer) : renderPoll(answer);
};
