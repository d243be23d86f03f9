import {
  type CommandIdReused,
  type ConcurrencyConflict,
  type EventStore,
  type EventStoreError,
  StreamId
} from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Effect, type Schema, Stream } from "effect"
import { open } from "../nodes.ts"
import { appendOne, type OneAppended } from "./appendOne.ts"

export { open }

type Store = EventStore.EventStore["Service"]

let made = 0

/** A stream that no other case uses. */
export const newStream = (aggregate = "Contract"): StreamId.StreamId => StreamId.make(aggregate, `${prefix}-${++made}`)

const prefix = crypto.randomUUID()

/** Events to append, each with a number in its data. */
export const events = (count: number, type = "Happened", first = 1): ReadonlyArray<EventStore.NewEvent> =>
  Array.from({ length: count }, (_, i) => event({ n: first + i }, type))

/** An event to append. */
export const event = (data: Schema.Json, type = "Happened"): EventStore.NewEvent => {
  const id = crypto.randomUUID()
  return { id, type, data, metadata: { correlationId: id, causationId: id } }
}

/** A condition on a stream. */
export const condition = (streamId: StreamId.StreamId, expected: Expectation.Expectation): EventStore.Condition => ({
  _tag: "Stream",
  streamId,
  expected
})

/** Appends events to one stream. */
export const appendTo = (
  eventStore: Store,
  streamId: StreamId.StreamId,
  events: ReadonlyArray<EventStore.NewEvent>,
  expected: Expectation.Expectation = Expectation.any
): Effect.Effect<OneAppended, ConcurrencyConflict | CommandIdReused | EventStoreError> =>
  appendOne(eventStore, { writes: [{ streamId, events }], conditions: [condition(streamId, expected)] })

/** The version of a stream. */
export const versionOf = (
  eventStore: Store,
  streamId: StreamId.StreamId
): Effect.Effect<number, CommandIdReused | EventStoreError> =>
  Effect.map(eventStore.readStreams([{ streamId }]), ({ streams }) => streams[0]!.version)

/** The present horizon. */
export const horizonOf = (eventStore: Store): Effect.Effect<number, EventStoreError> =>
  Effect.map(Stream.runHead(eventStore.horizons), (head) => (head._tag === "Some" ? head.value.position : -1))

/** All events of the store after a position. */
export const readAfter = (
  eventStore: Store,
  after: number,
  options: EventStore.AllReadOptions = {}
): Effect.Effect<ReadonlyArray<EventStore.RecordedEvent>, EventStoreError> =>
  Stream.runCollect(eventStore.readAll({ ...options, after }))

/** What a fold needs of events. `readStreams` promises nothing else. */
export const foldable = (events: ReadonlyArray<EventStore.StreamEvent>): ReadonlyArray<EventStore.StreamEvent> =>
  events.map(({ data, schemaVersion, streamId, type, version }) => ({ streamId, version, type, schemaVersion, data }))

/** The numbers in the data of events. */
export const numbers = (read: ReadonlyArray<{ readonly data: unknown }>) =>
  read.map(({ data }) => (data as { n: number }).n)
