// The least that a lag threshold given as a time stands for. Apart from the schema, so that the throttle's pure room needs no
// zod for two numbers.

/** A threshold given as a time never means fewer records than these (the owner's numbers). */
export const lagFloors = { targetRecords: 1_000, criticalRecords: 5_000 } as const;
