// Config section `routing`: which topic a record goes to when its source names none, and which records are raised.
import { z } from 'zod';
import { priorities } from '../../records/priority.ts';
import { choice, expression, fieldFacts, flag, formedText, topicName } from '../fields.ts';

const operators = ['equals', 'matches', 'above', 'below', 'exists'] as const;

const condition = z
  .strictObject({
    field: formedText(
      'Field of the record that is looked at: a name in `data`, in camelCase or snake_case, or a path with dots.',
      {
        expects: 'a field name, or a path with dots such as location.latitude',
        fits: /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+){0,15}$/,
        example: 'severity',
      },
    ),
    equals: z
      .union([z.string().max(1_000), z.number(), z.boolean()])
      .describe('The field has exactly this value.')
      .register(fieldFacts, { expects: 'a text, a number, true or false' })
      .optional(),
    matches: expression(
      'The text of the field matches this regular expression. It runs on every record of the source: patterns like `(a+)+` can take very long on long texts.',
    ).optional(),
    above: z
      .number()
      .describe('The field is a number above this one.')
      .register(fieldFacts, { expects: 'a number' })
      .optional(),
    below: z
      .number()
      .describe('The field is a number below this one.')
      .register(fieldFacts, { expects: 'a number' })
      .optional(),
    exists: flag('The field is there and not null (`true`), or it is not (`false`).').optional(),
  })
  .superRefine((when, context) => {
    const given = operators.filter((operator) => when[operator] !== undefined);
    if (given.length !== 1)
      context.addIssue({
        code: 'custom',
        message: `must have exactly one of ${operators.join(', ')}${given.length === 0 ? '' : `, and has ${given.join(' and ')}`}`,
        params: { involves: operators, inside: true },
      });
  })
  .describe('Condition: a field and exactly one of `equals`, `matches`, `above`, `below`, `exists`.')
  .register(fieldFacts, {
    expects: `a map with field and one of ${operators.join(', ')}`,
    example: { field: 'severity', equals: 'Extreme' },
  });

const rule = z
  .strictObject({
    when: condition,
    topic: topicName('Topic of the records that meet the condition.').optional(),
    priority: choice('Priority of the records that meet the condition; it only raises.', priorities).optional(),
  })
  .superRefine((one, context) => {
    if (one.topic === undefined && one.priority === undefined)
      context.addIssue({
        code: 'custom',
        message: 'must have a topic or a priority',
        params: { involves: ['topic', 'priority'], inside: true },
      });
  })
  .register(fieldFacts, { expects: 'a map with when, topic, priority' });

const pattern = z
  .strictObject({
    match: expression(
      'Regular expression on the lower-cased source id, in which `-` reads as `_`. Runs once per chunk; patterns like `(a+)+` can take very long.',
    ),
    topic: topicName('Topic of the sources that match.'),
  })
  .register(fieldFacts, { expects: 'a map with match, topic' });

export const routingSchema = z
  .strictObject({
    custom: z
      .record(z.string(), topicName('Topic of that source.'))
      .describe('Topic by source id, before rules and patterns.')
      .register(fieldFacts, { expects: 'a map of source ids to topics', namedBySource: true })
      .default({}),
    rules: z
      .array(rule)
      .max(200)
      .describe(
        'Rules on the content of records, in order; the first with a topic decides the topic. They stand before the built-in ones: NWS severity Extreme is critical, Severe at least high; FIRMS confidence high with more than 100 MW is critical.',
      )
      .register(fieldFacts, { expects: 'a list of at most 200 rules' })
      .default([]),
    patterns: z
      .array(pattern)
      .max(200)
      .describe('Topics by patterns on the source id, in order, before the built-in ones.')
      .register(fieldFacts, { expects: 'a list of at most 200 patterns' })
      .default([]),
    default: topicName('Topic of everything that nothing else decides.').default('wildfire-data'),
  })
  .describe(
    'Which topic a record goes to when its source sets no `topic`. Order: `custom`, `rules`, `patterns`, `default`.',
  )
  .prefault({});
