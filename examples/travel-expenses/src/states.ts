import { type Aggregate, type EventDecodeError, EventStore, type EventStoreError } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
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
): Effect.Effect<ReadonlyMap<Id, State>, EventStoreError | EventDecodeError, EventStore.EventStore> =>
  Effect.gen(function* () {
    const store = yield* EventStore.EventStore
    const codec = EventCodec.of(aggregate)
    const states = new Map<Id, State>()
    yield* Stream.runForEach(store.readAll({ aggregates: [aggregate.name] }), (recorded) =>
      Effect.map(Effect.fromResult(codec.decode(recorded)), (event) => {
        const id = Option.getOrThrow(aggregate.idOf(recorded.streamId))
        states.set(id, aggregate.evolve(states.get(id) ?? aggregate.initial, event))
      })
    )
    return states
  })
