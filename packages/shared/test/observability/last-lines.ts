// A process that has two lines to say before it exits.
import { createLogger } from '../../src/observability/logger.ts';

const logger = createLogger({ role: 'last-lines', instance: 'test' });
process.once('SIGTERM', () => {
  logger.info('stopping');
  logger.info('stopped');
  process.exit(0);
});
setInterval(() => {}, 1_000);
// Last: whoever reads it may send the signal at once.
logger.info('up');
