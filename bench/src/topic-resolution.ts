// What resolving a topic costs: a source whose records must be looked into, with thirty rules of the operator's and the
// built-in ones before its pattern, and a record that meets none of them (the dearest case).
import { createTopicResolver } from '@stream-manager/shared/topics/resolve-topic';

const ownRules = 30;
const resolutions = 200_000;

/** Microseconds per record. */
export const measureTopicResolution = (): number => {
  const rules = Array.from({ length: ownRules }, (_unused, index) => ({
    when: { field: `field${index}`, matches: '^severe' },
    topic: `topic-${index}`,
  }));
  const resolver = createTopicResolver(
    { custom: {}, rules, patterns: [], default: 'wildfire-data' },
    { 'iot-sensors': { type: 'http' } },
  );
  const data = Object.fromEntries(rules.map(({ when }) => [when.field, 'moderate']));
  const round = (): number => {
    const started = performance.now();
    for (let count = 0; count < resolutions; count += 1) resolver.resolve('iot-sensors', data);
    return ((performance.now() - started) * 1000) / resolutions;
  };
  round();
  return round();
};
