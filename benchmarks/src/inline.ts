import { PgClient } from "@effect/sql-pg"
import { PgStores } from "@hexfold/adapters-pg"
import { Executor, Projection, View, ViewStore } from "@hexfold/core"
import { Effect, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import { Counter, Increment } from "./counter.ts"
import { fibers } from "./fibers.ts"
import { alternate, type Report } from "./measure.ts"

const increment = new Increment({ by: 1 })
const number = 256
const count = 12_000
const counters = 10_000

const definition = {
  from: [Counter],
  consistency: "inline",
  state: Schema.Struct({ count: Schema.Int, sum: Schema.Int }),
  evolve: {
    Incremented: (
      state: { readonly count: number; readonly sum: number } | undefined,
      { by }: { readonly by: number }
    ) => ({
      count: (state?.count ?? 0) + 1,
      sum: (state?.sum ?? 0) + by
    })
  }
} as const

/** A record for each counter. */
const PerCounter = View.make("PerCounter", definition)
/** A record for every ten counters. */
const PerTen = View.make("PerTen", { ...definition, key: (_, { id }) => String(id).slice(0, -1) || "0" })
/** A record for each of a hundred teams, to which the counters belong. */
const PerTeam = View.make("PerTeam", { ...definition, key: (_, { id }) => String(id).slice(-2) })

const runtimeOf = (url: string, schema: string, views: ReadonlyArray<View.Any>) =>
  ManagedRuntime.make(Layer.provide(PgStores.layer({ schema, views }), PgClient.layer({ url: Redacted.make(url) })))

const isInline = Effect.flatMap(ViewStore.ViewStore, ({ status }) =>
  Effect.map(status, (all) => all.length > 0 && all.every((each) => each.inline))
)

/** Commands whose appends maintain a view, against commands without one. */
export const inline = async (url: string): Promise<ReadonlyArray<Report>> => {
  const contenders = [
    { name: "without a view", views: [] },
    { name: "with an inline view by counter", views: [PerCounter] },
    { name: "with an inline view by ten counters", views: [PerTen] },
    { name: "with three inline views, two of them touched by many streams", views: [PerCounter, PerTen, PerTeam] }
  ].map(({ name, views }, i) => ({ name, views, runtime: runtimeOf(url, `bench_inline_${i}`, views) }))
  for (const { runtime, views } of contenders) {
    await runtime.runPromise(Effect.forEach(views, (view) => Projection.catchUp(view)))
  }
  const reports: Array<Report> = []
  for (const [title, idOf] of [
    ["new counters", (round: number, i: number) => `${round}-${i}`],
    ["10,000 counters", (round: number, i: number) => String((i * 7_919 + round * 104_729) % counters)]
  ] as const) {
    const measured = await alternate(
      contenders.map(({ name, runtime }) => ({
        name,
        count,
        run: (round) =>
          runtime.runPromise(fibers(number, count, (i) => Executor.execute(Counter, idOf(round, i), increment)))
      })),
      5
    )
    const [without, ...withView] = measured
    reports.push({
      title: `Postgres: commands on ${title}, one event each, ${number} callers`,
      measured,
      bars: withView.map(({ median, name }) => ({
        claim: `${name} / without`,
        figure: median / without!.median,
        atLeast: 0.5
      }))
    })
  }
  for (const { name, runtime, views } of contenders) {
    if (views.length > 0 && !(await runtime.runPromise(isInline)))
      throw new Error(`${name}: appends have ceased to maintain it`)
    await runtime.dispose()
  }
  return reports
}
