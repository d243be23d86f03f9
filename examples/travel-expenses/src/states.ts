import { type Aggregate, type EventReadError, EventStore, type EventStoreError, Subscription } from "@hexfold/core"
import { Effect, Option, Stream } from "effect"

/** The present states of all declarations or of all budgets in the store, by id. */
export const statesOf = <
  Name extends string,
  Id,
  State,
  Command extends Aggregate.Tagged,
  Event extends Aggregate.Tagged,
  Error
>(
  aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
): Effect.Effect<ReadonlyMap<Id, State>, EventStoreError | EventReadError, EventStore.EventStore> =>
  Effect.gen(function* () {
    const { horizons } = yield* EventStore.EventStore
    const states = new Map<Id, State>()
    const upTo = Option.getOrThrow(yield* Stream.runHead(horizons)).position
    yield* Stream.runForEach(Subscription.events([aggregate], { upTo }), ({ data, streamId }) =>
      Effect.sync(() => {
        const id = Option.getOrThrow(aggregate.idOf(streamId))
        states.set(id, aggregate.evolve(states.get(id) ?? aggregate.initial, data))
      })
    )
    return states
  })
