import { createRequire } from 'node:module';
import {
  AuthenticationError,
  MultipleErrors,
  NetworkError,
  protocolErrorsCodesById,
  ResponseError,
  TimeoutError,
  UnsupportedCompressionError,
  UserError,
} from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamManagerError } from '../../src/failures/errors.ts';
import { classifySendError, type SendOutcome } from '../../src/failures/send-outcome.ts';

const require = createRequire(import.meta.url);
// kafkajs' own errors, made as it makes them: its published types know neither their arguments nor all of them.
const {
  KafkaJSBrokerNotFound,
  KafkaJSConnectionClosedError,
  KafkaJSConnectionError,
  KafkaJSNonRetriableError,
  KafkaJSNotImplemented,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError,
  KafkaJSServerDoesNotSupportApiKey,
} = require('kafkajs') as {
  readonly [Name in
    | 'KafkaJSBrokerNotFound'
    | 'KafkaJSConnectionClosedError'
    | 'KafkaJSConnectionError'
    | 'KafkaJSNonRetriableError'
    | 'KafkaJSNotImplemented'
    | 'KafkaJSNumberOfRetriesExceeded'
    | 'KafkaJSRequestTimeoutError'
    | 'KafkaJSSASLAuthenticationError'
    | 'KafkaJSServerDoesNotSupportApiKey']: new (
    message: unknown,
    options?: object,
  ) => Error;
};
const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  readonly createErrorFromCode: (code: number) => Error;
};

const outcomeByCode: Readonly<Record<number, SendOutcome>> = {
  [-1]: 'other',
  2: 'other',
  3: 'destination',
  5: 'outage',
  6: 'outage',
  7: 'outage',
  8: 'outage',
  9: 'outage',
  10: 'poison',
  13: 'outage',
  17: 'destination',
  18: 'poison',
  19: 'outage',
  20: 'outage',
  29: 'destination',
  31: 'outage',
  32: 'poison',
  33: 'outage',
  34: 'outage',
  35: 'outage',
  44: 'destination',
  45: 'outage',
  47: 'outage',
  56: 'outage',
  58: 'outage',
  59: 'outage',
  76: 'destination',
  87: 'poison',
  9999: 'other',
};

const serialisationError = (): unknown => {
  try {
    return Buffer.byteLength(Reflect.construct(Map, []) as unknown as string);
  } catch (error) {
    return error;
  }
};

const refused = new KafkaJSConnectionError('Connection error: connect ECONNREFUSED', {
  broker: '127.0.0.1:9',
  code: 'ECONNREFUSED',
});

