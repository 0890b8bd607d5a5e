// Config section `kafka`: the cluster that records are published to, and how the client speaks to it.
import { z } from 'zod';
import { choice, fieldFacts, flag, formedText, freeText, wholeNumber } from '../fields.ts';

const brokerForm = {
  expects: 'host:port, such as kafka-1:9092 or [::1]:9092',
  fits: (text: string): boolean => {
    const match = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*)):(\d{1,5})$/.exec(text);
    const port = Number(match?.[1]);
    return match !== null && port >= 1 && port <= 65_535;
  },
};

const brokerList = z.array(formedText('One broker.', brokerForm)).min(1).max(100);

const isBrokerList = (text: string): boolean => text.split(',').every((broker) => brokerForm.fits(broker.trim()));

const brokers = z
  .union([
    brokerList,
    formedText('Brokers, separated by commas.', { expects: 'brokers', fits: isBrokerList }).transform((list) =>
      list.split(',').map((broker) => broker.trim()),
    ),
  ])
  .describe(
    'Brokers to ask first; the client finds the others. A list, or one text with commas. `KAFKA_BROKERS` (comma list) wins over it.',
  )
  .register(fieldFacts, { expects: `a list of 1 to 100 brokers, each ${brokerForm.expects}` });

const compression = z
  .enum(['gzip', 'zstd', 'none'])
  .describe('How batches are compressed. snappy and lz4 are refused: Node 24 has no codec for them.')
  .register(fieldFacts, {
    expects: 'one of gzip, zstd, none',
    whyNot: (value) =>
      value === 'snappy' || value === 'lz4' ? 'Node 24 has no codec for it; zstd serves the same purpose' : undefined,
  });

const acks = z
  .literal('all')
  .describe(
    'Acknowledgements that a record needs before it counts as published. Only `all`: anything less gives up guarantee 1.',
  )
  .register(fieldFacts, {
    expects: 'only all',
    whyNot: () => 'with fewer acknowledgements a record that counts as published can be lost when a broker dies',
  });

const tls = z
  .union([
    flag('TLS with the certificate authorities that Node knows (`NODE_EXTRA_CA_CERTS` adds some), or none.'),
    z.strictObject({
      ca: freeText('Certificate authority that signed the brokers, as PEM text.', 'a PEM text').optional(),
      cert: freeText('Certificate of this client, as PEM text.', 'a PEM text').optional(),
      key: freeText(
        'Private key of this client, as PEM text; from the environment, `"${KAFKA_CLIENT_KEY}"`.',
        'a PEM text',
      ).optional(),
      servername: freeText(
        "Name that the brokers' certificate bears, where it is not their host name.",
        'a host name',
      ).optional(),
      rejectUnauthorized: flag('`false` accepts any certificate: for experiments only.').optional(),
    }),
  ])
  .describe(
    'TLS to the brokers: `true`, or a map with `ca`, `cert`, `key`, `servername`, `rejectUnauthorized`, handed to Node as they are.',
  )
  .register(fieldFacts, { expects: 'true, false, or a map with ca, cert, key, servername, rejectUnauthorized' });

const sasl = z
  .strictObject({
    mechanism: choice('SASL mechanism.', ['plain', 'scram-sha-256', 'scram-sha-512']),
    username: freeText('User name.', 'a user name'),
    password: freeText('Password; from the environment, `"${KAFKA_PASSWORD}"`.', 'a password'),
  })
  .nullable()
  .describe('Login at the brokers, or null for none.')
  .register(fieldFacts, { expects: 'null, or a map with mechanism, username, password' });

const withIdempotence =
  'is refused with client kafkajs: kafkajs rolls its sequence numbers back after any error, the broker then takes new records for repeated ones, and acknowledges records that are not in the log (measured). Leave it out, or choose client platformatic, where it is safe';

export const kafkaSchema = z
  .strictObject({
    client: choice(
      'Client library. `platformatic` (`@platformatic/kafka`) is maintained and idempotent: a frozen broker doubles no record. It needs Kafka 3.0 or newer, 60 MB more memory and 0.3 s more to start.',
      ['kafkajs', 'platformatic'],
    ).default('kafkajs'),
    brokers: brokers.prefault(['127.0.0.1:9092']),
    clientId: formedText('Name under which the brokers log this client.', {
      expects: '1 to 200 letters, digits, dots, underscores or hyphens',
      fits: /^[A-Za-z0-9._-]{1,200}$/,
    }).default('stream-manager'),
    compression: compression.default('gzip'),
    acks: acks.default('all'),
    idempotent: flag(
      'Whether the producer numbers its records so that the broker drops repeated ones. Default: false with kafkajs, where true is refused because it loses acknowledged records; true with platformatic. While the outcome of a batch is unknown an idempotent producer keeps sending it, for as long as the cluster is away.',
    ).optional(),
    batchSize: wholeNumber('Records that go to Kafka in one request at most.', {
      min: 1,
      max: 10_000,
      unit: 'records',
    }).default(500),
    batchTimeoutMs: wholeNumber(
      'Longest time that a batch waits for more records; it is only paid while another batch of the source is on its way.',
      {
        min: 0,
        max: 60_000,
        unit: 'milliseconds',
      },
    ).default(5_000),
    ssl: tls.default(false),
    sasl: sasl.default(null),
  })
  .superRefine((kafka, context) => {
    if (kafka.client === 'kafkajs' && kafka.idempotent === true)
      context.addIssue({
        code: 'custom',
        path: ['idempotent'],
        message: withIdempotence,
        params: { involves: ['client'] },
      });
  })
  .transform(({ idempotent, ...kafka }) => ({ ...kafka, idempotent: idempotent ?? kafka.client === 'platformatic' }))
  .describe('The cluster that records are published to.')
  .prefault({});
