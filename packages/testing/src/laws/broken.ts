import { printed, thrownText } from "../histories/printed.ts"

/** A law that a history breaks. */
export interface Broken {
  readonly law: string
  readonly detail: string
  /** What was thrown, if something was. */
  readonly cause?: unknown
}

/** What a predicate says. One that throws does not hold. */
export const broken = (law: string, holds: () => boolean, detail: () => string): Broken | undefined => {
  try {
    const answer: unknown = holds()
    // A promise would be true, whatever it comes to.
    if (typeof answer !== "boolean")
      throw new TypeError(`it has returned ${printed(answer)}, and neither true nor false`)
    return answer ? undefined : { law, detail: detail() }
  } catch (thrown) {
    return { law, detail: `${detail()} The predicate has thrown ${thrownText(thrown)}.`, cause: thrown }
  }
}
