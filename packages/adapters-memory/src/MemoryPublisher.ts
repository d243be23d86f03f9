/**
 * A publisher whose receiver is a list in memory: the reference for other adapters, and
 * the publisher of most tests.
 */
import { Publisher } from "@hexfold/core"
import { PublisherBatch } from "@hexfold/core/adapter"
import { Context, type Duration, Effect, Layer, Schedule } from "effect"

/**
 * How the receiver answers a message. If the effect succeeds, the receiver keeps the
 * message. If it fails, the message is not taken. If it does not end, neither does the
 * receiver answer.
 */
export type Answer = (message: Publisher.Message) => Effect.Effect<void, PublisherBatch.Failure>

/** What has the messages. */
export class Receiver extends Context.Service<
  Receiver,
  {
    /** The messages that were kept, in the order in which they came. One that came twice is there twice. */
    readonly messages: Effect.Effect<ReadonlyArray<Publisher.Message>>
    /** Changes how messages are answered from now on. At first all are kept. */
    readonly answerWith: (answer: Answer) => Effect.Effect<void>
  }
>()("@hexfold/adapters-memory/MemoryPublisher/Receiver") {}

/** How the publisher works. */
export interface Options {
  /** How long a call may take. 30 seconds by default. */
  readonly limit?: Duration.Input
  /** When a message is sent again within a call. Never by default. */
  readonly retry?: Schedule.Schedule<unknown, PublisherBatch.Failure>
}

/** A publisher and its receiver. */
export interface MemoryPublisher {
  readonly publisher: Publisher.Publisher["Service"]
  readonly receiver: Receiver["Service"]
}

/**
 * Makes a publisher and its receiver.
 *
 * @example
 * ```ts
 * import { MemoryPublisher } from "@hexfold/adapters-memory"
 * import type { Publisher } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const message: Publisher.Message
 *
 * const program = Effect.gen(function*() {
 *   const { publisher, receiver } = yield* MemoryPublisher.make()
 *   const outcomes = yield* publisher.publish([message])
 *   return { outcomes, messages: yield* receiver.messages }
 * })
 * ```
 */
export const make = ({
  limit = "30 seconds",
  retry = Schedule.recurs(0)
}: Options = {}): Effect.Effect<MemoryPublisher> =>
  Effect.sync(() => {
    const kept: Array<Publisher.Message> = []
    let answer: Answer = () => Effect.void
    return {
      publisher: PublisherBatch.make({
        send: (message) =>
          Effect.map(
            Effect.suspend(() => answer(message)),
            () => void kept.push(message)
          ),
        concurrency: 64,
        limit,
        retry
      }),
      receiver: {
        messages: Effect.sync(() => [...kept]),
        answerWith: (next) => Effect.sync(() => void (answer = next))
      }
    }
  })

/**
 * Supplies a publisher, and the receiver to look at.
 *
 * @example
 * ```ts
 * import { MemoryPublisher } from "@hexfold/adapters-memory"
 * import type { Publisher } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const program: Effect.Effect<void, never, Publisher.Publisher>
 *
 * const test = Effect.gen(function*() {
 *   yield* program
 *   const { messages } = yield* MemoryPublisher.Receiver
 *   return yield* messages
 * }).pipe(Effect.provide(MemoryPublisher.layer()))
 * ```
 */
export const layer = (options: Options = {}): Layer.Layer<Publisher.Publisher | Receiver> =>
  Layer.effectContext(
    Effect.map(make(options), ({ publisher, receiver }) =>
      Context.make(Publisher.Publisher, publisher).pipe(Context.add(Receiver, receiver))
    )
  )
