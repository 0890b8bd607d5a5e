// Everything in one process: `npm run stream-manager`.
import { runProcess } from '@stream-manager/shared/ops/run-process';
import { composeStreamManager } from './compose.ts';

await runProcess({ role: 'stream-manager', compose: composeStreamManager, secrets: 'required', defaultPort: 8080 });
