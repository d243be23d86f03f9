import {
  type CommandIdReused,
  type ConcurrencyConflict,
  type EventStore,
  type EventStoreError,
  StreamId
} from "@hexfold/core"
import { Expectation } from "@hexfold/core/adapter"
import { Effect, type Schema, type Scope, Stream } from "effect"
import { Backend, type Instance } from "./backend.ts"

/** A promise of the port and the program that tests it. */
export type Cases = Readonly<Record<string, Effect.Effect<void, unknown, Backend | Scope.Scope>>>

type Store = Instance["store"]

/** Opens an instance. */
export const open: Effect.Effect<Instance, EventStoreError, Backend | Scope.Scope> = Effect.flatMap(
  Backend,
  (backend) => backend.open
)

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
  store: Store,
  streamId: StreamId.StreamId,
  events: ReadonlyArray<EventStore.NewEvent>,
  expected: Expectation.Expectation = Expectation.any
): Effect.Effect<EventStore.Appended, ConcurrencyConflict | CommandIdReused | EventStoreError> =>
  store.append({ writes: [{ streamId, events }], conditions: [condition(streamId, expected)] })

/** The version of a stream. */
export const versionOf = (
  store: Store,
  streamId: StreamId.StreamId
): Effect.Effect<number, CommandIdReused | EventStoreError> =>
  Effect.map(store.readStreams([{ streamId }]), ({ streams }) => streams[0]!.version)

/** The present horizon. */
export const horizonOf = (store: Store): Effect.Effect<number, EventStoreError> =>
  Effect.map(Stream.runHead(store.horizons), (head) => (head._tag === "Some" ? head.value : -1))

/** All events of the store behind a position. */
export const readAfter = (
  store: Store,
  after: number,
  options: EventStore.AllReadOptions = {}
): Effect.Effect<ReadonlyArray<EventStore.RecordedEvent>, EventStoreError> =>
  Stream.runCollect(store.readAll({ ...options, after }))

/** What a fold needs of events, as `readStreams` gives it: nothing else can be relied on. */
export const foldable = (events: ReadonlyArray<EventStore.StreamEvent>): ReadonlyArray<EventStore.StreamEvent> =>
  events.map(({ data, streamId, type, version }) => ({ streamId, version, type, data }))
