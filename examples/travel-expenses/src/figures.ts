/** The figures that are computed from the records of the views. */
import { Status } from "./Declaration.ts"

/** The number of declarations with each status, and their total amount. A status without declarations is left out. */
export const declarationsByStatus = (
  records: Iterable<{ readonly status: Status; readonly cents: number }>
): ReadonlyArray<{ readonly status: Status; readonly n: number; readonly cents: number }> => {
  const all = Map.groupBy(records, ({ status }) => status)
  return Status.literals.flatMap((status) => {
    const of = all.get(status)
    return of === undefined ? [] : [{ status, n: of.length, cents: of.reduce((sum, { cents }) => sum + cents, 0) }]
  })
}

/** The time that declarations take to each step, in hours, the longest first. */
export const leadTimes = (
  records: Iterable<{ readonly steps: ReadonlyArray<{ readonly to: string; readonly hours: number }> }>
): ReadonlyArray<{ readonly to: string; readonly n: number; readonly median: number; readonly ninety: number }> => {
  const all = new Map<string, Array<number>>()
  for (const { steps } of records) {
    for (const { hours, to } of steps) {
      const known = all.get(to)
      if (known === undefined) all.set(to, [hours])
      else known.push(hours)
    }
  }
  return Array.from(all, ([to, hours]) => {
    const sorted = hours.toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]!
    return { to, n: hours.length, median: at(0.5), ninety: at(0.9) }
  }).sort((a, b) => b.median - a.median || (a.to < b.to ? -1 : 1))
}
