import { assert, it } from "@effect/vitest"
import type { ProjectionStore } from "@hexfold/core"
import { Duration, Effect } from "effect"
import { describe } from "vitest"
import { newSchema, openStores, type OpenedStores } from "../support/database.ts"

const changesOf = ({ records }: OpenedStores) => Effect.map(records.status, ([status]) => status!.changes)

const commit = ({ projections }: OpenedStores, from: number, put: ProjectionStore.Changes["put"]) =>
  Effect.gen(function* () {
    const generation = { view: "Counts", version: 1 }
    const claimed = yield* projections.claim({ generation, owner: "one", lease: Duration.minutes(1) })
    const epoch = claimed._tag === "Owned" ? claimed.epoch : 0
    yield* projections.commit({ owner: { generation, epoch }, from, to: from + 1, records: { put, remove: [] } })
  })

describe("the count of changes", () => {
  it.live("grows with what a library commits that does not count", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const stores = yield* openStores({ schema })
      yield* commit(stores, 0, [{ key: "a", state: 1 }])
      // As revision 3 commits a batch.
      const moved = (to: number) => stores.sql.unsafe(`update ${schema}.view_parts set position = ${to}`)
      for (let position = 1; position < 20; position += 4) {
        const before = yield* changesOf(stores)
        yield* moved(position + 1)
        const after = yield* changesOf(stores)
        assert.isAbove(after, before)
        yield* commit(stores, position + 1, [])
        assert.strictEqual(yield* changesOf(stores), after)
        yield* moved(position + 3)
        const further = yield* changesOf(stores)
        assert.isAbove(further, after)
        yield* commit(stores, position + 3, [{ key: "a", state: position }])
        assert.isAbove(yield* changesOf(stores), further)
      }
    }).pipe(Effect.scoped)
  )
})
