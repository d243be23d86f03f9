/** A change that what is stored does not survive. */
export interface Problem {
  /** What has changed: an event and its version, a history, the state. */
  readonly where: string
  /** What was, and what is now, with the field. */
  readonly what: string
  /** What to do about it. */
  readonly remedy: string
}

/** The problems, each once. */
export const distinct = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> => [
  ...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()
]

/** What is wrong, and what to do, one paragraph for each problem. */
export const textOf = (problems: ReadonlyArray<Problem>): string => {
  const shown = problems.slice(0, mostShown)
  const more = problems.length - shown.length
  return [
    ...shown.map(({ remedy, what, where }) => `${where}: ${what}.\n  ${remedy}`),
    ...(more > 0 ? [`… and ${more} more`] : [])
  ].join("\n\n")
}

const mostShown = 20
