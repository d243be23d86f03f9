/** The contents of the views as tables and bars for a terminal. */
import type { ProjectionMonitor } from "@hexfold/core"
import Table from "cli-table3"
import { Duration } from "effect"
import type { declarationsByStatus, leadTimes } from "./figures.ts"

const count = new Intl.NumberFormat("en")
const money = new Intl.NumberFormat("en", { style: "currency", currency: "EUR", maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 })

const width = 30

const bar = (value: number, largest: number): string =>
  "█".repeat(largest === 0 ? 0 : Math.round((width * value) / largest))

const tableOf = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  right: ReadonlyArray<number>
) => {
  const colAligns = head.map((_, i) => (right.includes(i) ? "right" : "left"))
  const table = new Table({ head: [...head], style: { head: [], border: [] }, colAligns })
  for (const row of rows) table.push([...row])
  return table.toString()
}

const largestOf = (values: ReadonlyArray<number>): number => values.reduce((a, b) => Math.max(a, b), 0)

export const statusChart = (rows: ReturnType<typeof declarationsByStatus>): string => {
  const largest = largestOf(rows.map(({ cents }) => cents))
  return tableOf(
    ["status", "declarations", "amount", ""],
    rows.map(({ cents, n, status }) => [status, count.format(n), money.format(cents / 100), bar(cents, largest)]),
    [1, 2]
  )
}

export const leadTimeChart = (rows: ReturnType<typeof leadTimes>): string => {
  const largest = largestOf(rows.map(({ median }) => median))
  return tableOf(
    ["step", "times", "median hours", "90 % within", ""],
    rows.map(({ median, n, ninety, to }) => [
      to,
      count.format(n),
      tenths.format(median),
      tenths.format(ninety),
      bar(median, largest)
    ]),
    [1, 2, 3]
  )
}

export const spendingChart = (
  rows: ReadonlyArray<{
    readonly budget: string
    readonly month: string
    readonly cents: number
    readonly payments: number
  }>
): string => {
  const largest = largestOf(rows.map(({ cents }) => cents))
  return tableOf(
    ["budget", "month", "payments", "spent", ""],
    rows.map(({ budget, cents, month, payments }) => [
      budget,
      month,
      count.format(payments),
      money.format(cents / 100),
      bar(cents, largest)
    ]),
    [2, 3]
  )
}

export const historyTable = (
  rows: ReadonlyArray<{ readonly step: number; readonly what: string; readonly by: string | null; readonly at: string }>
): string =>
  tableOf(
    ["step", "when", "what", "by"],
    rows.map(({ at, by, step, what }) => [count.format(step), at, what, by ?? ""]),
    [0]
  )

export const projectionsTable = (views: ReadonlyArray<ProjectionMonitor.Status>): string =>
  tableOf(
    ["view", "state", "events", "behind", "seconds behind", "events/s"],
    views.map(({ age, behind, eventsPerSecond, horizon, state, view }) => [
      view,
      state,
      count.format(horizon),
      count.format(behind),
      tenths.format(Duration.toSeconds(age)),
      count.format(Math.round(eventsPerSecond))
    ]),
    [2, 3, 4, 5]
  )
