/**
 * Messages of others out of a stream of NATS JetStream, each executed as a command: one after the other in the order of
 * the stream, acknowledged when the command was committed or rejected.
 */
import type { JsMsg } from "@nats-io/jetstream"
import type { NatsConnection, NodeConnectionOptions } from "@nats-io/transport-node"
import { Metadata, type Publisher } from "@hexfold/core"
import { Cause, type Context, Effect, Exit, Option, Schedule, Schema, type Scope } from "effect"
import { Base64 } from "effect/encoding"
import * as CloudEvent from "../messages/CloudEvent.ts"
import { NatsUnavailable, opened } from "./connection.ts"
import { isMissing, type Ready, ready } from "./consumers.ts"
import * as metrics from "./metrics.ts"
import * as NatsMessage from "./NatsMessage.ts"

export { NatsUnavailable }

/** The inbox has stopped. No message after the last one that was acknowledged is lost: it comes again. */
export class InboxStopped extends Schema.TaggedError<InboxStopped>()("InboxStopped", {
  stream: Schema.String,
  consumer: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return `the inbox "${this.consumer}" of the stream "${this.stream}" has stopped: ${this.detail}`
  }
}

/** A message that cannot be handled. */
export interface Poison {
  /** The same each time that the message comes, and another one for every other message: a command id for its record. */
  readonly id: string
  readonly subject: string
  /** The number of the message in the stream. */
  readonly sequence: number
  /** Why it cannot be handled, in at most 1,000 characters. */
  readonly reason: string
  /** The payload in base64, whatever it is. */
  readonly payload: string
  /** The message, if it is one. */
  readonly message: Option.Option<Publisher.Message>
}

/** Where messages come from, and what is done with them. */
export interface Options<E, R, E2, R2> {
  /** The connection, as the client of NATS takes it: see `NatsPublisher.Options`. */
  readonly connection: NodeConnectionOptions
  readonly stream: string
  /** The durable consumer: see {@link run}. */
  readonly consumer: string
  /**
   * Handles a message: mostly it executes one command, with `commandId`. What it returns is not used. A command that
   * the domain rejects is handled too, so turn that error into a success.
   */
  readonly handle: (message: Publisher.Message, commandId: string) => Effect.Effect<unknown, E, R>
  /**
   * Records a message that cannot be handled, so that it is not lost, and the next one comes. Without it the inbox stops
   * before such a message.
   */
  readonly onPoison?: (poison: Poison) => Effect.Effect<unknown, E2, R2>
  /**
   * When the handler is run again after it has failed, by the error. By default five times, after about 0.1 to 1.6
   * seconds. After an error with `isRetryable`, such as that of a store that cannot be reached, it is run again however
   * long that takes.
   */
  readonly retry?: Schedule.Schedule<unknown, unknown>
}

/**
 * Handles the messages of a durable consumer, for as long as the program lives: one at a time, in the order of the stream.
 * A message is acknowledged when its handler has succeeded, or when `onPoison` has. One that was handled and not
 * acknowledged, because the process or the connection was lost, comes again, and its command id makes it a repeat.
 *
 * The consumer has `max_ack_pending: 1`. The server then gives out no message before the one before it was acknowledged,
 * whatever processes use the consumer. While a message is handled, the server is told so every third of `ack_wait`, so
 * no other process is given it. A process that was killed has its message given to the next one after `ack_wait`.
 *
 * Fails with `NatsUnavailable` if NATS cannot be reached at the start. Fails with `InboxStopped` if the stream or the
 * consumer is not there or goes away, if the consumer would lose or swap messages, or before a message that cannot be
 * handled.
 *
 * @example
 * ```ts
 * import { type Aggregate, Executor } from "@hexfold/core"
 * import { NatsInbox } from "@hexfold/publishers/nats"
 * import { Effect } from "effect"
 *
 * interface Charge { readonly _tag: "Charge"; readonly order: string }
 * class TooLate { readonly _tag = "TooLate" }
 * declare const Bill: Aggregate.Aggregate<"Bill", string, number, Charge, never, TooLate>
 *
 * const program = NatsInbox.run({
 *   connection: { servers: "nats://127.0.0.1:4222" },
 *   stream: "orders",
 *   consumer: "billing",
 *   handle: ({ key }, commandId) =>
 *     Executor.execute(Bill, key, { _tag: "Charge", order: key }, { commandId }).pipe(
 *       Effect.catchTag("TooLate", () => Effect.void)
 *     )
 * })
 * ```
 */
