// A module of the user's own may give a promise where the answer itself is asked for. The answer is refused, and nobody waits for
// the promise; its rejection would be one that nobody hears, which ends the whole process. So it is heard here.

/** Gives back what it was given; if that is a promise, its rejection harms nobody. The caller says what is wrong with it. */
export const heard = <T>(answer: T): T => {
  if (answer instanceof Promise) answer.catch(() => {});
  return answer;
};
