import { PgStores } from "@hexfold/adapters-pg"
import { Executor, Projection, Query, Records, View } from "@hexfold/core"
import { Effect, ManagedRuntime, Redacted, Schema } from "effect"
import { Counter, Increment } from "./counter.ts"
import { fibers } from "./fibers.ts"
import { percentile, type Report } from "./measure.ts"

const records = 100_000
const owners = 100

const Holdings = View.make("Holdings", {
  from: [Counter],
  state: Schema.Struct({ owner: Schema.String, total: Schema.Int, note: Schema.String }),
  indexes: [["owner", "total"], "total"],
  evolve: {
    Incremented: (_, { by }, { id }) => ({ owner: `owner ${Number(id) % owners}`, total: by, note: "x".repeat(200) })
  }
})

// What a client may send without further words: an index answers each of these, in pages of 100 records.
const HoldingsQuery = Query.schemaFor(Holdings)
const compare = (path: string, is: string, value: unknown) => ({ _tag: "Compare", path: [path], is, value })
const byTotal = [{ path: ["total"], direction: "desc" }]
const forms = {
  "records of one owner, by total": (i: number) => ({
    where: compare("owner", "eq", `owner ${i % owners}`),
    orderBy: byTotal
  }),
  "records of one owner above a total": (i: number) => ({
    where: {
      _tag: "And",
      filters: [compare("owner", "eq", `owner ${i % owners}`), compare("total", "gt", (i * 997) % records)]
    },
    orderBy: byTotal
  }),
  "records of 20 owners, by total": (i: number) => ({
    where: {
      _tag: "In",
      path: ["owner"],
      values: Array.from({ length: 20 }, (_, n) => `owner ${(i + n * 3) % owners}`)
    },
    orderBy: byTotal
  }),
  "all records, by total": () => ({ orderBy: byTotal }),
  "all records, by key": () => ({ orderBy: [] })
}

/** Queries from outside that an index answers, each with the page after it. */
export const outside = async (url: string): Promise<ReadonlyArray<Report>> => {
  const runtime = ManagedRuntime.make(PgStores.layerUrl(Redacted.make(url), { schema: "bench_outside" }))
  await runtime.runPromise(
    fibers(256, records, (i) => Executor.execute(Counter, String(i), new Increment({ by: (i * 7_919) % records })))
  )
  await runtime.runPromise(Projection.catchUp(Holdings))
  const ask = Effect.fnUntraced(function* (form: (i: number) => object, i: number) {
    const millis: Array<number> = []
    let after: string | undefined
    for (let page = 0; page < 2; page++) {
      const sent = {
        _tag: "Records",
        view: "Holdings",
        limit: 100,
        ...form(i),
        ...(after === undefined ? {} : { after })
      }
      const query = yield* Schema.decodeUnknownEffect(HoldingsQuery)(sent)
      const start = performance.now()
      const { next, rows } = yield* Records.query(Holdings, query)
      millis.push(performance.now() - start)
      if (rows.length === 0) return yield* Effect.die(new Error("the query finds nothing"))
      if (next === undefined) break
      after = next
    }
    return millis
  })
  const bars: Array<Report["bars"][number]> = []
  for (const [name, form] of Object.entries(forms)) {
    const millis: Array<number> = []
    for (let i = 0; i < 220; i++) {
      const asked = await runtime.runPromise(ask(form, i))
      if (i >= 20) millis.push(...asked)
    }
    bars.push({ claim: `${name}: p99, ms`, figure: percentile(millis, 0.99), atMost: 50 })
  }
  await runtime.dispose()
  return [{ title: "Postgres: queries from outside that an index answers, of 100,000 records", measured: [], bars }]
}
