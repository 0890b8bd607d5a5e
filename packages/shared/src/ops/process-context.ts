// What a composition root is given: everything of the process that exists once, whatever roles it plays.

import type { Router } from 'express';
import type { Redis } from 'ioredis';
import type { Config } from '../config/schema.ts';
import type { Extensions } from '../extensions/extensions.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { RetiredSources } from '../queues/known-sources.ts';
import type { RedisMemory } from '../queues/redis-memory.ts';
import type { ProcessFacts } from './facts.ts';
import type { Health } from './health.ts';
import type { Instance } from './heartbeat.ts';
import type { Service } from './service.ts';

/** The process, as its parts see it. */
export interface ProcessContext {
  readonly config: Config;
  /** Sources of earlier configs that this one does not have: they may still hold records. */
  readonly retired: RetiredSources;
  /** 12 hex digits, the same on every process with this config. */
  readonly configVersion: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly instance: Instance;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  /** What the process tells the fleet in its heartbeat. */
  readonly facts: ProcessFacts;
  /** Whether Redis has memory left: asked before anything is admitted. */
  readonly redisMemory: RedisMemory;
  /** Modes and sources of the user's own; absent: none. */
  readonly extensions?: Extensions;
  /** `LoadedConfig.variables`: secret, whatever they are called; absent: none. */
  readonly variables?: readonly string[];
  /** Shared client for commands and queues; workers make their own blocking connection from it. */
  readonly redis: Redis;
}

/** What a composition root makes of it: one service, and the routes it wants on the process' HTTP server. */
export interface Composition extends Service {
  readonly routes?: Router;
  /** Takes no new polls; resolves when those that run have ended and their records are in the queues. What is queued goes on. */
  finishIntake?(): Promise<void>;
}

/** A composition root. It makes the real adapters and starts nothing yet. */
export type Compose = (context: ProcessContext) => Composition;
