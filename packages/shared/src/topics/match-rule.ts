// A content rule's condition, compiled once and asked per record. A field is found in `data` under its camelCase and its
// snake_case spelling, whichever the config used.

/** `{ field, equals | matches | above | below | exists }` as in the config; exactly one of the five is given. */
export interface RuleCondition {
  /** A name in `data`, or a path with dots. */
  readonly field: string;
  readonly equals?: string | number | boolean | undefined;
  /** A regular expression, searched for in a text, or in a number or boolean written out. Case counts. */
  readonly matches?: string | undefined;
  /** The field is a number above this one. */
  readonly above?: number | undefined;
  /** The field is a number below this one. */
  readonly below?: number | undefined;
  /** true: the field is there and not null; false: it is not. */
  readonly exists?: boolean | undefined;
}

/** The `data` of a record. */
export type RecordData = Readonly<Record<string, unknown>>;

/** A text is searched up to here, so that a slow expression meets a bounded text. */
const longestSearchedText = 4_096;

const camelCase = (name: string): string => name.replace(/_+([a-zA-Z0-9])/g, (_, next: string) => next.toUpperCase());
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

const isObject = (value: unknown): value is RecordData => typeof value === 'object' && value !== null;

/** A reader of one field; undefined where the record has none. */
export const fieldReader = (field: string): ((data: RecordData) => unknown) => {
  const steps = field.split('.').map((name) => [...new Set([name, camelCase(name), snakeCase(name)])]);
  return (data) => {
    let value: unknown = data;
    for (const spellings of steps) {
      if (!isObject(value)) return undefined;
      const object = value;
      const spelling = spellings.find((name) => Object.hasOwn(object, name));
      if (spelling === undefined) return undefined;
      value = object[spelling];
    }
    return value;
  };
};

const searched = (value: unknown): string | null => {
  if (typeof value === 'string') return value.slice(0, longestSearchedText);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
};

const testOf = (condition: RuleCondition): ((value: unknown) => boolean) => {
  const { equals, matches, above, below, exists } = condition;
  if (equals !== undefined) return (value) => value === equals;
  if (above !== undefined) return (value) => typeof value === 'number' && value > above;
  if (below !== undefined) return (value) => typeof value === 'number' && value < below;
  if (exists !== undefined) return (value) => (value !== undefined && value !== null) === exists;
  if (matches === undefined) return () => false;
  const expression = new RegExp(matches);
  return (value) => {
    const text = searched(value);
    return text !== null && expression.test(text);
  };
};

/** Compiles a condition. Throws a SyntaxError for an expression that is none (the config refuses those). */
export const compileCondition = (condition: RuleCondition): ((data: RecordData) => boolean) => {
  const read = fieldReader(condition.field);
  const test = testOf(condition);
  return (data) => test(read(data));
};
