// Keeps account of every record that the store ever remembered, from its answers and from what lies in Redis alone
// (never from the model): what the chunk protocol promises is checked here.
import type { AdmitResult } from '../../src/queues/chunk-store.ts';
import { contentsOf, type Picture } from './chunk-store-bundle.ts';
import type { Row } from './chunk-store-model.ts';

/** One time that an id was remembered with one content. A flip back, or a return after being forgotten, is another. */
interface Entry extends Row {
  fate:
    | { readonly kind: 'in chunk' | 'set aside' | 'kept as letter'; readonly chunkId: string }
    | { readonly kind: 'published' | 'letter' | 'dropped' };
}

/** An admit, with what lay in Redis before and after it. */
export interface AdmittedAct {
  readonly rows: readonly Row[];
  readonly ignoreCorrections: boolean;
  readonly before: Picture;
  readonly after: Picture;
}

/** The ledger of one source. Each act gives what is wrong, in words; an empty list is right. */
export const createRecordLedger = () => {
  const latest = new Map<number, Entry>();
  const entries: Entry[] = [];
  const forgotten = new Set<number>();
  let remembered = new Set<number>();

  const enter = ({ id, revision }: Row, fate: Entry['fate'], faults: string[]): void => {
    const before = latest.get(id);
    if (before?.revision === revision && !forgotten.has(id))
      faults.push(`record ${id} revision ${revision} was taken twice`);
    forgotten.delete(id);
    const entry = { id, revision, fate };
    latest.set(id, entry);
    entries.push(entry);
  };

  const inChunk = (chunkId: string): Entry[] =>
    entries.filter((entry) => entry.fate.kind === 'in chunk' && entry.fate.chunkId === chunkId);
  const dropAs = (chunkId: string, isKept: boolean): Entry['fate'] =>
    isKept ? { kind: 'set aside', chunkId } : { kind: 'dropped' };

  return {
    admitted: (chunkId: string, act: AdmittedAct, result: AdmitResult): readonly string[] => {
      const faults: string[] = [];
      // Ids of the generation before the last are forgotten by the rotation, before the chunk is looked at.
      const isRotated = act.before.generation !== null && act.before.generation !== act.after.generation;
      if (isRotated) for (const id of act.before.previous.keys()) if (!act.before.current.has(id)) forgotten.add(id);
      const seen = isRotated ? act.before.current : new Map([...act.before.previous, ...act.before.current]);
      const fresh = act.rows.filter(({ id, revision }, at) => {
        const isLast = act.rows.findLastIndex((other) => other.id === id) === at;
        const known = seen.get(id);
        return isLast && (known === undefined || (known !== revision && !act.ignoreCorrections));
      });
      const known = result.status === 'already' ? 0 : result.known;
      if (known !== act.rows.length - fresh.length)
        faults.push(`${known} of ${act.rows.length} known, ${fresh.length} fresh`);
      if (result.status === 'stored') {
        for (const victim of result.evicted) {
          const lost = inChunk(victim.chunkId);
          if (lost.length !== victim.records)
            faults.push(`${victim.chunkId} lost ${lost.length}, counted ${victim.records}`);
          for (const entry of lost) entry.fate = dropAs(victim.chunkId, victim.isKept === true);
        }
        for (const row of fresh) enter(row, { kind: 'in chunk', chunkId }, faults);
      }
      if (result.status === 'dropped')
        for (const row of fresh) enter(row, dropAs(chunkId, result.isKept === true), faults);
      return faults;
    },
    remembered: (rows: readonly Row[]): void => {
      // A letter may be remembered again: not a fault.
      for (const row of rows) enter(row, { kind: 'letter' }, []);
    },
    /** The letters of a chunk that was set aside lie there. */
    kept: (chunkId: string): void => {
      for (const entry of entries)
        if (entry.fate.kind === 'set aside' && entry.fate.chunkId === chunkId)
          entry.fate = { kind: 'kept as letter', chunkId };
    },
    /** Of the chunk's records that are done now, `publishedMax` at most were published; the others became letters. */
    settled: (chunkId: string, done: readonly Row[], publishedMax: number): void => {
      let publishedNow = 0;
      for (const entry of inChunk(chunkId)) {
        if (!done.some((row) => row.id === entry.id && row.revision === entry.revision)) continue;
        entry.fate = publishedNow++ < publishedMax ? { kind: 'published' } : { kind: 'letter' };
      }
    },
    /** Compares the account with what lies in Redis. */
    faults: (picture: Picture): readonly string[] => {
      const faults: string[] = [];
      const live = new Set<string>();
      for (const chunk of picture.chunks)
        for (const content of contentsOf(chunk).filter((one) => !one.done))
          live.add(`${chunk.chunkId} ${content.id}/${content.revision}`);
      const held = entries.flatMap((entry) =>
        entry.fate.kind === 'in chunk' ? [`${entry.fate.chunkId} ${entry.id}/${entry.revision}`] : [],
      );
      // Equal sets of equal size: nothing lost, nothing twice.
      if (held.length !== live.size) faults.push(`${held.length} records should lie in chunks, ${live.size} do`);
      for (const one of held) if (!live.has(one)) faults.push(`${one} should lie there and does not`);

      const aside = new Set<string>();
      for (const chunk of picture.setAside)
        for (const content of contentsOf(chunk).filter((one) => !one.done))
          aside.add(`${chunk.chunkId} ${content.id}/${content.revision}`);
      for (const { id, revision, fate } of entries)
        if (fate.kind === 'set aside' && !aside.delete(`${fate.chunkId} ${id}/${revision}`))
          faults.push(`${fate.chunkId} ${id}/${revision} was dropped and is neither set aside nor a letter`);
      // What is left has its letters already, and whoever made them was killed before it removed it.
      for (const { id, revision, fate } of entries)
        if (fate.kind === 'kept as letter') aside.delete(`${fate.chunkId} ${id}/${revision}`);
      for (const one of aside) faults.push(`${one} is set aside and was never dropped`);

      const seen = new Map([...picture.previous, ...picture.current]);
      for (const [id, revision] of seen) {
        const entry = latest.get(id);
        if (entry?.revision !== revision) faults.push(`${id} is seen as ${revision} but has no fate as that`);
      }
      for (const id of remembered) if (!seen.has(id)) forgotten.add(id);
      remembered = new Set(seen.keys());

      const count = (kind: Entry['fate']['kind']) => entries.filter((entry) => entry.fate.kind === kind).length;
      const droppedThere = Object.entries(picture.dropped)
        .filter(([field]) => !field.endsWith(':rejected'))
        .reduce((sum, [, records]) => sum + records, 0);
      const droppedInAll = count('dropped') + count('set aside') + count('kept as letter');
      if (droppedThere !== droppedInAll) faults.push(`${droppedInAll} were dropped, ${droppedThere} are counted`);
      if (picture.published !== count('published'))
        faults.push(`${count('published')} published, ${picture.published} counted`);
      return faults;
    },
  };
};
