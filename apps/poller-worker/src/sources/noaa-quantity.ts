// A quantity as NWS gives it: a number with the code of its unit. A unit that nobody knows makes the row invalid, so that
// no wrong number is ever published.
import { rowFault } from './invalid-row.ts';
import { asObject, type JsonFields } from './json-fields.ts';
import { convert, type TargetUnit } from './units.ts';

/**
 * `{ value, unitCode }` in our unit; null without a value, whatever its unit is, and with a fault. `name`: of the field, for
 * messages; `key`: where the number stands.
 */
export const readQuantity = (
  fields: JsonFields,
  name: string,
  given: unknown,
  target: TargetUnit,
  key = 'value',
): number | null => {
  if (given === null) return null;
  const measured = asObject(given);
  if (measured === null) return fields.fail(rowFault('wrong_shape', name, 'a value with its unit', given));
  const value = measured[key] ?? null;
  if (value === null) return null;
  if (typeof value !== 'number' || !Number.isFinite(value))
    return fields.fail(rowFault('not_a_number', `${name}.${key}`, 'a number', value));
  const unitCode = measured['unitCode'];
  const converted = typeof unitCode === 'string' ? convert(value, unitCode, target) : null;
  return converted ?? fields.fail(rowFault('unknown_unit', `${name}.unitCode`, `a unit known for ${target}`, unitCode));
};
