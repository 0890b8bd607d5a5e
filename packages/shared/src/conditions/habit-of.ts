// How the answers of each type vary by nature. Pure.
import type { SourceType } from '../config/source-types.ts';
import type { AnswerHabit } from './answer-history.ts';

const habits: Readonly<Partial<Record<SourceType, AnswerHabit>>> = {
  'noaa-stations': 'fixed',
  'noaa-forecasts': 'fixed',
  metar: 'fixed',
  'noaa-alerts': 'events',
  'nasa-firms': 'daily',
  // Of the hour that has just begun there is nothing yet.
  airnow: 'daily',
};

/** The habit of a type; what is not known by name may vary. */
export const habitOf = (type: SourceType): AnswerHabit => habits[type] ?? 'varying';
