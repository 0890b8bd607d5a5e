// What was heard at an MQTT broker, in the terminal. Pure.
import type { Heard } from '@stream-manager/poller-worker/preview/listen-at-broker';
import { wrap } from '../narrow.ts';
import { plainText } from '../plain-text.ts';
import { countBy } from './count-by.ts';
import { renderOutcome } from './render-outcome.ts';

/** Topics that are shown, those with most messages first. */
const shownTopics = 10;

const topicLines = (messages: Heard['messages']): readonly string[] => {
  const topics = countBy(messages, ({ topic }) => topic).toSorted(([, one], [, other]) => other - one);
  return [
    ...topics.slice(0, shownTopics).map(([topic, count]) => `  ${plainText(topic)} ${count}`),
    ...(topics.length > shownTopics ? [`  … and ${topics.length - shownTopics} more topics`] : []),
  ];
};

/** Renders it. `width`: of the terminal, null when there is none. */
export const renderHeard = (heard: Heard, width: number | null): string => {
  const { url, clientId, filters, refused, messages, listenedMs, preview } = heard;
  const bytes = messages.reduce((sum, message) => sum + message.bytes, 0);
  const seconds = (listenedMs / 1_000).toFixed(1);
  const lines = [
    `connected to ${url} as ${clientId}, subscribed to ${filters.join(', ')}`,
    ...refused.map((filter) => `  the broker refused ${filter}`),
    `  ${messages.length} messages, ${bytes.toLocaleString('en')} bytes in ${seconds} s`,
    ...topicLines(messages),
    '',
    ...(messages.length === 0
      ? wrap(
          'Nothing came. Do devices publish to these topics now? Messages that the broker keeps for the workers are theirs.',
          width,
        )
      : renderOutcome(preview, width)),
    '',
    ...wrap('The sessions of the workers have lost nothing by it: every message went to them, too.', width),
  ];
  return `${lines.join('\n')}\n`;
};
