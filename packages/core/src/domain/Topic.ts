/**
 * Facts that belong to no aggregate, such as a notification or an imported message. A topic declares the kinds of its
 * events and the Schema of a key. It has no state, and nothing decides whether an event may happen.
 *
 * Nothing here runs an effect. `Executor.publish` records the events of a topic, and views and subscriptions read them
 * as they read those of an aggregate.
 */
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import { streamIds } from "./json/idEncoding.ts"
import { judge } from "./json/jsonMeaning.ts"
import { type Declaration, type Declaring, declarationsOf, type StoredType } from "./storedTypes.ts"
import * as StreamId from "./StreamId.ts"
import type { Tagged, TypeOf } from "./tagged.ts"
import type { Retired } from "./Versions.ts"

export type { Declaring }

/** Events with a name and a key, made by {@link make}. */
export interface Topic<Name extends string, Key, Event extends Tagged> {
  readonly _tag: "Topic"
  /** The first part of every stream id of this topic. */
  readonly name: Name
  /** The name of the stream that holds the events with this key. */
  readonly streamId: (key: Key) => StreamId.StreamId
  /** The key of the events that a stream holds. A stream of something else has none. */
  readonly idOf: (streamId: StreamId.StreamId) => Option.Option<Key>
  /** The stream of a key, for tests of views. */
  readonly at: (key: Key) => Keyed<Name, Event>
  /** The schemas of the definition. */
  readonly schemas: Schemas<Key, Event>
}

/** The schemas of a topic, the kinds of events by tag. */
export interface Schemas<Key, Event extends Tagged> {
  readonly key: Schema.Codec<Key, unknown>
  readonly events: ReadonlyMap<Event["_tag"], Schema.Codec<Event, Tagged>>
  /** The stored types of events that have several versions or are retired. */
  readonly stored: ReadonlyMap<string, StoredType<Event>>
}

/** The stream of one key of a topic. */
export interface Keyed<Name extends string, Event extends Tagged> {
  readonly source: Declaring<Name, Event>
  readonly streamId: StreamId.StreamId
}

/**
 * Makes a topic.
 *
 * The events of one key stand in one stream, in the order in which they were published: the topic `Payments` has the
 * streams `Payments-<key>`. So the `key` is what must stay in order, such as the number of an order. A text is written
 * as it is, any other key as JSON.
 *
 * An event that has changed stands there as a chain of its versions, and one that is not published any more in
 * `retired`, as for an aggregate: see `Versions`.
 *
 * A name starts with a letter and continues with letters, digits and `_`. No aggregate may have the same name, because
 * its streams would be the same. Tags must differ. In JSON every value must have one meaning, as for the events of an
 * aggregate. Anything else is a mistake in the program and throws an `Error`.
 *
 * @example
 * ```ts
 * import { Topic } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * class PaymentReceived extends Schema.TaggedClass<PaymentReceived>()("PaymentReceived", { cents: Schema.Int }) {}
 * class PaymentBounced extends Schema.TaggedClass<PaymentBounced>()("PaymentBounced", { reason: Schema.String }) {}
 *
 * const Payments = Topic.make("Payments", {
 *   key: Schema.String,
 *   events: [PaymentReceived, PaymentBounced]
 * })
 *
 * Payments.streamId("order-17") // "Payments-order-17"
 * ```
 */
export const make = <const Name extends string, Key, const Events extends ReadonlyArray<Declaration>>(
  name: Name,
  definition: {
    readonly key: Schema.Codec<Key, unknown>
    readonly events: Events
    readonly retired?: ReadonlyArray<Retired<TypeOf<NoInfer<Events>>>>
  }
): Topic<Name, Key, TypeOf<Events>> => {
  if (!StreamId.isAggregateName(name)) {
    throw new Error(
      `"${name}" cannot be the name of a topic: a name starts with a letter, continues with letters, digits and "_", and has at most 100 characters`
    )
  }
  judge(`${name}, key`, definition.key)
  const ids = streamIds(name, definition.key)
  const topic: Topic<Name, Key, TypeOf<Events>> = {
    _tag: "Topic",
    name,
    ...ids,
    at: (key) => ({ source: topic, streamId: ids.streamId(key) }),
    schemas: { key: definition.key, ...declarationsOf(name, definition.events, definition.retired) }
  }
  return topic
}

/** What every topic has, as a constraint for functions and types that accept them all. */
export interface Any {
  readonly _tag: "Topic"
  readonly name: string
  readonly streamId: (key: never) => StreamId.StreamId
  readonly idOf: (streamId: StreamId.StreamId) => Option.Option<unknown>
  readonly schemas: Declaring<string, Tagged>["schemas"]
}

/** The type of a topic's keys. */
export type KeyOf<T extends Any> = Parameters<T["streamId"]>[0]