export const run = <E, R, E2 = never, R2 = never>(
  options: Options<E, R, E2, R2>
): Effect.Effect<never, NatsUnavailable | InboxStopped, R | R2> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { connection, consumer, stream } = options
      const link = yield* opened(connection)
      const stopped = (detail: string, cause?: unknown) =>
        new InboxStopped({ stream, consumer, detail, ...(cause === undefined ? undefined : { cause }) })
      const found = yield* ready(link, options, stopped)
      if (found.drops !== undefined) {
        yield* Effect.logWarning(
          `hexfold: the stream "${stream}" drops messages that the inbox "${consumer}" has not handled, by its limits: ${found.drops}`
        )
      }
      const { end, next } = yield* receiving(found, stopped)
      const meters = metrics.of(consumer)
      const context = yield* Effect.context()
      const losses = yield* watching(link, found)
      let settled: Place | undefined
      for (;;) {
        const received = yield* next
        const { isAnew, isRepeat } = judge(received, settled)
        meters.pending(received.info.pending, context)
        if (isRepeat) {
          // Its acknowledgement was lost.
          received.ack()
          continue
        }
        const gone = isAnew ? 1 : yield* losses(received)
        if (gone > 0) {
          meters.lost(gone, context)
          yield* Effect.logError(
            isAnew
              ? `hexfold: the stream "${stream}" was made anew: what the inbox "${consumer}" had not handled of the former one is lost`
              : `hexfold: ${gone} messages of the stream "${stream}" were gone before the inbox "${consumer}" was given them, the last one before ${received.seq}`
          )
        }
        // What is not settled is given out again at once, and not only after `ack_wait`.
        yield* Effect.onInterrupt(settle(received, options, found.ackWait, stopped), () =>
          giveBack(link, received, end)
        )
        meters.handled(context)
        settled = { seq: received.seq, timestampNanos: received.timestampNanos }
      }
    })
  )

type Stopped = (detail: string, cause?: unknown) => InboxStopped

interface Receiving {
  readonly next: Effect.Effect<JsMsg, InboxStopped>
  /** Takes no more messages. */
  readonly end: () => void
}

/** Gives one message after the other, also over connections that are lost. */
const receiving = ({ consumer }: Ready, stopped: Stopped): Effect.Effect<Receiving, InboxStopped, Scope.Scope> =>
  Effect.gen(function* () {
    const failed = (cause: unknown) =>
      stopped(
        isMissing(cause)
          ? "the stream or the consumer is gone, and with it what was not handled"
          : "messages cannot be received any more",
        cause
      )
    const messages = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => consumer.consume({ max_messages: 10, expires: 10_000, abort_on_missing_resource: true }),
        catch: failed
      }),
      // Nobody takes what is left, so its end would never come. The connection ends after it.
      (all) => Effect.sync(() => void all.close())
    )
    const iterator = messages[Symbol.asyncIterator]()
    const next = Effect.flatMap(Effect.tryPromise({ try: () => iterator.next(), catch: failed }), ({ done, value }) =>
      done === true ? Effect.fail(stopped("the connection was closed")) : Effect.succeed(value)
    )
    return { next, end: () => void messages.close() }
  })

/** Handles a message, or records it as poison, and acknowledges it. */
const settle = <E, R, E2, R2>(
  received: JsMsg,
  options: Options<E, R, E2, R2>,
  ackWait: number,
  stopped: Stopped
): Effect.Effect<void, InboxStopped, R | R2> => {
  const { consumer, onPoison, stream } = options
  const settled = Effect.gen(function* () {
    const failure = yield* handled(received, options)
    if (failure === undefined) return received.ack()
    const { error, message } = failure
    const poison = poisonOf(received, stream, error, message)
    const { reason, sequence } = poison
    if (onPoison === undefined) return yield* stopped(`message ${sequence} cannot be handled: ${reason}`, error)
    yield* Effect.logWarning(
      `hexfold: the inbox "${consumer}" puts message ${sequence} of the stream "${stream}" aside: ${reason}`
    )
    yield* Effect.mapError(
      persistently(
        Effect.suspend(() => onPoison(poison)),
        received,
        options
      ),
      (cause) => stopped(`message ${sequence} cannot be handled, and not be recorded: ${reason}`, cause)
    )
    metrics.of(consumer).poisoned(yield* Effect.context())
    // Servers before 2.11 do not know a reason.
    received.term()
  })
  const holding = Effect.forever(
    Effect.andThen(
      Effect.sleep(ackWait / 3),
      Effect.sync(() => received.working())
    )
  )
  return Effect.raceFirst(settled, holding)
}

/** Gives a message back to the server. If the server does not hear it, the message comes again after `ack_wait`. */
const giveBack = (link: NatsConnection, received: JsMsg, end: () => void): Effect.Effect<void> =>
  Effect.tryPromise(() => {
    // Or else it would come here again. A server 2.9 that finds nobody at once keeps the message until `ack_wait`.
    end()
    received.nak(soon)
    return link.flush()
  }).pipe(
    Effect.timeout("1 second"),
    Effect.catch((error) => Effect.logDebug(`hexfold: message ${received.seq} could not be given back`, error))
  )

// In milliseconds: by then the connection is closed.
const soon = 100

/** What a message could not be handled for. */
interface Failure {
  readonly error: unknown
  readonly message: Option.Option<Publisher.Message>
}

