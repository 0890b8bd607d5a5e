// A copy of a body, made while its source reads it: hashed, and packed as it comes, so that a large answer never lies in
// memory a second time. What is too large, or holds a secret of the request, is only hashed.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { constants, createGzip, type Gzip, gunzip } from 'node:zlib';
import { StreamManagerError } from '@stream-manager/shared/failures/errors';
import type { Redactor } from './secrets.ts';

/** Larger bodies are not kept in the cache, in bytes before they are packed. */
export const largestCopyBytes = 8 * 1024 * 1024;

/** Up to this a body is not packed, in bytes. */
const smallBytes = 16 * 1024;

/** Longest form of a secret that is found across two pieces, in bytes. */
const edgeBytes = 2_048;

/** What was copied. */
export interface CopiedBody {
  /** Hash of the bytes before they were packed: 43 base64url characters of SHA-256. */
  readonly answer: string;
  readonly bodyBytes: number;
  /** Null: it cannot be kept. */
  readonly kept: { readonly bytes: Buffer; readonly isPacked: boolean } | null;
}

/** A copy that is being made. */
export interface AnswerCopy {
  /** In the order of the body. Never rejects. */
  add(piece: Buffer): Promise<void>;
  /** After the last piece. Never rejects. */
  end(): Promise<CopiedBody>;
  /** Lets go of what it holds. Idempotent, also after `end`. */
  drop(): void;
}

/** Starts a copy. `redact` finds secrets; `isKept`: otherwise it is only hashed. */
export const startCopy = (options: { readonly redact: Redactor; readonly isKept: boolean }): AnswerCopy => {
  const { redact } = options;
  const hash = createHash('sha256');
  let bodyBytes = 0;
  let isKept = options.isKept;
  let small: Buffer[] = [];
  let packer: Gzip | null = null;
  let packed: Buffer[] = [];
  let edge = Buffer.alloc(0);

  const drop = (): void => {
    isKept = false;
    packer?.destroy();
    packer = null;
    small = [];
    packed = [];
  };
  const holdsSecret = (piece: Buffer): boolean => {
    const text = Buffer.concat([edge, piece]).toString('utf8');
    edge = Buffer.from(
      piece.length >= edgeBytes ? piece.subarray(-edgeBytes) : Buffer.concat([edge, piece]).subarray(-edgeBytes),
    );
    return redact(text) !== text;
  };
  const openPacker = (): Gzip => {
    const opened = createGzip({ level: constants.Z_BEST_SPEED });
    opened.on('data', (chunk: Buffer) => packed.push(chunk));
    // Not of this body's making: then it is not kept.
    opened.on('error', drop);
    return opened;
  };
  const pack = async (piece: Buffer): Promise<void> => {
    packer ??= openPacker();
    if (!packer.write(piece)) await once(packer, 'drain').catch(drop);
  };

  return {
    add: async (piece) => {
      hash.update(piece);
      bodyBytes += piece.length;
      if (!isKept) return;
      if (bodyBytes > largestCopyBytes || holdsSecret(piece)) drop();
      else if (bodyBytes <= smallBytes) small.push(Buffer.from(piece));
      else {
        for (const earlier of small.splice(0)) await pack(earlier);
        if (isKept) await pack(piece);
      }
    },
    end: async () => {
      const answer = hash.digest('base64url');
      let kept: CopiedBody['kept'] = null;
      if (isKept && packer === null) kept = { bytes: Buffer.concat(small), isPacked: false };
      else if (isKept && packer !== null) {
        const ended = once(packer, 'end').catch(drop);
        packer.end();
        await ended;
        if (isKept) kept = { bytes: Buffer.concat(packed), isPacked: true };
      }
      drop();
      return { answer, bodyBytes, kept };
    },
    drop,
  };
};

const unpackAll = promisify(gunzip);

/** The bytes of a body that was kept. Rejects if they are not what was copied. */
export const unpackCopy = async (bytes: Buffer, isPacked: boolean, answer: string): Promise<Buffer> => {
  const body = isPacked ? await unpackAll(bytes, { maxOutputLength: largestCopyBytes }) : bytes;
  if (createHash('sha256').update(body).digest('base64url') !== answer)
    throw new StreamManagerError(
      'response_unreadable',
      'an answer in the response cache is not the one that was stored',
    );
  return body;
};
