// Topics and subscriptions: which subscriptions a session asks for, and what a topic says of the device behind it.

/** What the topic of a message says. */
export interface TopicFacts {
  readonly deviceId: string;
  /** What is measured, or what kind of sensor it is. */
  readonly sensorType: string;
}

/** Where the layouts have the device and what it measures; one may stand for both. */
const deviceLevel = '{device}';
const typeLevel = '{type}';

/** The layouts of the original system's topics. */
const knownLayouts = [
  'sensors/weather/{device}/{type}',
  'sensors/air/{device}/{type}',
  'sensors/soil/{device}/{type}',
  'wildfire/{type}/{device}',
  'environmental/{type}/{device}',
];

/** Does the subscription take the topic, or all topics that `topic`, a subscription itself, takes? Pure. */
export const takesTopic = (filter: string, topic: string): boolean => {
  const want = filter.split('/');
  const have = topic.split('/');
  // Wildcards at the front do not take what brokers tell of themselves ($SYS/…).
  if (have[0]?.startsWith('$') === true && want[0] !== have[0]) return false;
  for (const [index, level] of want.entries()) {
    if (level === '#') return true;
    const found = have[index];
    if (found === undefined || found === '#') return false;
    if (level !== '+' && level !== found) return false;
  }
  return want.length === have.length;
};

/** The subscriptions without those that another one covers: a broker may deliver a message once for each. Pure. */
export const withoutCovered = (filters: readonly string[]): readonly string[] => {
  const distinct = [...new Set(filters)];
  return distinct.filter((filter) => !distinct.some((other) => other !== filter && takesTopic(other, filter)));
};

/** The subscription as a member of a group shares it. Pure. */
export const sharedFilter = (group: string, filter: string): string => `$share/${group}/${filter}`;

const matchLayout = (layout: readonly string[], levels: readonly string[]): Partial<TopicFacts> | null => {
  if (layout.length !== levels.length) return null;
  const facts: { deviceId?: string; sensorType?: string } = {};
  for (const [index, level] of layout.entries()) {
    const found = levels[index] ?? '';
    if (level === deviceLevel) facts.deviceId = found;
    else if (level === typeLevel) facts.sensorType = found;
    else if (level !== '+' && level !== found) return null;
  }
  return facts;
};

/**
 * Makes the reader of topics. The device is what the operator's layouts say, else the first `+` of the subscription, else
 * what the known layouts say, else the second level; what is measured is the last level, or the one before the device.
 */
export const createTopicReader = (options: {
  readonly layouts: readonly string[];
  readonly filters: readonly string[];
}): ((topic: string) => TopicFacts) => {
  const split = (texts: readonly string[]): readonly (readonly string[])[] => texts.map((text) => text.split('/'));
  const own = split(options.layouts);
  const known = split(knownLayouts);

  const bySubscription = (topic: string, levels: readonly string[]): Partial<TopicFacts> | null => {
    for (const filter of options.filters) {
      const wild = filter.split('/').indexOf('+');
      const device = levels[wild];
      if (wild >= 0 && device !== undefined && takesTopic(filter, topic)) return { deviceId: device };
    }
    return null;
  };
  const byLayout = (layouts: readonly (readonly string[])[], levels: readonly string[]): Partial<TopicFacts> | null => {
    for (const layout of layouts) {
      const facts = matchLayout(layout, levels);
      if (facts !== null) return facts;
    }
    return null;
  };

  return (topic) => {
    const levels = topic.split('/');
    const facts = byLayout(own, levels) ?? bySubscription(topic, levels) ?? byLayout(known, levels) ?? {};
    const deviceId = facts.deviceId ?? levels[1] ?? topic;
    const last = levels.at(-1) ?? topic;
    // `wildfire/weather/st-7`: the last level is the device, so what stands before it says what it is.
    const beforeDevice = levels.at(-2) ?? last;
    return { deviceId, sensorType: facts.sensorType ?? (last === deviceId ? beforeDevice : last) };
  };
};
