// JSON in a field of Redis, as our stores read it.

/** What the field holds; null if it is not there, is empty, or holds no JSON (nothing of ours): the store begins anew. Pure. */
export const readStoredJson = (json: string | null | undefined): unknown => {
  if (json === null || json === undefined) return null;
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
};
