/** Takes a problem. The text before its first colon is its kind. */
export type Report = (problem: string) => void

/** Collects problems: at most so many of each kind, and how many more there are. */
export const collecting = (most = 10) => {
  const counts = new Map<string, number>()
  const problems: Array<string> = []
  const report: Report = (problem) => {
    const kind = problem.slice(0, problem.indexOf(":"))
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    if (count <= most) problems.push(problem)
  }
  const collected = (): ReadonlyArray<string> => [
    ...problems,
    ...[...counts].flatMap(([kind, count]) => (count > most ? [`${kind}: ${count - most} more`] : []))
  ]
  return { report, collected }
}
