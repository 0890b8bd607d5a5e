// The overview: asks the API every two seconds and rewrites two tables. No framework, nothing to build.
const intervalMs = 2000;
const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

const cell = (content, className = '') => {
  const td = document.createElement('td');
  if (content instanceof Node) td.append(content);
  else td.textContent = content;
  td.className = className;
  return td;
};

const number = (value) => cell(value === null ? '–' : numbers.format(value), 'number');

const age = (iso) => {
  if (iso === null) return '–';
  const seconds = Math.round((Date.now() - Date.parse(iso)) / 1000);
  const text = Math.abs(seconds) < 120 ? `${Math.abs(seconds)} s` : `${Math.round(Math.abs(seconds) / 60)} min`;
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
};

// What the last act of this page came to, if that needs saying.
const noticeShownMs = 15_000;
let notice = { text: '', until: 0 };

const act = async (id, name) => {
  const response = await fetch(`/api/streams/${encodeURIComponent(id)}/${name}`, { method: 'POST' });
  const answer = await response.json();
  const text = response.ok ? answer.deferred && `${id} is polled later: ${answer.deferred}` : answer.error;
  notice = { text, until: text ? Date.now() + noticeShownMs : 0 };
  await refresh();
};

const acts = (stream) => {
  const span = document.createElement('span');
  const offered = [
    stream.state === 'paused' ? 'resume' : 'pause',
    stream.state === 'stopped' || stream.state === 'disabled' ? 'start' : 'stop',
    // Records of some sources come by themselves.
    ...(stream.schedule === null ? [] : ['poll']),
  ];
  for (const name of offered) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.addEventListener('click', () => void act(stream.id, name));
    span.append(button);
  }
  return span;
};

const pollText = (poll) =>
  poll === null
    ? '–'
    : `${poll.outcome}, ${numbers.format(poll.records)} new, ${age(poll.at)}${poll.error ? `: ${poll.error}` : ''}`;

// Dead letters lead to their queue in Bull Board; at their limit they are what keeps the stream from polling.
const letters = (stream) => {
  if (stream.deadLetters === 0) return number(0);
  const link = document.createElement('a');
  link.href = `/admin/queues/queue/${encodeURIComponent(`dead-letter.${stream.id}`)}?status=failed`;
  link.textContent = numbers.format(stream.deadLetters);
  return cell(link, stream.degraded === null ? 'number' : 'number problem');
};

const conditionNames = { answers_but_stale: 'stale', row_count_unusual: 'row count' };

// What is wrong with a source although it runs: its provider does not answer, or its answers are odd.
const oddities = ({ conditions, provider }) => [
  ...(provider === null || provider.breaker === 'closed'
    ? []
    : [
        {
          name: `provider ${provider.breaker.replace('_', ' ')}`,
          words: `${provider.host} gave no answer ${provider.failures} times in a row (${provider.error}); ${
            provider.breaker === 'open' ? `tried again ${age(provider.until)}` : 'one poll tries it'
          }`,
        },
      ]),
  ...conditions.map(({ state, message }) => ({ name: conditionNames[state] ?? state, words: message })),
];

const state = (stream) => {
  const td = cell(stream.degraded === null ? stream.state : `${stream.state}, degraded`);
  td.className = `state ${stream.degraded === null ? stream.state : 'degraded'}`;
  td.title = stream.degraded ?? '';
  for (const { name, words } of oddities(stream)) {
    const badge = document.createElement('small');
    badge.className = 'badge';
    badge.textContent = name;
    badge.title = words;
    td.append(' ', badge);
  }
  return td;
};

// The next tick; while the poll that there is waits, until when it does, and why.
const nextPoll = ({ nextPollAt, pollDelayed }) => {
  if (pollDelayed === null) return cell(age(nextPollAt));
  const until = Date.parse(pollDelayed.until) > Date.now() ? age(pollDelayed.until) : 'soon';
  const td = cell(`${until}, waits: ${pollDelayed.by.replace('_', ' ')}`);
  td.title = pollDelayed.reason;
  return td;
};

