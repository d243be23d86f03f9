/**
 * The translation between an aggregate's events and what the event store
 * records. The tag of an event is the recorded type. Its other fields are the
 * data, encoded to JSON by the schema of the event.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Tagged } from "../../domain/tagged.ts"
import type { Source } from "../../domain/Participant.ts"
import { judge } from "../../domain/jsonMeaning.ts"
import { inOrder } from "../../ports/jsonCopy.ts"
import { bounded } from "../../domain/texts.ts"
import * as encoder from "../../internal/encoder.ts"
import { memoized } from "../../internal/memoized.ts"
import type { StreamEvent } from "../../ports/EventStore.ts"
import { EventDecodeError } from "./errors.ts"
import * as roundTrip from "./roundTrip.ts"

/** An event's type and data, as the store records them. */
export interface Encoded {
  readonly type: string
  readonly data: Schema.Json
}

/** Encodes and decodes the events of one aggregate. */
export interface EventCodec<Event> {
  /** The JSON of an event, with its members in the order of the schema. */
  readonly encode: (event: Event) => Result.Result<Encoded, Schema.SchemaError>
  /** The same JSON, mostly with its members in the order that stores keep already, so that an append need not sort them. */
  readonly encodeInOrder: (event: Event) => Result.Result<Encoded, Schema.SchemaError>
  readonly decode: (recorded: StreamEvent) => Result.Result<Event, EventDecodeError>
  /** A decided event as it is read back. Mostly it is that event itself. */
  readonly asKept: (event: Event, recorded: StreamEvent) => Event
  /** Where an event would be read back as something else, if its schema cannot tell beforehand; else undefined. */
  readonly changed: (event: Event, encoded: Encoded) => string | undefined
}

/**
 * The codec of an aggregate's events.
 *
 * @example
 * ```ts
 * import { Aggregate } from "@hexfold/core"
 * import { EventCodec } from "@hexfold/core/adapter"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, { readonly _tag: "Reset" }, never>
 *
 * EventCodec.of(Counter).encode({ _tag: "Reset" }) // Result.succeed({ type: "Reset", data: {} })
 * ```
 */
export const of = <Name extends string, State, Event extends Tagged>(
  aggregate: Source<Name, State, Event>
): EventCodec<Event> => memoized(codecs, aggregate, () => make(aggregate))

// Compiling a schema takes milliseconds, so it happens once for each aggregate.
const codecs = new WeakMap<object, unknown>()

const make = <Name extends string, State, Event extends Tagged>(
  aggregate: Source<Name, State, Event>
): EventCodec<Event> => {
  const members = new Map(
    Array.from(aggregate.schemas.events, ([tag, schema]): [string, Member<Event>] => {
      const decode = Schema.decodeUnknownResult(Schema.toCodecJson(schema))
      const isSure = judge(`${aggregate.name}, events ${tag}`, schema) === "sure"
      const changed = isSure ? undefined : roundTrip.make(schema)
      return [tag, { encode: encoder.make(schema), inOrder: ordering(), decode, keeping: keeping(), changed }]
    })
  )
  const encoded = (event: Event) => {
    const member = members.get(event._tag)
    if (member === undefined) throw new Error(`${aggregate.name}: no event has the tag "${event._tag}"`)
    return member.encode(event)
  }
  const decodeEvent = (recorded: StreamEvent): Result.Result<Event, EventDecodeError> => {
    const member = members.get(recorded.type)
    if (member === undefined) {
      return Result.fail(decodeError(recorded, `${aggregate.name} has only ${[...members.keys()].join(", ")}`))
    }
    const { data } = recorded
    if (typeof data !== "object" || data === null || Array.isArray(data)) {
      return Result.fail(decodeError(recorded, `its data is not an object: ${JSON.stringify(data).slice(0, 100)}`))
    }
    const decoded = member.decode({ ...data, _tag: recorded.type })
    return Result.isFailure(decoded)
      ? Result.fail(decodeError(recorded, decoded.failure.message, decoded.failure))
      : Result.succeed(decoded.success)
  }
  return {
    asKept: (event, recorded) => {
      const member = members.get(recorded.type)
      if (member === undefined || member.keeping.asItIs(event)) return event
      const decoded = decodeEvent(recorded)
      // The append has succeeded, so the command does not fail. The next read of the stream reports the failure.
      if (Result.isFailure(decoded)) return event
      member.keeping.learn(decoded.success)
      return decoded.success
    },
    changed: (event, { data, type }) => {
      const changed = members.get(type)?.changed?.(event, { ...(data as Schema.JsonObject), _tag: type })
      return changed === undefined ? undefined : bounded(changed)
    },
    encode: (event) => Result.map(encoded(event), withoutTag),
    encodeInOrder: (event) => Result.map(encoded(event), members.get(event._tag)!.inOrder),
    decode: decodeEvent
  }
}

