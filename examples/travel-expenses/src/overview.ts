import { Query, Records, type ViewStore } from "@hexfold/core"
import { DateTime, Effect, Option, Stream } from "effect"
import { historyTable, leadTimeChart, spendingChart, statusChart } from "./charts.ts"
import { declarationsByStatus, leadTimes } from "./figures.ts"
import { Declarations, Histories, LeadTimes, Spending } from "./views.ts"

/** Prints the contents of the views as texts for a terminal. */
export const overview: Effect.Effect<string, Records.QueryError, ViewStore.ViewStore> = Effect.gen(function* () {
  const declarations = yield* all(Declarations, Query.from(Declarations, { select: ["status", "cents"], limit: 1_000 }))
  const times = yield* all(LeadTimes, Query.from(LeadTimes, { select: ["steps"], limit: 1_000 }))
  const months = yield* all(Spending, Query.from(Spending, { orderBy: ["budget", "month"], limit: 1_000 }))
  const byLength = Query.from(Histories, { orderBy: [["step", "desc"], "declaration"], limit: 1 })
  const [longest] = (yield* Records.query(Histories, byLength)).rows
  const parts = [
    `Declarations by status\n${statusChart(declarationsByStatus(declarations))}`,
    `From step to step\n${leadTimeChart(leadTimes(times))}`,
    `Spending by budget and month\n${spendingChart(months)}`
  ]
  if (longest !== undefined) {
    const { declaration } = longest.state
    const steps = yield* all(
      Histories,
      Query.from(Histories, { where: ({ eq }) => eq("declaration", declaration), orderBy: ["step"], limit: 1_000 })
    )
    const rows = steps.map((step) => ({ ...step, at: DateTime.formatIso(step.at).slice(0, 16).replace("T", " ") }))
    parts.push(`The longest history: ${declaration}\n${historyTable(rows)}`)
  }
  return parts.join("\n\n")
})

// Reads the records in pages, so that no answer is larger than a page.
const all = <Row>(view: Query.Versioned<unknown>, query: Query.Query<Row>) =>
  Stream.paginate(query, (page) =>
    Effect.map(
      Records.query(view, page),
      ({ next, rows }) =>
        [
          rows.map(({ state }) => state),
          next === undefined ? Option.none<Query.Query<Row>>() : Option.some(Query.after(query, next))
        ] as const
    )
  ).pipe(Stream.runCollect)