const perSecond = (rate) => `${(rate < 10 ? tenths : numbers).format(rate)}/s`;

// The lag with the way it goes, if that is known and worth a word.
const lagCell = ({ lag }) => {
  const td = number(lag.records);
  if (lag.records === null || lag.trendPerSecond === null || Math.abs(lag.trendPerSecond) < 1) return td;
  const trend = document.createElement('small');
  trend.textContent = ` ${lag.trendPerSecond > 0 ? '↗' : '↘'} ${perSecond(Math.abs(lag.trendPerSecond))}`;
  td.append(trend);
  return td;
};

const isThrottled = ({ action }) => action === 'throttle_moderate' || action === 'throttle_critical';

// Nothing to say at full speed; else what is done, and under it the rate that is left and the pause between two batches.
const throttleCell = ({ throttle }) => {
  const { action, allowedRate, maxSendRate, delayMs, level, reason } = throttle;
  const isLowered = allowedRate < maxSendRate;
  const name = action === 'none' ? 'recovering' : action.replace('throttle_', '').replace('_', ' ');
  const words = isThrottled(throttle) ? `${name}, level ${level}` : name;
  const td = cell(action === 'none' && !isLowered ? '–' : words, isThrottled(throttle) ? 'problem' : '');
  const limits = document.createElement('small');
  limits.textContent = [
    ...(isLowered ? [perSecond(allowedRate)] : []),
    ...(delayMs > 0 ? [`pause ${tenths.format(delayMs / 1000)} s`] : []),
  ].join(', ');
  if (limits.textContent !== '') td.append(document.createElement('br'), limits);
  td.dataset.throttle = action;
  td.title = reason;
  return td;
};

const streamRow = (stream) => {
  const row = document.createElement('tr');
  row.dataset.stream = stream.id;
  row.append(
    cell(stream.id),
    state(stream),
    cell(pollText(stream.lastPoll), 'wide'),
    nextPoll(stream),
    number(stream.queued.critical),
    number(stream.queued.high),
    number(stream.queued.normal),
    number(stream.queued.low),
    number(stream.published),
    letters(stream),
    lagCell(stream),
    throttleCell(stream),
    cell(acts(stream)),
  );
  return row;
};

const processRow = (process) => {
  const row = document.createElement('tr');
  row.append(
    cell(process.role),
    cell(process.host),
    cell(String(process.pid), 'number'),
    cell(String(process.port), 'number'),
    cell(process.version),
    cell(process.configVersion),
    cell(age(process.startedAt)),
  );
  return row;
};

const read = async (path) => {
  const response = await fetch(path, { headers: { accept: 'application/json' } });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
};

const refresh = async () => {
  const problems = document.querySelector('#problems');
  try {
    const [{ streams }, health] = await Promise.all([read('/api/streams'), read('/api/health')]);
    document.querySelector('#streams tbody').replaceChildren(...streams.map(streamRow));
    document.querySelector('#fleet tbody').replaceChildren(...health.fleet.map(processRow));
    const breaker = streams.find((stream) => stream.breaker !== 'closed')?.breaker.replace('_', ' ');
    problems.textContent = [
      ...(Date.now() < notice.until ? [notice.text] : []),
      ...(breaker === undefined ? [] : [`the breaker is ${breaker}: Kafka takes no records, they wait in Redis`]),
      ...Object.entries(health.problems).map(([component, problem]) => `${component}: ${problem}`),
      ...streams.flatMap(({ id, degraded }) => (degraded === null ? [] : [`${id} is degraded: ${degraded}`])),
      ...streams.flatMap((stream) => oddities(stream).map(({ words }) => `${stream.id}: ${words}`)),
      ...streams.flatMap(({ id, throttle }) =>
        isThrottled(throttle) ? [`${id} is throttled: ${throttle.reason}`] : [],
      ),
    ].join(' · ');
  } catch (error) {
    problems.textContent = `The API does not answer: ${error.message}`;
  }
};

const tick = async () => {
  if (!document.hidden) await refresh();
  setTimeout(() => void tick(), intervalMs);
};
await tick();