describe('the outcome of a send', () => {
  it.each(
    Object.entries(outcomeByCode).map(([code, outcome]) => ({
      name: `${createErrorFromCode(Number(code)).message.slice(0, 50)} (${code})`,
      code: Number(code),
      outcome,
    })),
  )('$name is $outcome', ({ code, outcome }) => {
    expect(classifySendError(createErrorFromCode(code)).outcome).toBe(outcome);
  });

  it.each<{ name: string; error: unknown; outcome: SendOutcome; code: string }>([
    { name: 'a refused connection', error: refused, outcome: 'outage', code: 'ECONNREFUSED' },
    {
      name: 'a refused connection that kafkajs calls non-retriable',
      error: new KafkaJSNonRetriableError(refused, { cause: refused }),
      outcome: 'outage',
      code: 'ECONNREFUSED',
    },
    {
      name: 'timeouts until kafkajs gave up',
      error: new KafkaJSNumberOfRetriesExceeded(new KafkaJSRequestTimeoutError('Request Produce timed out'), {
        retryCount: 3,
        retryTime: 2_000,
      }),
      outcome: 'outage',
      code: 'KafkaJSRequestTimeoutError',
    },
    {
      name: 'a cause inside a cause',
      error: new Error('outer', { cause: new KafkaJSNonRetriableError('inner', { cause: createErrorFromCode(10) }) }),
      outcome: 'poison',
      code: 'MESSAGE_TOO_LARGE',
    },
    {
      name: 'a closed connection',
      error: new KafkaJSConnectionClosedError('Closed connection', { host: 'h', port: 1 }),
      outcome: 'outage',
      code: 'KafkaJSConnectionClosedError',
    },
    {
      name: 'a broker that is gone',
      error: new KafkaJSBrokerNotFound('Broker 3 not found'),
      outcome: 'outage',
      code: 'KafkaJSBrokerNotFound',
    },
    {
      name: 'a failed login',
      error: new KafkaJSSASLAuthenticationError('SASL PLAIN is not supported'),
      outcome: 'outage',
      code: 'KafkaJSSASLAuthenticationError',
    },
    {
      name: 'a broker that is too old',
      error: new KafkaJSServerDoesNotSupportApiKey('no such API', { apiKey: 0, apiName: 'Produce' }),
      outcome: 'outage',
      code: 'KafkaJSServerDoesNotSupportApiKey',
    },
    {
      name: 'a codec that is not there',
      error: new KafkaJSNotImplemented('Snappy compression not implemented'),
      outcome: 'destination',
      code: 'KafkaJSNotImplemented',
    },
    { name: 'a value that is no bytes', error: serialisationError(), outcome: 'poison', code: 'ERR_INVALID_ARG_TYPE' },
    {
      name: 'a port that is closing',
      error: new StreamManagerError('stopped', 'the Kafka producer is closed'),
      outcome: 'outage',
      code: 'stopped',
    },
    { name: 'a mistake of ours', error: new TypeError('x is not a function'), outcome: 'other', code: 'TypeError' },
    { name: 'a text', error: 'boom', outcome: 'other', code: 'UNKNOWN' },
    { name: 'nothing', error: undefined, outcome: 'other', code: 'UNKNOWN' },
  ])('$name: $outcome, $code', ({ error, outcome, code }) => {
    expect(classifySendError(error)).toMatchObject({ outcome, code });
  });

  it.each<{ name: string; error: unknown; outcome: SendOutcome; code: string }>([
    {
      name: 'a refused connection',
      error: new NetworkError('Connection to h:1 failed.', {
        cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
      }),
      outcome: 'outage',
      code: 'ECONNREFUSED',
    },
    {
      name: 'a broker that cannot be reached under any of its addresses',
      error: new NetworkError('Connection to h:1 failed.', {
        cause: new AggregateError([Object.assign(new Error('no'), { code: 'EHOSTUNREACH' })]),
      }),
      outcome: 'outage',
      code: 'EHOSTUNREACH',
    },
    {
      name: 'a certificate that Node refuses',
      error: new NetworkError('Connection to h:1 failed.', {
        cause: Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      }),
      outcome: 'outage',
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    },
    { name: 'silence', error: new TimeoutError('Request timed out'), outcome: 'outage', code: 'PLT_KFK_NETWORK' },
    {
      name: 'many tries in vain',
      error: new MultipleErrors('produce failed 3 times.', [
        new NetworkError('Connection closed'),
        new MultipleErrors('metadata failed.', [new TimeoutError('Request timed out')]),
      ]),
      outcome: 'outage',
      code: 'PLT_KFK_NETWORK',
    },
    {
      name: 'a partition that refused a record',
      error: new ResponseError(0, 9, { '/responses/0/partition_responses/0': [10, null] }, {}),
      outcome: 'poison',
      code: 'MESSAGE_TOO_LARGE',
    },
    {
      name: 'a refused record beside a partition without a leader',
      error: new ResponseError(0, 9, { '/a': [10, null], '/b': [6, null] }, {}),
      outcome: 'outage',
      code: 'NOT_LEADER_OR_FOLLOWER',
    },
    {
      name: 'a forbidden topic inside several',
      error: new MultipleErrors('Producing messages failed.', [
        new ResponseError(0, 9, { '/responses/0/partition_responses/0': [29, null] }, {}),
      ]),
      outcome: 'destination',
      code: 'TOPIC_AUTHORIZATION_FAILED',
    },
    {
      name: 'a failed login',
      error: new NetworkError('Connection to h:1 failed.', {
        cause: new AuthenticationError('SASL authentication failed.', {
          cause: new ResponseError(36, 2, { '/': [58, null] }, {}),
        }),
      }),
      outcome: 'outage',
      code: 'SASL_AUTHENTICATION_FAILED',
    },
    {
      name: 'a fenced producer',
      error: new ResponseError(0, 9, { '/responses/0/partition_responses/0': [90, null] }, {}),
      outcome: 'outage',
      code: 'PRODUCER_FENCED',
    },
    {
      name: 'an unknown topic',
      error: new UserError('Unknown topic t.'),
      outcome: 'destination',
      code: 'PLT_KFK_USER',
    },
    {
      name: 'a record that cannot be written as bytes',
      error: new UserError('Failed to serialize a message.', { cause: new TypeError('x') }),
      outcome: 'poison',
      code: 'TypeError',
    },
    {
      name: 'a broker that speaks TLS',
      error: new UserError('Broker requires TLS.'),
      outcome: 'outage',
      code: 'PLT_KFK_USER',
    },
    {
      name: 'a codec that is not there',
      error: new UnsupportedCompressionError('no zstd'),
      outcome: 'destination',
      code: 'PLT_KFK_UNSUPPORTED_COMPRESSION',
    },
    {
      name: 'wrong options',
      error: new UserError('/options/x must be a string.'),
      outcome: 'other',
      code: 'PLT_KFK_USER',
    },
  ])('of platformatic, $name: $outcome, $code', ({ error, outcome, code }) => {
    expect(classifySendError(error)).toMatchObject({ outcome, code });
  });

  it.each(Object.entries(outcomeByCode).filter(([code]) => Number(code) in protocolErrorsCodesById))(
    'for code %s is the same from platformatic: %s',
    (code, outcome) => {
      const error = new ResponseError(0, 9, { '/responses/0/partition_responses/0': [Number(code), null] }, {});
      expect(classifySendError(error).outcome).toBe(outcome);
    },
  );

  it('ends on a chain of causes that is a ring', () => {
    const ring = new Error('ring');
    ring.cause = ring;
    expect(classifySendError(ring).message).toBe('ring');
  });

  it('takes anything that can be thrown', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (thrown) => {
        expect(classifySendError(thrown).message).toBeTypeOf('string');
      }),
    );
  });
});
