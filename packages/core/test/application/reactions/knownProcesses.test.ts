import { describe, expect, it } from "@effect/vitest"
import { Aggregate, Decision, EventStore, Executor, Process, Reactor } from "@hexfold/core"
import { Effect, Schema } from "effect"
import { stores } from "../../support/projected.ts"

const Do = Schema.TaggedStruct("Do", { step: Schema.Int })
const Done = Schema.TaggedStruct("Done", { step: Schema.Int })

const Job = Aggregate.make("Job", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Do],
  events: [Done],
  decide: { Do: ({ step }) => Decision.accept(Done.make({ step })) },
  evolve: { Done: (_, { step }) => step }
})

const Doing = Process.make("Doing", {
  from: [Job],
  to: [Job],
  start: "beginning",
  state: Schema.Int,
  initial: 0,
  on: {
    Done: {
      key: () => "one",
      react: (steps, { step }) =>
        Process.next(
          steps + 1,
          ...(step < 3 ? [Process.send(Job, `${step + 100}`, Do.make({ step: step + 100 }))] : [])
        )
    }
  }
})

describe("a process that the owner knows", () => {
  it.effect("is not read again for each step", () =>
    Effect.gen(function* () {
      const store = yield* EventStore.EventStore
      let reads = 0
      const readStreams: typeof store.readStreams = (streams, ...others) => {
        if (streams.some(({ streamId }) => streamId.startsWith("Process_"))) reads++
        return store.readStreams(streams, ...others)
      }
      for (const step of [1, 2, 3, 4]) yield* Executor.execute(Job, `${step}`, Do.make({ step }))
      yield* Reactor.catchUp(Doing).pipe(Effect.provideService(EventStore.EventStore, { ...store, readStreams }))
      expect(reads).toBe(1)
      expect((yield* Executor.load(Doing.log, "one")).state).toMatchObject({ state: 4, sending: [] })
    }).pipe(Effect.provide(stores))
  )
})
