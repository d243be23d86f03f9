/** The log that the tests execute, and the records of the views after it. */
import { Query, Records, StateCache } from "@hexfold/core"
import { Effect, Option, Stream } from "effect"
import { readLog } from "../src/readLog.ts"
import { grantBudgets, replay } from "../src/replay.ts"
import { Declarations, Histories, LeadTimes, Spending } from "../src/views.ts"

export const sample = new URL("../data/sample.csv", import.meta.url).pathname

/** Executes a log as the program does. */
export const execute = (file: string) =>
  Effect.gen(function* () {
    const { rows } = yield* readLog(file, { skipMalformed: false })
    yield* grantBudgets(rows, 100_000_000)
    return yield* replay(rows, { concurrency: 64, onRow: () => {} })
  }).pipe(Effect.provide(StateCache.layer({ capacity: 1_000 })))

const rowsOf = <State>(view: Query.Versioned<State>) =>
  Stream.paginate(Query.from(view, { limit: 1_000 }), (query) =>
    Effect.map(
      Records.query(view, query),
      ({ next, rows }) => [rows, Option.map(Option.fromUndefinedOr(next), (at) => Query.after(query, at))] as const
    )
  ).pipe(Stream.runCollect)

/** All records of all views without event ids, so that two executions of one log are equal. */
export const records = Effect.gen(function* () {
  const byKey = {
    declarations: yield* rowsOf(Declarations),
    spending: yield* rowsOf(Spending),
    times: yield* rowsOf(LeadTimes)
  }
  const steps = (yield* rowsOf(Histories)).map(({ state }) => ({ key: `${state.declaration} ${state.step}`, state }))
  return Object.entries({ ...byKey, steps }).map(([view, rows]) => ({
    view,
    count: rows.length,
    states: new Map<string, unknown>(rows.map(({ key, state }) => [key, JSON.parse(JSON.stringify(state))]))
  }))
})