const handled = <E, R, E2, R2>(
  received: JsMsg,
  options: Options<E, R, E2, R2>
): Effect.Effect<Failure | undefined, never, R> =>
  Effect.matchEffect(NatsMessage.decode(received), {
    onFailure: (error) => Effect.succeed({ error, message: Option.none() }),
    onSuccess: (message): Effect.Effect<Failure | undefined, never, R> => {
      const handling = Effect.suspend(() => options.handle(message, CloudEvent.commandIdOf(message)))
      const { correlationId, id: causationId } = message
      return Effect.match(persistently(Metadata.with({ correlationId, causationId })(handling), received, options), {
        onFailure: (error) => ({ error, message: Option.some(message) }),
        onSuccess: () => undefined
      })
    }
  })

/** Runs a part of the handling until it succeeds, or fails for the last time. */
const persistently = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  { seq }: JsMsg,
  { consumer, retry = fiveTimes }: { readonly consumer: string; readonly retry?: Schedule.Schedule<unknown, unknown> }
): Effect.Effect<void, unknown, R> =>
  Effect.exit(effect).pipe(
    // A handler that throws, or interrupts itself, has failed.
    Effect.flatMap((exit) => (Exit.isSuccess(exit) ? Effect.void : Effect.fail(Cause.squash(exit.cause)))),
    Effect.tapError((error) =>
      Effect.contextWith((context: Context.Context<never>) => {
        metrics.of(consumer).failed(context)
        return Effect.logDebug(`hexfold: the inbox "${consumer}" could not handle message ${seq}`, error)
      })
    ),
    Effect.retry({ schedule: waiting, while: isRetryable }),
    Effect.retry({ schedule: retry })
  )

const fiveTimes = Schedule.exponential("100 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 5 }))

// A store that cannot be reached is waited for, however long that takes.
const waiting = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(Schedule.jittered)

const isRetryable = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "isRetryable" in error && error.isRetryable === true

const poisonOf = (
  { data, seq, subject, timestampNanos }: JsMsg,
  stream: string,
  error: unknown,
  message: Option.Option<Publisher.Message>
): Poison => ({
  // A stream that was made anew begins with 1 again, but at another time.
  id: Option.match(message, {
    onNone: () => `poison:${stream} ${seq} ${timestampNanos}`,
    onSome: (one) => `poison:${CloudEvent.commandIdOf(one)}`
  }),
  subject,
  sequence: seq,
  // Stores keep no NUL.
  reason: (error instanceof Error ? error.message : String(error)).replaceAll("\0", " ").slice(0, 1_000),
  payload: Base64.encode(data),
  message
})

/** A message of a stream: its number, and when the stream has taken it, in nanoseconds since 1970. */
interface Place {
  readonly seq: number
  readonly timestampNanos: bigint
}

/**
 * Whether a message that is given to an inbox is one that was settled before, or the first one of a stream that was made anew.
 *
 * Why no message is passed that was not settled. (1) A stream takes messages one after the other, so of two the one with
 * the lower number is not younger. (2) The server gives out no message before the one before it was settled. So a message
 * that comes again with a lower number was settled, unless it is younger: then the stream was made anew. (3) If a clock was
 * set back, a message may be handled again, which has no effect. None is passed, because a stream that was made anew has
 * given out none of its messages before.
 */
const judge = (
  { redelivered, seq, timestampNanos }: Place & { readonly redelivered: boolean },
  settled: Place | undefined
): { readonly isRepeat: boolean; readonly isAnew: boolean } => {
  const isLower = settled !== undefined && seq <= settled.seq
  const isAnew = isLower && timestampNanos > settled.timestampNanos
  return { isRepeat: isLower && redelivered && !isAnew, isAnew }
}

/**
 * Counts the messages before a message that the stream does not have any more and that no process was given, at least.
 *
 * Why the count is right. (1) A consumer of all messages numbers what it gives out, to whichever process, and the stream
 * numbers its messages. (2) Between two of them the consumer's number grows by at least as much as the stream's, unless
 * messages were gone. (3) A server that was killed may begin with older numbers of the consumer. So after each connection
 * the count begins with what the server knows as acknowledged.
 */
const watching = (
  link: NatsConnection,
  { consumer, takesAll }: Ready
): Effect.Effect<(received: JsMsg) => Effect.Effect<number>, never, Scope.Scope> =>
  Effect.gen(function* () {
    let last: { readonly given: number; readonly seq: number } | undefined
    const follow = async () => {
      for await (const { type } of link.status()) if (type === "reconnect") last = undefined
    }
    yield* Effect.forkScoped(Effect.promise(follow), { startImmediately: true })
    // If the server does not answer, this one message is not compared.
    const floor = Effect.tryPromise(() => consumer.info()).pipe(
      Effect.map(({ ack_floor: { consumer_seq: given, stream_seq: seq } }) =>
        given === 0 ? undefined : { given, seq }
      ),
      Effect.catch((error) =>
        Effect.as(Effect.logDebug("hexfold: the consumer could not be looked at", error), undefined)
      )
    )
    return ({ info: { deliverySequence: given }, seq }) =>
      Effect.gen(function* () {
        if (!takesAll) return 0
        const before = last ?? (yield* floor)
        last = { given, seq }
        return before === undefined ? 0 : Math.max(0, seq - before.seq - (given - before.given))
      })
  })
