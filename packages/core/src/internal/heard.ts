/** When this process has heard of the first event that a live answer shows and the one before did not, in milliseconds. */
const times = new WeakMap<object, number>()

/** Says it of an answer. Nothing is known of the first answer to a question, or of one that is no object. */
export const mark = (answer: unknown, time: number | undefined): void => {
  if (time !== undefined && typeof answer === "object" && answer !== null) times.set(answer, time)
}

/** The time of an answer. */
export const heardAt = (answer: unknown): number | undefined =>
  typeof answer === "object" && answer !== null ? times.get(answer) : undefined
