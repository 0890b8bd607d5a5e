// A process that has two lines to say before it exits.
import { createLogger } from '../../src/observability/logger.ts';

const logger = createLogger({ role: 'last-lines', instance: 'test' });
logger.info('up');
process.once('SIGTERM', () => {
  logger.info('stopping');
  logger.info('stopped');
  process.exit(0);
});
setInterval(() => {}, 1_000);
