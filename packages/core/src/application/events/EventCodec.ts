/**
 * The translation between the events of an aggregate or a topic and what the event store
 * records. The tag of an event is the recorded type. Its other fields are the
 * data, encoded to JSON by the schema of the event.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Tagged } from "../../domain/tagged.ts"
import type { Declaring } from "../../domain/storedTypes.ts"
import { judge } from "../../domain/json/jsonMeaning.ts"
import { inOrder } from "../../ports/jsonCopy.ts"
import { bounded } from "../../domain/texts.ts"
import * as encoder from "../../internal/encoder.ts"
import { memoized } from "../../internal/memoized.ts"
import type { StreamEvent } from "../../ports/EventStore.ts"
import * as asRead from "./asRead.ts"
import type { EventReadError } from "./errors.ts"
import * as Reading from "./reading.ts"
import * as roundTrip from "./roundTrip.ts"

/** An event's type and data, as the store records them. */
export interface Encoded {
  readonly type: string
  /** The version of the schema, from 1 on. */
  readonly schemaVersion: number
  readonly data: Schema.Json
}

/** Encodes and decodes the events of one aggregate or topic. */
export interface EventCodec<Event> {
  /** The JSON of an event, with its members in the order of the schema. */
  readonly encode: (event: Event) => Result.Result<Encoded, Schema.SchemaError>
  /** The same JSON, mostly with its members in the order that stores keep already, so that an append need not sort them. */
  readonly encodeInOrder: (event: Event) => Result.Result<Encoded, Schema.SchemaError>
  /** The current events that a recorded event becomes. Mostly it is one. */
  readonly decode: (recorded: StreamEvent) => Result.Result<ReadonlyArray<Event>, EventReadError>
  /** A decided event as it is read back. Mostly it is that event itself. */
  readonly asKept: (event: Event, recorded: StreamEvent) => Event
  /** Where an event would be read back as something else, if its schema cannot tell beforehand; else undefined. */
  readonly changed: (event: Event, encoded: Encoded) => string | undefined
}

/**
 * The codec of the events of an aggregate or a topic.
 *
 * @example
 * ```ts
 * import { Aggregate } from "@hexfold/core"
 * import { EventCodec } from "@hexfold/core/adapter"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, { readonly _tag: "Reset" }, never>
 *
 * EventCodec.of(Counter).encode({ _tag: "Reset" }) // Result.succeed({ type: "Reset", schemaVersion: 1, data: {} })
 * ```
 */
export const of = <Name extends string, Event extends Tagged>(aggregate: Declaring<Name, Event>): EventCodec<Event> =>
  memoized(codecs, aggregate, () => make(aggregate))

/**
 * A recorded event with its payload decoded: one for each current event that it has become, numbered by `part`.
 *
 * @example
 * ```ts
 * import type { Aggregate, EventStore } from "@hexfold/core"
 * import { EventCodec } from "@hexfold/core/adapter"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, { readonly _tag: "Reset" }, never>
 * declare const recorded: EventStore.RecordedEvent
 *
 * EventCodec.decodeParts(EventCodec.of(Counter), recorded) // Result.succeed([{ ...recorded, data: { _tag: "Reset" }, part: 0 }])
 * ```
 */
export const decodeParts = <Event, Recorded extends Parameters<EventCodec<Event>["decode"]>[0]>(
  { decode }: Pick<EventCodec<Event>, "decode">,
  recorded: Recorded
): Result.Result<
  ReadonlyArray<Omit<Recorded, "data"> & { readonly data: Event; readonly part: number }>,
  EventReadError
> => Result.map(decode(recorded), (events) => events.map((data, part) => ({ ...recorded, data, part })))

// Compiling a schema takes milliseconds, so it happens once for each aggregate.
const codecs = new WeakMap<object, unknown>()

