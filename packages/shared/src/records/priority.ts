// The four classes of urgency and their BullMQ priorities. Class 1 is the most urgent; 0 is never used,
// because BullMQ serves a job without priority before every prioritised one.

/** A record's urgency, in the words of the config, the envelope and the metrics. */
export const priorities = ['critical', 'high', 'normal', 'low'] as const;
export type Priority = (typeof priorities)[number];

/** BullMQ priority of a class: 1 critical, 2 high, 3 normal, 4 low. */
export type PriorityClass = 1 | 2 | 3 | 4;
export const priorityClasses = [1, 2, 3, 4] as const;

const classByPriority = { critical: 1, high: 2, normal: 3, low: 4 } as const satisfies Record<Priority, PriorityClass>;

/** The BullMQ priority of a class of urgency. */
export const classOf = (priority: Priority): PriorityClass => classByPriority[priority];

/** The class of urgency of a BullMQ priority. */
export const priorityOf = (priorityClass: PriorityClass): Priority => {
  switch (priorityClass) {
    case 1:
      return 'critical';
    case 2:
      return 'high';
    case 3:
      return 'normal';
    case 4:
      return 'low';
  }
};

/** The more urgent of two. */
export const moreUrgent = (a: Priority, b: Priority): Priority => (classOf(a) <= classOf(b) ? a : b);
