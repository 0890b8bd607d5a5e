// What an operator should know of a source, as /readyz shows it: one line per source made of at most one note of each
// kind, so that one kind of trouble does not hide another. Whoever meets trouble raises its note again each time, and a
// note that nobody raises any more goes by itself: chunks that succeed and chunks that fail may alternate.
import type { Logger } from '@stream-manager/shared/observability/logger';
import type { Health } from '@stream-manager/shared/ops/health';
import type { Service } from '@stream-manager/shared/ops/service';

/** Kinds of notes, in the order in which they are told. */
const kinds = ['newer', 'letters', 'destination', 'outage'] as const;
export type NoteKind = (typeof kinds)[number];

/** A note stays this long after it was last raised, in milliseconds; waiting chunks come again every few seconds. */
export const noteHoldsMs = 30_000;
const checkIntervalMs = 5_000;

/** Notes on single sources. */
export interface SourceNotes {
  /** Costs nothing when nothing changes. */
  raise(sourceId: string, kind: NoteKind, note: string): void;
}

/** The notes of a process; `check` is what its timer does. */
export interface RunningSourceNotes extends SourceNotes, Service {
  check(): void;
}

export interface SourceNotesDeps {
  readonly health: Pick<Health, 'setSourceNote'>;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Creates the notes of a process on top of its health. Begin and end of each are logged once. */
export const createSourceNotes = ({ health, logger, now }: SourceNotesDeps): RunningSourceNotes => {
  const notes = new Map<string, Map<NoteKind, { text: string; raisedAt: number }>>();
  let timer: NodeJS.Timeout | undefined;

  const tell = (sourceId: string): void => {
    const own = notes.get(sourceId);
    const lines = kinds.flatMap((kind) => own?.get(kind)?.text ?? []);
    health.setSourceNote(sourceId, lines.length === 0 ? null : lines.join('; '));
  };
  const check = (): void => {
    for (const [sourceId, own] of notes) {
      for (const [kind, { raisedAt }] of own) {
        if (now() - raisedAt <= noteHoldsMs) continue;
        own.delete(kind);
        logger.info({ sourceId, kind }, 'trouble of a source is over');
        tell(sourceId);
      }
      if (own.size === 0) notes.delete(sourceId);
    }
  };
  return {
    raise: (sourceId, kind, text) => {
      const own = notes.get(sourceId) ?? new Map<NoteKind, { text: string; raisedAt: number }>();
      notes.set(sourceId, own);
      const known = own.get(kind);
      own.set(kind, { text, raisedAt: now() });
      if (known === undefined) logger.warn({ sourceId, kind, note: text }, 'trouble of a source');
      if (known?.text !== text) tell(sourceId);
    },
    check,
    start: async () => {
      timer = setInterval(check, checkIntervalMs);
    },
    stop: async () => clearInterval(timer),
  };
};
