import { PgClient } from "@effect/sql-pg"
import { PgStores } from "@hexfold/adapters-pg"
import { Executor, Projection, View, ViewStore } from "@hexfold/core"
import { Duration, Effect, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import { setTimeout as sleep } from "node:timers/promises"
import { Begun, Counter, Increment } from "./counter.ts"
import { fibers } from "./fibers.ts"
import { alternate, type Report } from "./measure.ts"

const increment = new Increment({ by: 1 })
const number = 256
const count = 12_000
const lease = Duration.seconds(10)

/** Views that follow another aggregate than the one of the commands. */
const foreign = (many: number): ReadonlyArray<View.Any> =>
  Array.from({ length: many }, (_, i) =>
    View.make(`Foreign${i}`, {
      from: [Begun],
      state: Schema.Int,
      evolve: { Incremented: (sum = 0, { by }) => sum + by }
    })
  )

const runtimeOf = (url: string, schema: string, views: ReadonlyArray<View.Any>) => {
  const stores = Layer.provide(PgStores.layer({ schema }), PgClient.layer({ url: Redacted.make(url) }))
  return ManagedRuntime.make(Layer.provideMerge(Projection.layer(views, { lease }), stores))
}

const status = Effect.flatMap(ViewStore.ViewStore, ({ status }) => status)

/** The epochs of all views, once each has an owner. */
const owned = (many: number): Effect.Effect<ReadonlyMap<string, number>, unknown, ViewStore.ViewStore> =>
  Effect.flatMap(status, (all) => {
    const parts = all.flatMap(({ parts, view }) => parts.map(({ epoch, owner }) => ({ view, epoch, owner })))
    return parts.length === many && parts.every(({ owner }) => owner !== undefined)
      ? Effect.succeed(new Map(parts.map(({ epoch, view }) => [view, epoch])))
      : Effect.andThen(Effect.sleep("500 millis"), owned(many))
  })

/** Commands beside 20 views that follow other aggregates. */
const beside = async (url: string): Promise<Report> => {
  const contenders = [0, 20].map((many) => ({ many, runtime: runtimeOf(url, `bench_idle_${many}`, foreign(many)) }))
  for (const { many, runtime } of contenders) await runtime.runPromise(owned(many))
  const measured = await alternate(
    contenders.map(({ many, runtime }) => ({
      name: many === 0 ? "without a view" : `beside ${many} views of another aggregate`,
      count,
      run: (round) =>
        runtime.runPromise(fibers(number, count, (i) => Executor.execute(Counter, `${round}-${i}`, increment)))
    })),
    9
  )
  for (const { runtime } of contenders) await runtime.dispose()
  return {
    title: `Postgres: commands on new counters beside views of another aggregate, ${number} callers`,
    measured,
    bars: [{ claim: "beside 20 views / without", figure: measured[1]!.median / measured[0]!.median, atLeast: 0.9 }]
  }
}

/** 2,000 views of one process, which handle one event each now and then, for three leases. */
const many = async (url: string): Promise<Report> => {
  const views = foreign(2_000)
  const runtime = runtimeOf(url, "bench_idle_many", views)
  const start = performance.now()
  const before = await runtime.runPromise(owned(views.length))
  const begun = performance.now() - start
  const until = performance.now() + 3 * Duration.toMillis(lease)
  const waits: Array<number> = []
  for (let i = 0; performance.now() < until; i++) {
    const asked = performance.now()
    await runtime.runPromise(Executor.execute(Begun, `${i}`, increment).pipe(Projection.waitFor(views.slice(-1))))
    waits.push(performance.now() - asked)
    await sleep(5_000)
  }
  const after = await runtime.runPromise(owned(views.length))
  await runtime.dispose()
  return {
    title: "Postgres: 2,000 views of one process, for three leases",
    measured: [],
    bars: [
      {
        claim: "views that have lost their owner",
        figure: views.filter(({ name }) => before.get(name) !== after.get(name)).length,
        atMost: 0
      },
      { claim: "seconds until all have an owner", figure: begun / 1_000 },
      { claim: "the longest wait for an event that all of them handle, ms", figure: Math.max(...waits) }
    ]
  }
}

/** What views cost that have nothing to do. */
export const idle = async (url: string): Promise<ReadonlyArray<Report>> => [await beside(url), await many(url)]
