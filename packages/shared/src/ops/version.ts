// The version of StreamManager, as shown in heartbeats, user agents and the dashboard.
import manifest from '../../package.json' with { type: 'json' };

/** Semantic version of this build. */
export const version: string = manifest.version;
