// What the commands that load a whole poller say of themselves, apart from them: `status` must not wait for that.
import { sourceTypes } from '@stream-manager/shared/config/source-types';

export const sourcesTestUsage = `npm run streamctl -- sources test SOURCE [options]
  --config FILE   the config (default: STREAM_CONFIG, else stream.yaml, else the one of a running \`npm start\`)
  --since TIME    what an incremental source asks for begins here (ISO 8601), instead of at its own beginning
  --save          keeps the answers as a fixture beside the config: fixtures/SOURCE.json; \`config test\` polls them again
  --json          records, invalid rows and exchanges as JSON

Polls the source once, at most five pages. No queue, no Redis and no Kafka is touched; the provider is really asked, at the
source's own rate limit. A source of type mqtt is listened to for 10 s, with a session of its own that takes nothing from
those of the workers; for one of type push the command is shown that sends a record. Secrets are cut from all that is shown and
saved. Exit code 1 when the poll would have failed, or nothing could be saved.
`;

export const sourcesInitUsage = `npm run streamctl -- sources init TYPE [--all]
  TYPE    ${sourceTypes.join(', ')}
  --all   every key of a source, not only the usual ones

Prints a config with just that source, commented: redirect it into stream.yaml.
`;

export const configTestUsage = `npm run streamctl -- config test [SOURCE …] [--config FILE]
  --config FILE   the config (default: STREAM_CONFIG, else stream.yaml, else the one of a running \`npm start\`)

Checks the config and polls the fixtures beside it again (fixtures/SOURCE.json, saved by \`sources test SOURCE --save\`): no
network, no secrets. Exit code 1 when records, topics, keys, priorities or refused rows are others than they were saved.
`;
