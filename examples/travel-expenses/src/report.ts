import Table from "cli-table3"
import type * as Budget from "./Budget.ts"
import { type State, Status } from "./Declaration.ts"
import type { Outcome } from "./replay.ts"

const count = new Intl.NumberFormat("en")
const money = new Intl.NumberFormat("en", { style: "currency", currency: "EUR" })

/** The report at the end of a run, as a table. */
export const report = (
  outcome: Outcome,
  malformed: number,
  states: ReadonlyMap<string, State>,
  budgets: ReadonlyMap<string, Budget.State>,
  seconds: number
): string => {
  const table = new Table({ style: { head: [], border: [] }, colAligns: ["left", "right"] })
  const rejected = [...outcome.rejected].sort(([a], [b]) => (a < b ? -1 : 1))
  const rows = outcome.accepted + rejected.reduce((sum, [, n]) => sum + n, 0)
  const line = (name: string, n: number) => table.push([name, count.format(n)])
  line("rows", rows + malformed)
  if (malformed > 0) line("malformed, skipped", malformed)
  line("accepted", outcome.accepted)
  if (outcome.repeated > 0) line("  of these executed before", outcome.repeated)
  for (const [error, n] of rejected) line(`rejected: ${error}`, n)
  const all = [...states.values()]
  for (const status of Status.literals) {
    const n = all.filter((state) => state.status === status).length
    if (n > 0) line(`declarations ${status}`, n)
  }
  const paid = all.reduce((cents, state) => (state.status === "paid" ? cents + state.cents : cents), 0)
  table.push(["total paid", money.format(paid / 100)])
  const largest = [...budgets].sort(([, a], [, b]) => b.spent - a.spent).slice(0, 5)
  for (const [id, { granted, spent }] of largest) {
    table.push([`spent of ${id}`, `${money.format(spent / 100)} of ${money.format(granted / 100)}`])
  }
  line("commands per second", Math.round(rows / seconds))
  return table.toString()
}
