// What an operator should know of a source, as /readyz shows it: one line per source made of at most one note of each
// kind, so that one kind of trouble does not hide another and ends by itself.
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Health } from '@stream-manager/shared/ops/health';

/** Kinds of notes, in the order in which they are told. */
const kinds = ['newer', 'destination', 'outage'] as const;
export type NoteKind = (typeof kinds)[number];

/** Notes on single sources. */
export interface SourceNotes {
  /** null: nothing to say any more. Costs nothing when nothing changes. */
  set(sourceId: string, kind: NoteKind, note: string | null): void;
}

/** Creates the notes of a process on top of its health. Each change is logged once. */
export const createSourceNotes = (deps: {
  readonly health: Pick<Health, 'setSourceNote'>;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}): SourceNotes => {
  const notes = new Map<string, Map<NoteKind, string>>();
  return {
    set: (sourceId, kind, note) => {
      const own = notes.get(sourceId);
      if ((own?.get(kind) ?? null) === note) return;
      const changed = own ?? new Map<NoteKind, string>();
      if (note === null) {
        changed.delete(kind);
        deps.logger.info({ sourceId, kind }, 'trouble of a source is over');
      } else {
        changed.set(kind, note);
        deps.logger.warn({ sourceId, kind, note }, 'trouble of a source');
      }
      notes.set(sourceId, changed);
      const lines = kinds.flatMap((known) => changed.get(known) ?? []);
      deps.health.setSourceNote(sourceId, lines.length === 0 ? null : lines.join('; '));
    },
  };
};
