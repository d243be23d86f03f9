/** The states that a stream had in the past: loaded at a moment, or one after the other. */
import * as Effect from "effect/Effect"
import * as JsonPatch from "effect/JsonPatch"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Source } from "../../domain/Participant.ts"
import type { StreamId } from "../../domain/StreamId.ts"
import type { Tagged } from "../../domain/tagged.ts"
import * as encoder from "../../internal/encoder.ts"
import { EventStoreError } from "../../ports/errors.ts"
import type { EventStore, RecordedEvent } from "../../ports/EventStore.ts"
import { Rejected } from "../../ports/Reason.ts"
import { type EventReadError, MomentNotReached } from "../events/errors.ts"
import { cutOf, type Moment } from "../events/moment.ts"
import { type DecodedEvent, decodeRecorded, foldRecorded } from "../events/recording.ts"

/** A moment of a stream: after its event with this version, or a moment of the log. */
export type StreamMoment = { readonly version: number } | Moment

/** Why the past of a stream cannot be read. */
export type PastError = EventReadError | EventStoreError | MomentNotReached

/** What one event did to a state. */
export interface Step<out State, out Event> {
  /** The event, with all that is known of it. */
  readonly event: DecodedEvent<Event>
  readonly before: State
  readonly after: State
  /**
   * How the JSON of the state has changed, as a JSON Patch (RFC 6902). Undefined if one of the two states does not match
   * the schema of the state.
   */
  readonly changes: JsonPatch.JsonPatch | undefined
}

/** What is read of a stream. */
interface Read<State, Event extends Tagged> {
  readonly store: EventStore["Service"]
  readonly aggregate: Source<string, State, Event> & {
    readonly schemas: { readonly state: Schema.Codec<State, unknown> }
  }
  readonly streamId: StreamId
  /** The end of the stream, if nothing else is said. */
  readonly at: StreamMoment | undefined
}

/** The state at a moment. No snapshot and no remembered state is used: it may be from a later one. */
export const loadAt = <State, Event extends Tagged>(
  read: Read<State, Event>
): Effect.Effect<{ readonly state: State; readonly version: number }, PastError> =>
  Effect.suspend(() => {
    let loaded = { state: read.aggregate.initial, version: 0 }
    return Stream.runForEachArray(eventsOf(read), (events) =>
      Effect.map(Effect.fromResult(foldRecorded(read.aggregate, events, loaded.state)), (state) => {
        loaded = { state, version: events.at(-1)!.version }
      })
    ).pipe(Effect.map(() => loaded))
  })

/** What each event did. An event that was split into several makes as many steps. */
export const historyOf = <State, Event extends Tagged>(
  read: Read<State, Event>
): Stream.Stream<Step<State, Event>, PastError> =>
  Stream.suspend(() => {
    const { aggregate } = read
    const encode = encoder.make(aggregate.schemas.state)
    const jsonOf = (state: State) => Result.getOrUndefined(encode(state))
    let before = aggregate.initial
    let json = jsonOf(before)
    const stepOf = (event: DecodedEvent<Event>): Step<State, Event> => {
      const after = aggregate.evolve(before, event.data)
      const next = jsonOf(after)
      const changes = json === undefined || next === undefined ? undefined : JsonPatch.get(json, next)
      const step = { event, before, after, changes }
      before = after
      json = next
      return step
    }
    return eventsOf(read).pipe(
      Stream.mapEffect((recorded) => Effect.fromResult(decodeRecorded(aggregate, [recorded]))),
      Stream.flattenIterable,
      Stream.map(stepOf)
    )
  })

/** The events of the stream up to the moment. Within a stream, positions and times grow with the versions. */
const eventsOf = <State, Event extends Tagged>({
  at,
  store,
  streamId
}: Read<State, Event>): Stream.Stream<RecordedEvent, EventStoreError | MomentNotReached> => {
  if (at === undefined) return store.readStream(streamId)
  if ("version" in at) return firstOf(store, streamId, at.version)
  return Stream.unwrap(Effect.map(cutOf(store, at), ({ has }) => Stream.takeWhile(store.readStream(streamId), has)))
}

const firstOf = (
  store: EventStore["Service"],
  streamId: StreamId,
  version: number
): Stream.Stream<RecordedEvent, EventStoreError | MomentNotReached> => {
  if (version === 0) return Stream.empty
  if (!Number.isSafeInteger(version) || version < 0) {
    const detail = `${version} is not a version of a stream: use a whole number from 0 on`
    return Stream.fail(new EventStoreError({ operation: "readStream", reason: new Rejected({ detail }) }))
  }
  return Stream.suspend(() => {
    let present = 0
    const counted = Stream.tap(store.readStream(streamId, { limit: version }), (event) =>
      Effect.sync(() => void (present = event.version))
    )
    const isReached = Effect.suspend(() =>
      present < version ? Effect.fail(new MomentNotReached({ stream: streamId, version, present })) : Effect.void
    )
    return Stream.concat(counted, Stream.drain(Stream.fromEffect(isReached)))
  })
}
