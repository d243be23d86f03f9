import { assert, it } from "@effect/vitest"
import { Projection, ProjectionStore, Query, Subscription, ViewStore } from "@hexfold/core"
import { Deferred, Effect, Stream } from "effect"
import { describe } from "vitest"
import { Activity, deposited, eventually, reaches, stores } from "../../support/projected.ts"

describe("a live query, of a view that a projection of the same process commits while the store says how far it is", () => {
  it.effect("shows the result all the same", () =>
    Effect.gen(function* () {
      const views = yield* ViewStore.ViewStore
      const records = yield* ProjectionStore.ProjectionStore
      const asked = yield* Deferred.make<void>()
      const answered = yield* Deferred.make<void>()
      let isHeld = false
      // What the store answers is from before the commit, and comes after it.
      const slow: ViewStore.ViewStore["Service"] = {
        ...views,
        status: Effect.flatMap(views.status, (status) =>
          isHeld
            ? Effect.as(Effect.andThen(Deferred.succeed(asked, undefined), Deferred.await(answered)), status)
            : Effect.succeed(status)
        )
      }
      const committing: ProjectionStore.ProjectionStore["Service"] = {
        ...records,
        commit: (...args) =>
          Effect.andThen(
            Effect.suspend(() => (isHeld ? Deferred.await(asked) : Effect.void)),
            records.commit(...args)
          )
      }
      yield* deposited("a", 1)
      yield* Projection.catchUp(Activity)
      yield* Effect.gen(function* () {
        const sums: Array<number> = []
        yield* Effect.forkScoped(Projection.run(Activity))
        yield* Subscription.query(Activity, Query.from(Activity, { where: ({ gt }) => gt("sum", 0), limit: 1 })).pipe(
          Stream.runForEach(({ rows }) => Effect.sync(() => sums.push(rows[0]!.state.sum))),
          Effect.forkScoped({ startImmediately: true })
        )
        yield* eventually(Effect.sync(() => sums.length === 1))
        isHeld = true
        yield* deposited("a", 2)
        yield* Deferred.await(asked)
        yield* Effect.provideService(reaches(Activity, 2), ViewStore.ViewStore, views)
        isHeld = false
        yield* Deferred.succeed(answered, undefined)
        yield* eventually(Effect.sync(() => sums.length === 2))
        assert.deepStrictEqual(sums, [1, 3])
      }).pipe(
        Effect.provideService(ViewStore.ViewStore, slow),
        Effect.provideService(ProjectionStore.ProjectionStore, committing)
      )
    }).pipe(Effect.scoped, Effect.provide(stores))
  )
})
