// The producer worker as a process: `npm run producer-worker`.
import { runProcess } from '@stream-manager/shared/ops/run-process';
import { composeProducerWorker } from './compose.ts';

await runProcess({ role: 'producer-worker', compose: composeProducerWorker, secrets: 'optional', defaultPort: 0 });
