import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Tagged } from "../../domain/tagged.ts"
import type { Topic } from "../../domain/Topic.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import { commandContext } from "./engine/commandContext.ts"
import { named } from "./engine/naming.ts"
import * as publishing from "./engine/publishing.ts"
import { invalidKey } from "./engine/storable.ts"
import type { InvalidCommand } from "./errors.ts"
import type { PublishError, PublishOptions } from "./options.ts"
import * as published from "./published.ts"
import type { Receipt } from "./Receipt.ts"

/**
 * Publishes an event of a topic under a key, or several events, which are then recorded together or not at all. They
 * follow the events that the key has already, and nothing is read before.
 *
 * An event or a key that does not match its schema, and one that no store keeps, fails with `InvalidCommand` before
 * anything is written. There is nothing to expect of a topic, so publishing never conflicts: events that are published
 * under one key at the same time are recorded one after the other, in any order.
 *
 * With a `commandId` a repeat has no second effect and returns the first receipt; other events, or another key, under
 * the same id fail with `CommandIdReused`. Without one, a retryable `EventStoreError` leaves it open whether the events
 * were recorded. After any other failure nothing was.
 *
 * Metadata, tracing and metrics are those of {@link execute}, and `Projection.waitFor` waits until views show what was
 * published. Inside a transaction of the caller the events are recorded with it.
 *
 * @example
 * ```ts
 * import { Executor, Topic } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * class PaymentReceived extends Schema.TaggedClass<PaymentReceived>()("PaymentReceived", { cents: Schema.Int }) {}
 * const Payments = Topic.make("Payments", { key: Schema.String, events: [PaymentReceived] })
 *
 * const program = Executor.publish(Payments, "order-17", new PaymentReceived({ cents: 1250 }), { commandId: "message-4711" })
 * ```
 */
export const publish = <Name extends string, Key, Event extends Tagged, Published extends Event>(
  topic: Topic<Name, Key, Event>,
  key: NoInfer<Key>,
  // With `NoInfer` the compiler does not name the field that an event lacks.
  events: Published | ReadonlyArray<Published>,
  options: PublishOptions = {}
): Effect.Effect<Receipt<Event>, PublishError, EventStore> =>
  Effect.contextWith(
    (context: Context.Context<EventStore>): Effect.Effect<Receipt<Event>, PublishError, EventStore> => {
      const current = commandContext(context)
      const refuse = (error: InvalidCommand) => {
        publishing.refused(topic, current)
        return Effect.fail(error)
      }
      const all: ReadonlyArray<Event> = isList(events) ? events : [events]
      const made = published.make(topic, key, all)
      if (Result.isFailure(made)) return refuse(made.failure)
      const publication = made.success
      const fingerprint = () => Result.succeed(published.fingerprintOf(publication))
      const what = { target: topic.name, id: key, command: all }
      return named(options, current, what, fingerprint, (options, key) => {
        // Events that were checked always have a fingerprint.
        const command = Result.getOrThrow(key)
        const wrong = invalidKey(topic.name, command)
        return wrong === undefined ? publishing.run(publication, command, options, current) : refuse(wrong)
      })
    }
  )

const isList = <A>(value: A | ReadonlyArray<A>): value is ReadonlyArray<A> => Array.isArray(value)
