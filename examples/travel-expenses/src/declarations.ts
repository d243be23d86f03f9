import { EventCodec, type EventDecodeError, EventStore, type EventStoreError } from "@hexfold/core"
import { Effect, Option, Stream } from "effect"
import { Declaration, type State } from "./Declaration.ts"

/** The present state of every declaration in the store, by id. */
export const declarations: Effect.Effect<
  ReadonlyMap<string, State>,
  EventStoreError.EventStoreError | EventDecodeError,
  EventStore.EventStore
> = Effect.gen(function* () {
  const store = yield* EventStore.EventStore
  const codec = EventCodec.of(Declaration)
  const states = new Map<string, State>()
  yield* Stream.runForEach(store.readAll({ aggregates: [Declaration.name] }), (recorded) =>
    Effect.map(Effect.fromResult(codec.decode(recorded)), (event) => {
      const id = Option.getOrThrow(Declaration.idOf(recorded.streamId))
      states.set(id, Declaration.evolve(states.get(id) ?? Declaration.initial, event))
    })
  )
  return states
})
