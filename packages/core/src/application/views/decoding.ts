/** What is known of a recorded event before anything is done with it: its current events, and the keys that it touches. */
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Consumer } from "../../domain/view/consumer.ts"
import type { Declaring } from "../../domain/storedTypes.ts"
import * as StreamId from "../../domain/StreamId.ts"
import type { Tagged } from "../../domain/tagged.ts"
import type * as View from "../../domain/View.ts"
import { memoized } from "../../internal/memoized.ts"
import type { RecordedEvent } from "../../ports/EventStore.ts"
import * as EventCodec from "../events/EventCodec.ts"
import { EventDecodeError, UnknownEvent, UnknownMetadata } from "../events/errors.ts"
import { ProjectionFailed } from "./errors.ts"

/** A recorded event, decoded, with the keys of the records that it touches. */
export interface DecodedEvent {
  readonly recorded: RecordedEvent
  /** The current events that it has become, mostly one. They are applied together. */
  readonly parts: ReadonlyArray<DecodedPart>
  /** The keys of all its parts. */
  readonly keys: ReadonlyArray<string>
}

/** A current event with the keys of the records that it touches. */
export interface DecodedPart {
  readonly event: Tagged
  readonly envelope: View.Envelope<string, unknown>
  readonly keys: ReadonlyArray<string>
}

/** An event that was read. It may be one that does not decode. */
export interface Candidate {
  readonly recorded: RecordedEvent
  readonly decoded: Result.Result<DecodedEvent, ProjectionFailed>
  /** The keys of the event. Undefined if they are not known. */
  readonly keys: ReadonlyArray<string> | undefined
}

/** Decodes the events of a consumer. */
export interface Decoding {
  /** Decodes an event and finds its keys. */
  readonly decode: (recorded: RecordedEvent) => Result.Result<DecodedEvent, ProjectionFailed>
  /** The keys of an event that does not decode. Undefined unless they follow from the event's place alone. */
  readonly keysByPlace: (recorded: RecordedEvent) => ReadonlyArray<string> | undefined
}

/** The decoding of a consumer. It is compiled once for each. */
export const of = (consumer: Consumer): Decoding => memoized(decodings, consumer, () => make(consumer))

const decodings = new WeakMap<object, unknown>()

/** Decodes an event and finds its keys, also those of an event that does not decode where that is possible. */
export const decodeCandidate = (consumer: Consumer, recorded: RecordedEvent): Candidate => {
  const { decode, keysByPlace } = of(consumer)
  const decoded = decode(recorded)
  return { recorded, decoded, keys: Result.isSuccess(decoded) ? decoded.success.keys : keysByPlace(recorded) }
}

// The functions of a consumer get only events of its own sources.
interface Erased extends Omit<Consumer, "keysOf"> {
  readonly keysOf: View.View<string, unknown, Tagged, View.Envelope<string, unknown>>["keysOf"]
}

const make = (any: Consumer): Decoding => {
  const consumer = any as Erased
  const sources = new Map(
    consumer.sources.map((source) => [source.name, { idOf: source.idOf, codec: EventCodec.of(source as AnySource) }])
  )

  const decodeEvent = (recorded: RecordedEvent): Result.Result<ReadonlyArray<Omit<DecodedPart, "keys">>, unknown> => {
    const aggregate = StreamId.aggregateOf(recorded.streamId)
    const { codec, idOf } = sources.get(aggregate)!
    const decodedId = idOf(recorded.streamId)
    if (Option.isNone(decodedId)) return Result.fail(noId(recorded, aggregate))
    const { id: eventId, metadata, position, recordedAt, streamId, version } = recorded
    const place = { aggregate, id: decodedId.value, streamId, eventId, version, position, recordedAt, metadata }
    return Result.map(codec.decode(recorded), (events) =>
      events.map((event, part) => ({ event, envelope: { ...place, part } }))
    )
  }

  const withKeys = (
    recorded: RecordedEvent,
    decoded: ReadonlyArray<Omit<DecodedPart, "keys">>
  ): Result.Result<DecodedEvent, ProjectionFailed> => {
    const parts: Array<DecodedPart> = []
    for (const { envelope, event } of decoded) {
      const part = decoded.length > 1 ? envelope.part : undefined
      const keys = attempt(consumer, { recorded, part }, "key", () => consumer.keysOf(event, envelope))
      if (Result.isFailure(keys)) return Result.fail(keys.failure)
      parts.push({ event, envelope, keys: keys.success })
    }
    const keys = parts.length === 1 ? parts[0]!.keys : [...new Set(parts.flatMap((part) => part.keys))]
    return Result.succeed({ recorded, parts, keys })
  }

  return {
    decode: (recorded) =>
      Result.flatMap(
        attempt(consumer, { recorded }, "decode", () => decodeEvent(recorded)),
        (decoded) => withKeys(recorded, decoded)
      ),

    keysByPlace: (recorded) => {
      if (!consumer.perStream) return undefined
      // The key functions of such consumers use only the event's place. The stored type may be one that no event has today,
      // so any event of the source that has a handler stands for it.
      const { id: eventId, ...place } = recorded
      const envelope = { ...place, eventId, part: 0, aggregate: "", id: undefined }
      const aggregate = StreamId.aggregateOf(recorded.streamId)
      const source = consumer.sources.find(({ name }) => name === aggregate)
      for (const _tag of source?.schemas.events.keys() ?? []) {
        const keys = consumer.keysOf({ _tag }, envelope)
        if (Result.isFailure(keys)) return undefined
        if (keys.success.length > 0) return keys.success
      }
      return undefined
    }
  }
}

type AnySource = View.Source & Declaring<string, Tagged>

/** Runs a step of a consumer on an event. Its author writes its functions, and they may throw. */
export const attempt = <A>(
  { name, version }: Pick<Consumer, "name" | "version">,
  { part, recorded }: { readonly recorded: RecordedEvent; readonly part?: number | undefined },
  step: ProjectionFailed["step"],
  run: () => Result.Result<A, unknown>
): Result.Result<A, ProjectionFailed> =>
  Result.mapError(Result.flatMap(Result.try({ try: run, catch: (cause) => cause }), identity), (cause) => {
    const { position, streamId, type, version: streamVersion } = recorded
    return new ProjectionFailed({
      view: name,
      version,
      stream: streamId,
      streamVersion,
      position,
      type,
      ...(part === undefined ? undefined : { part }),
      step: isOfNewerProgram(cause) ? "unknown" : step,
      cause
    })
  })

/** Whether only a newer program can go on. A handler that reads a field of the metadata may throw why it cannot. */
export const isOfNewerProgram = (cause: unknown): boolean =>
  cause instanceof UnknownEvent || cause instanceof UnknownMetadata

const noId = ({ streamId, type, version }: RecordedEvent, aggregate: string) =>
  new EventDecodeError({
    stream: streamId,
    version,
    type,
    detail: `the text after "${aggregate}-" is not a valid id of ${aggregate}`
  })
