// The scheduler as a process of its own: `npm run scheduler`.
import { runProcess } from '@stream-manager/shared/ops/run-process';
import { composeScheduler } from './compose.ts';

await runProcess({ role: 'scheduler', compose: composeScheduler, secrets: 'optional', defaultPort: 8080 });
