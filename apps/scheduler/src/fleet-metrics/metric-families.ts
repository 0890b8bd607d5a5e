// Metrics of several processes as those of one: parsed from Prometheus' text format, merged, and written again. Pure.

/** One value. */
export interface Sample {
  /** The family's name, of a histogram with `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with all its values. */
export interface MetricFamily {
  readonly name: string;
  /** `counter`, `gauge`, `histogram`, …; `untyped` if the text does not say. */
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** What one process serves. */
export interface ProcessMetrics {
  /** Labels by which its gauges are told from those of the others. */
  readonly labels: Readonly<Record<string, string>>;
  readonly families: readonly MetricFamily[];
}

const unescape = (text: string): string => text.replace(/\\(.)/g, (_all, sign: string) => (sign === 'n' ? '\n' : sign));
const escape = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

const sampleLine =
  /^([A-Za-z_:][\w:]*)(?:\{((?:[A-Za-z_]\w*="(?:\\.|[^"\\])*",?)*)\})? ([+-]?(?:\d[\d.eE+-]*|Inf)|N[aA][nN])(?: -?\d+)?$/;
const labelPair = /([A-Za-z_]\w*)="((?:\\.|[^"\\])*)"/g;
const commentLine = /^# (HELP|TYPE) (\S+) ?(.*)$/;

const readValue = (text: string): number => {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
};

/** Parses Prometheus' text format; lines that it does not know are left out. */
export const parseMetrics = (text: string): readonly MetricFamily[] => {
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>();
  const familyOf = (name: string) => {
    const known = families.get(name);
    if (known !== undefined) return known;
    const family = { name, type: 'untyped', help: '', samples: [] };
    families.set(name, family);
    return family;
  };
  for (const line of text.split('\n')) {
    const comment = commentLine.exec(line);
    if (comment !== null) {
      const [, word, name = '', rest = ''] = comment;
      const family = familyOf(name);
      if (word === 'HELP') family.help = unescape(rest);
      else family.type = rest;
      continue;
    }
    const [, name, pairs = '', value = ''] = sampleLine.exec(line) ?? [];
    if (name === undefined) continue;
    const labels = Object.fromEntries(
      [...pairs.matchAll(labelPair)].map(([, label = '', content = '']) => [label, unescape(content)]),
    );
    const base = name.replace(/_(bucket|sum|count)$/, '');
    const family = families.get(base)?.type === 'histogram' ? familyOf(base) : familyOf(name);
    family.samples.push({ name, labels, value: readValue(value) });
  }
  return [...families.values()];
};

/** What is counted adds up over processes; everything else is a state, and whose it is must be seen. */
const addsUp = (type: string): boolean => type === 'counter' || type === 'histogram';

const keyOf = ({ name, labels }: Sample): string =>
  JSON.stringify([name, Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1))]);

/** Adds up counters and histograms; gauges keep their values, each with the labels of its process. */
export const mergeMetrics = (processes: readonly ProcessMetrics[]): readonly MetricFamily[] => {
  const merged = new Map<string, { readonly family: MetricFamily; readonly samples: Map<string, Sample> }>();
  for (const { labels, families } of processes)
    for (const family of families) {
      const into = merged.get(family.name) ?? { family, samples: new Map<string, Sample>() };
      merged.set(family.name, into);
      const isSum = addsUp(into.family.type);
      for (const sample of family.samples) {
        const own = isSum ? sample : { ...sample, labels: { ...sample.labels, ...labels } };
        const key = keyOf(own);
        const before = isSum ? (into.samples.get(key)?.value ?? 0) : 0;
        into.samples.set(key, { ...own, value: before + own.value });
      }
    }
  return [...merged.values()].map(({ family, samples }) => ({ ...family, samples: [...samples.values()] }));
};

/** A value as Prometheus writes it. */
export const valueText = (value: number): string => {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
};

/** Writes Prometheus' text format. */
export const renderMetrics = (families: readonly MetricFamily[]): string =>
  families
    .map(({ name, type, help, samples }) => {
      const lines = samples.map((sample) => {
        const labels = Object.entries(sample.labels).map(([label, value]) => `${label}="${escape(value)}"`);
        return `${sample.name}${labels.length === 0 ? '' : `{${labels.join(',')}}`} ${valueText(sample.value)}\n`;
      });
      const helpText = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
      return `# HELP ${name} ${helpText}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('\n');
