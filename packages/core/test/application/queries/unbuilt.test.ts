import { describe, expect, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { type EventStore, Projection, Query, Records, Subscription, type ViewStore } from "@hexfold/core"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Activity, deposited, eventually } from "../../support/projected.ts"

const all = Query.from(Activity)
const next = { ...Activity, version: 2 }

type Asked = Effect.Effect<unknown, Subscription.QueryError, EventStore.EventStore | ViewStore.ViewStore>

const questions: ReadonlyArray<readonly [name: string, asked: Asked]> = [
  ["get", Records.get(Activity, "a")],
  ["getMany", Records.getMany(Activity, ["a", "b"])],
  ["query", Records.query(Activity, all)],
  ["page", Records.page(Activity, all)],
  ["count", Records.count(Activity, all)],
  [
    "groups",
    Records.groups(Activity, Query.groups(Activity, { by: ["sum"], values: ({ count }) => ({ n: count() }) }))
  ],
  ["a live query", Stream.runHead(Subscription.query(Activity, all))],
  ["a live count", Stream.runHead(Subscription.count(Activity, all))],
  ["a live record", Stream.runHead(Subscription.record(Activity, "a"))]
]

const of = { _tag: "NotServing", view: "Activity", version: 1 }

describe("a version of a view that does not answer", () => {
  for (const [name, asked] of questions) {
    it.effect(`fails with NotServing, also while another version answers: ${name}`, () =>
      Effect.gen(function* () {
        yield* deposited("a", 1)
        expect(yield* Effect.flip(asked)).toMatchObject({ ...of, reason: "unbuilt" })
        yield* Projection.catchUp(next)
        expect(yield* Effect.flip(asked)).toMatchObject({ ...of, reason: "unbuilt" })
        yield* Projection.catchUp(Activity)
        yield* asked
        yield* TestClock.adjust("2 minutes")
        yield* deposited("a", 1)
        yield* Projection.catchUp(next)
        expect(yield* Effect.flip(asked)).toMatchObject({ ...of, reason: "left", position: 1, lag: 1 })
      }).pipe(Effect.provide(MemoryStores.layer()))
    )
  }

  it.effect("ends a live query that was answered before", () =>
    Effect.gen(function* () {
      yield* Projection.catchUp(Activity)
      const live = yield* Effect.forkChild(Effect.flip(Stream.runDrain(Subscription.query(Activity, all))), {
        startImmediately: true
      })
      yield* TestClock.adjust("2 minutes")
      expect(live.pollUnsafe()).toBeUndefined()
      yield* Projection.catchUp(next)
      yield* deposited("a", 1)
      yield* eventually(Effect.sync(() => live.pollUnsafe() !== undefined))
      expect(yield* Fiber.join(live)).toMatchObject({ ...of, reason: "left" })
    }).pipe(Effect.provide(MemoryStores.layer()))
  )
})
