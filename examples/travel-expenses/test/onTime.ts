/** Executes a log at the times of its rows, on the clock of a TestApp. */
import { Deadline, EventStore, Query, Records } from "@hexfold/core"
import { TestApp } from "@hexfold/testing"
import { Clock, DateTime, Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Declaration } from "../src/Declaration.ts"
import { grantBudgets, replay } from "../src/replay.ts"
import type { Row } from "../src/Row.ts"

const days = 86_400_000

/** No reminder comes sooner after a row. */
const soonest = 14 * days

/** Executes the rows at their times, and lets 100 days pass after the last one. Gives how many rows were rejected. */
export const onTime = (rows: ReadonlyArray<Row>) =>
  Effect.gen(function* () {
    yield* grantBudgets(rows, 100_000_000)
    const timeOf = ({ command }: Row) => command.at.epochMilliseconds
    let quietUntil = 0
    let rejected = 0
    let last = 0
    for (const row of rows.toSorted((a, b) => timeOf(a) - timeOf(b))) {
      last = timeOf(row)
      // On Postgres the clock has gone on a little after each conflict.
      const time = Math.max(last, yield* Clock.currentTimeMillis)
      if (time < quietUntil) yield* TestClock.setTime(time)
      else {
        yield* TestApp.advanceTo(time)
        quietUntil = Math.min(yield* nextTimer, last + soonest)
      }
      const outcome = yield* replay([row], { concurrency: 1, onRow: () => {} })
      rejected += outcome.rejected.size
    }
    yield* TestApp.advanceTo(last + 100 * days)
    return rejected
  })

const nextTimer = Effect.map(
  Records.query(Deadline.Waiting, Query.from(Deadline.Waiting, { orderBy: ["at"], limit: 1 })),
  ({ rows }) => rows[0]?.state.at ?? Number.POSITIVE_INFINITY
)

/** What the process has done: when which declaration was reminded of or given up. */
export const done = Effect.gen(function* () {
  const { readAll } = yield* EventStore.EventStore
  const all = yield* readAll({ aggregates: [Declaration.name] }).pipe(
    // What an employee does has an actor.
    Stream.filter(({ metadata: { actor } }) => actor === undefined),
    Stream.runCollect
  )
  const told = all.map(({ data, streamId, type }) => {
    const { at } = data as { readonly at: string }
    return `${DateTime.formatIso(DateTime.makeUnsafe(at))} ${type === "ApproversReminded" ? "remind" : "give up"} ${streamId.slice(Declaration.name.length + 1)}`
  })
  return told.sort()
})
