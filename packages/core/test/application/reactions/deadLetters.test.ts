import { describe, expect, it } from "@effect/vitest"
import { ProjectionStore, Reactor } from "@hexfold/core"
import { Deferred, Effect, Fiber, Schedule, Stream } from "effect"
import { away, stores } from "../../support/projected.ts"
import { ring, ringing } from "../../support/reacting.ts"

describe("dead letters", () => {
  it.live("are never left behind by a position that is written after a commit that has failed", () =>
    Effect.gen(function* () {
      yield* ring(1, ["a"])
      yield* ring(2, ["b"])
      const store = yield* ProjectionStore.ProjectionStore
      const [arrived, gate, ended] = [
        yield* Deferred.make<void>(),
        yield* Deferred.make<void>(),
        yield* Deferred.make<void>()
      ]
      let commits = 0
      const failing: ProjectionStore.ProjectionStore["Service"] = {
        ...store,
        commit: (commit) =>
          Effect.suspend(() => {
            commits++
            // The first commit waits until another one is asked for, and fails. From the third one on the store is away.
            if (commits === 1)
              return Deferred.succeed(arrived, undefined).pipe(
                Effect.andThen(Deferred.await(gate)),
                Effect.andThen(Effect.fail(away()))
              )
            return commits === 2 ? store.commit(commit) : Effect.fail(away())
          })
      }
      const reactor = {
        ...ringing(
          (n) =>
            n === 1 ? Effect.fail("no") : Effect.andThen(Deferred.await(arrived), Deferred.succeed(ended, undefined)),
          { onPoison: "skip" }
        ),
        retry: Schedule.recurs(0)
      }
      const job = yield* Reactor.catchUp(reactor).pipe(
        Effect.provideService(ProjectionStore.ProjectionStore, failing),
        Effect.forkChild
      )
      yield* Deferred.await(ended)
      for (let i = 0; i < 100; i++) yield* Effect.yieldNow
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.exit(Fiber.join(job))
      yield* Reactor.catchUp(reactor)
      const letters = yield* Stream.runCollect(Reactor.deadLetters(reactor))
      expect(letters.map(({ position }) => position)).toEqual([1])
    }).pipe(Effect.provide(stores))
  )
})