const make = <Name extends string, Event extends Tagged>(aggregate: Declaring<Name, Event>): EventCodec<Event> => {
  const members = new Map(
    Array.from(aggregate.schemas.events, ([tag, schema]): [string, Member<Event>] => {
      const decode = Schema.decodeUnknownResult(Schema.toCodecJson(schema))
      const isSure = judge(`${aggregate.name}, events ${tag}`, schema) === "sure"
      const changed = isSure ? undefined : roundTrip.make(schema)
      const version = aggregate.schemas.stored.get(tag)?.version ?? 1
      const written = { withoutTag: withoutTag(version), inOrder: ordering(version) }
      return [
        tag,
        {
          encode: encoder.make(schema),
          ...written,
          decode,
          asRead: isSure ? asRead.make(schema) : () => false,
          keeping: keeping(),
          changed
        }
      ]
    })
  )
  const memberOf = (event: Event): Member<Event> => {
    const member = members.get(event._tag)
    if (member === undefined) throw new Error(`${aggregate.name}: no event has the tag "${event._tag}"`)
    return member
  }
  const asStored = (event: Event): Result.Result<Event, unknown> | undefined => {
    const member = members.get(event?._tag)
    if (member === undefined) return undefined
    if (member.asRead(event)) return Result.succeed(event)
    // JSON has no -0.
    return Result.flatMap(member.encode(event), (json) => member.decode(JSON.parse(JSON.stringify(json))))
  }
  return {
    asKept: (event, { data, type }) => {
      const member = members.get(type)
      if (member === undefined || member.keeping.asItIs(event)) return event
      const decoded = member.decode({ ...(data as Schema.JsonObject), _tag: type })
      // The append has succeeded, so the command does not fail. The next read of the stream reports the failure.
      if (Result.isFailure(decoded)) return event
      member.keeping.learn(decoded.success)
      return decoded.success
    },
    changed: (event, { data, type }) => {
      const changed = members.get(type)?.changed?.(event, { ...(data as Schema.JsonObject), _tag: type })
      return changed === undefined ? undefined : bounded(changed)
    },
    encode: (event) => {
      const member = memberOf(event)
      return Result.map(member.encode(event), member.withoutTag)
    },
    encodeInOrder: (event) => {
      const member = memberOf(event)
      return Result.map(member.encode(event), member.inOrder)
    },
    decode: Reading.make(aggregate, asStored)
  }
}

interface Member<Event> {
  /** Only if the schema cannot tell beforehand. */
  readonly changed: ((event: Event, json: Schema.Json) => string | undefined) | undefined
  readonly encode: (event: Event) => Result.Result<Schema.Json, Schema.SchemaError>
  readonly withoutTag: (encoded: Schema.Json) => Encoded
  readonly inOrder: (encoded: Schema.Json) => Encoded
  readonly decode: (data: unknown) => Result.Result<Event, Schema.SchemaError>
  /** Whether an event that was not read is surely what a store would give back. */
  readonly asRead: (event: unknown) => boolean
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
      // A class has enumerable members of its own beside those of its instances.
      const own = Object.keys(event)
      if (own.length !== names.length) return false
      for (let i = 0; i < own.length; i++) {
        const name = own[i]!
        if (names[i] !== name) return false
        const value: unknown = event[name as never]
        if ((typeof value === "object" && value !== null) || Object.is(value, -0)) return false
      }
      return true
    },
    learn: (decoded) => {
      prototype = Object.getPrototypeOf(decoded)
      names = Object.keys(decoded)
    }
  }
}

// A `TaggedSchema` encodes to an object with a `_tag`, which the recorded type repeats.
const withoutTag =
  (schemaVersion: number) =>
  (encoded: Schema.Json): Encoded => {
    const { _tag: type, ...data } = encoded as { readonly _tag: string } & Schema.JsonObject
    return { type, schemaVersion, data }
  }

/**
 * Like {@link withoutTag}, for the events of one type, but puts their members into
 * the order that stores keep. They mostly have the same members, so the order is
 * found once. If it is sorted for each event, a command in memory takes a tenth longer.
 */
const ordering = (schemaVersion: number): ((encoded: Schema.Json) => Encoded) => {
  const unsorted = withoutTag(schemaVersion)
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
    if (left === 1) return { type: encoded._tag, schemaVersion, data }
    const found = unsorted(json)
    const known = Object.fromEntries(order.map((name) => [name, null]))
    order = Object.keys(inOrder({ ...known, ...(found.data as Schema.JsonObject) }))
    // A type whose members have any names would make a list without an end; "__proto__" cannot be set by an assignment.
    if (order.length > 100 || order.includes("__proto__")) order = []
    return found
  }
}
