// What the commands that load a whole poller say of themselves, apart from them: `status` must not wait for that.
import { sourceTypes } from '@stream-manager/shared/config/source-types';

export const sourcesTestUsage = `npm run streamctl -- sources test SOURCE [options]
  --config FILE   the config (default: STREAM_CONFIG, else stream.yaml)
  --since TIME    what an incremental source asks for begins here (ISO 8601), instead of at its own beginning
  --save          keeps the answers as a fixture beside the config: fixtures/SOURCE.json; \`config test\` polls them again
  --json          records, invalid rows and exchanges as JSON

Polls the source once, at most five pages. No queue, no Redis and no Kafka is touched; the provider is really asked, at the
source's own rate limit. Exit code 1 when the poll would have failed.
`;

export const sourcesInitUsage = `npm run streamctl -- sources init TYPE [--all]
  TYPE    ${sourceTypes.join(', ')}
  --all   every key of a source, not only the usual ones

Prints a config with just that source, commented: redirect it into stream.yaml.
`;

export const configTestUsage = `npm run streamctl -- config test [SOURCE …] [--config FILE]
  --config FILE   the config (default: STREAM_CONFIG, else stream.yaml)

Checks the config and polls the fixtures beside it again (fixtures/SOURCE.json, saved by \`sources test SOURCE --save\`): no
network, no secrets. Exit code 1 when records, topics, keys, priorities or refused rows are others than they were saved.
`;