interface Member<Event> {
  /** Only if the schema cannot tell beforehand. */
  readonly changed: ((event: Event, json: Schema.Json) => string | undefined) | undefined
  readonly encode: (event: Event) => Result.Result<Schema.Json, Schema.SchemaError>
  readonly inOrder: (encoded: Schema.Json) => Encoded
  readonly decode: (data: unknown) => Result.Result<Event, Schema.SchemaError>
  readonly keeping: Keeping
}

/** Knows when a decided event needs no decoding, because it would be read back as it is. */
interface Keeping {
  readonly asItIs: (event: object) => boolean
  readonly learn: (decoded: object) => void
}

/**
 * An event is read back as it is if it has the prototype and the names of a decoded
 * event of its type, in the same order, and only values without parts. Decoding every
 * event for its receipt would make a command in memory a sixth slower.
 */
const keeping = (): Keeping => {
  let prototype: unknown
  let names: ReadonlyArray<string> | undefined
  return {
    asItIs: (event) => {
      if (names === undefined || Object.getPrototypeOf(event) !== prototype) return false
      let at = 0
      for (const name in event) {
        if (names[at] !== name) return false
        at++
        const value: unknown = event[name as never]
        if ((typeof value === "object" && value !== null) || Object.is(value, -0)) return false
      }
      return at === names.length
    },
    learn: (decoded) => {
      prototype = Object.getPrototypeOf(decoded)
      names = Object.keys(decoded)
    }
  }
}

// A `TaggedSchema` encodes to an object with a `_tag`, which the recorded type repeats.
const withoutTag = (encoded: Schema.Json): Encoded => {
  const { _tag: type, ...data } = encoded as { readonly _tag: string } & Schema.JsonObject
  return { type, data }
}

/**
 * Like {@link withoutTag}, for the events of one type, but puts their members into
 * the order that stores keep. They mostly have the same members, so the order is
 * found once. If it is sorted for each event, a command in memory takes a tenth longer.
 */
const ordering = (): ((encoded: Schema.Json) => Encoded) => {
  let order: ReadonlyArray<string> = []
  return (json) => {
    const encoded = json as { readonly _tag: string } & Schema.JsonObject
    const data: Record<string, Schema.Json> = {}
    let left = Object.keys(encoded).length
    for (const name of order) {
      if (!Object.hasOwn(encoded, name)) continue
      data[name] = encoded[name]!
      left--
    }
    if (left === 1) return { type: encoded._tag, data }
    const found = withoutTag(json)
    const known = Object.fromEntries(order.map((name) => [name, null]))
    order = Object.keys(inOrder({ ...known, ...(found.data as Schema.JsonObject) }))
    // A type whose members have any names would make a list without an end; "__proto__" cannot be set by an assignment.
    if (order.length > 100 || order.includes("__proto__")) order = []
    return found
  }
}

const decodeError = (recorded: StreamEvent, detail: string, cause?: unknown): EventDecodeError =>
  new EventDecodeError({
    stream: recorded.streamId,
    version: recorded.version,
    ...("position" in recorded && typeof recorded.position === "number" ? { position: recorded.position } : {}),
    type: recorded.type,
    detail,
    ...(cause === undefined ? {} : { cause })
  })
