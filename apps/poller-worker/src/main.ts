// The poller worker as a process of its own: `npm run poller-worker`.
import { runProcess } from '@stream-manager/shared/ops/run-process';
import { composePollerWorker } from './compose.ts';

await runProcess({ role: 'poller-worker', compose: composePollerWorker, secrets: 'required', defaultPort: 0 });
