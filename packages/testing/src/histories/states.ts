import type { Aggregate } from "@hexfold/core"
import { Option } from "effect"
import type { Stream } from "./world.ts"

/** The states of the aggregates of a history. */
export interface States {
  /** The states of an aggregate after the last event, by id. Only streams with events are there. A map finds an id that is an object only by itself. */
  readonly of: <
    Name extends string,
    Id,
    State,
    Command extends Aggregate.Tagged,
    Event extends Aggregate.Tagged,
    Error
  >(
    aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
  ) => ReadonlyMap<Id, State>
}

/** The states of streams, by aggregate. */
export const statesAfter = (streams: ReadonlyArray<Stream>): States => ({
  of: (aggregate) =>
    new Map(
      streams.flatMap(({ source, state, streamId }) =>
        source.name === aggregate.name ? [[Option.getOrThrow(aggregate.idOf(streamId)), state as never]] : []
      )
    )
})
