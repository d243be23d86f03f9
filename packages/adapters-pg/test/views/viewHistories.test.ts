import { assert, it } from "@effect/vitest"
import { Aggregate, Decision, Executor, Projection, ProjectionMonitor, View } from "@hexfold/core"
import { Effect, Schema } from "effect"
import { describe } from "vitest"
import { newSchema, openStores, type OpenedStores } from "../support/database.ts"
import { on } from "../support/inlineViews.ts"

class Add extends Schema.TaggedClass<Add>()("Add", {}) {}
const Added = Schema.TaggedStruct("Added", {})

const Counter = Aggregate.make("Counter", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Add],
  events: [Added],
  errors: [],
  decide: { Add: () => Decision.accept({ _tag: "Added" }) },
  evolve: { Added: (count) => count + 1 }
})

const Counts = View.make("Counts", {
  from: [Counter],
  state: Schema.Int,
  evolve: { Added: (count = 0) => count + 1 }
})

const add = (stores: OpenedStores) => on(stores, Executor.execute(Counter, "a", new Add()))

/** The server has crashed: the log begins another history with the next append. */
const crash = ({ sql }: OpenedStores, schema: string) => sql.unsafe(`delete from ${schema}.life`)

describe("a view that a library moves on which knows no histories", () => {
  it.live("is not taken for lost, whether or not the log is in another history by then", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const stores = yield* openStores({ schema, views: [Counts] })
      yield* add(stores)
      yield* on(stores, Projection.catchUp(Counts))
      for (const _ of [1, 2]) {
        yield* crash(stores, schema)
        const { position } = yield* add(stores)
        // As revision 3 commits a batch.
        yield* stores.sql.unsafe(`update ${schema}.view_1 set state = to_jsonb(state::int + 1)`)
        yield* stores.sql.unsafe(`update ${schema}.view_parts set position = ${position}`)
        const [status] = yield* on(stores, ProjectionMonitor.status([Counts]))
        assert.strictEqual(status!.refusal, undefined)
        yield* on(stores, Projection.catchUp(Counts))
        yield* add(stores)
        yield* on(stores, Projection.catchUp(Counts))
        assert.strictEqual((yield* on(stores, Projection.verify(Counts))).different, 0)
      }
    })
  )
})
