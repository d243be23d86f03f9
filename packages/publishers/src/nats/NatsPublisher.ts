/**
 * Messages in streams of NATS JetStream. A message is taken when the stream has
 * acknowledged it. Its id and its source are the id for the de-duplication of JetStream: a message that is
 * published again within the `duplicate_window` of the stream is not stored twice.
 */
import { jetstream, type JetStreamClient, jetstreamManager, type PubAck } from "@nats-io/jetstream"
import { headers, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node"
import { Publisher, Reason } from "@hexfold/core"
import { PublisherBatch } from "@hexfold/core/adapter"
import { Duration, Effect, Layer, Schedule, type Scope } from "effect"
import { NatsUnavailable, opened } from "./connection.ts"
import { failureOf, isMissingStream } from "./failures.ts"
import * as NatsMessage from "./NatsMessage.ts"

export { NatsUnavailable }

/** Where messages go, and how. */
export interface Options {
  /**
   * The connection, as the client of NATS takes it: `servers`, credentials, TLS. A publisher tries for ever to connect
   * again, every 250 ms, and notices after a minute that a connection is dead, unless these options say otherwise.
   */
  readonly connection: NodeConnectionOptions
  /**
   * The name of the stream. If it is given, opening the publisher fails without this stream, and a message that another
   * stream would take is not taken.
   */
  readonly stream?: string
  /** The most messages that wait for their acknowledgement, each of another key. 256 by default. */
  readonly concurrency?: number
  /** How long one acknowledgement may take. 5 seconds by default. */
  readonly acknowledgementLimit?: Duration.Input
  /** How long a call may take, with its repeats. 30 seconds by default. */
  readonly limit?: Duration.Input
  /** When a message is sent again within a call. By default five times, after about 0.1 to 1.6 seconds. */
  readonly retry?: Schedule.Schedule<unknown, PublisherBatch.Failure>
}

/**
 * Makes a publisher with a connection of its own, which ends with the scope.
 *
 * The subject of a message is that of its publication and key: see
 * `NatsMessage.subjectOf`. While there is no connection, and while no stream takes the
 * subject, messages are `Unavailable`. A stream that was made anew while the publisher lives is told in the log. A message that is larger than the server or the
 * stream allows, and one that the server does not permit, is `Rejected`.
 *
 * @example
 * ```ts
 * import { NatsPublisher } from "@hexfold/publishers/nats"
 *
 * const publisher = NatsPublisher.make({ connection: { servers: "nats://127.0.0.1:4222" }, stream: "orders" })
 * ```
 */
export const make = (options: Options): Effect.Effect<Publisher.Publisher["Service"], NatsUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const { acknowledgementLimit = "5 seconds", concurrency = 256, limit = "30 seconds", stream } = options
    const connection = yield* opened(options.connection)
    const client = jetstream(connection)
    if (stream !== undefined) yield* checked(connection, stream)
    const link = yield* watched(connection)
    const publish = publishing(client, {
      timeout: Duration.toMillis(acknowledgementLimit),
      ...(stream === undefined ? undefined : { expect: { streamName: stream } })
    })

    const losses = noticing()

    const send = (message: Publisher.Message): Effect.Effect<void, PublisherBatch.Failure> =>
      Effect.callback<void, PublisherBatch.Failure>((resume) => {
        // The client would keep the message for a later connection.
        if (!link.isConnected()) {
          resume(Effect.fail(disconnected("there is no connection to NATS")))
          return
        }
        // Nobody answers on a connection that is lost, and the client would wait for the answer until its limit.
        const lost = () => resume(Effect.fail(disconnected("the connection to NATS was lost before an answer came")))
        link.waiting.add(lost)
        const notice = losses()
        publish(message).then(
          (taken) => {
            link.waiting.delete(lost)
            resume(notice(taken))
          },
          (error: unknown) => {
            link.waiting.delete(lost)
            resume(Effect.fail(failureOf(error, message, connection.info?.max_payload)))
          }
        )
        return Effect.sync(() => link.waiting.delete(lost))
      })

    return PublisherBatch.make({ send, concurrency, limit, retry: options.retry ?? fiveTimes })
  })

/**
 * Supplies a publisher with a connection of its own.
 *
 * @example
 * ```ts
 * import { NatsPublisher } from "@hexfold/publishers/nats"
 * import { credsAuthenticator } from "@nats-io/transport-node"
 *
 * declare const credentials: Uint8Array
 *
 * const Live = NatsPublisher.layer({
 *   connection: { servers: ["nats://a:4222", "nats://b:4222"], authenticator: credsAuthenticator(credentials) },
 *   stream: "orders"
 * })
 * ```
 */
export const layer = (options: Options): Layer.Layer<Publisher.Publisher, NatsUnavailable> =>
  Layer.effect(Publisher.Publisher, make(options))

const fiveTimes = Schedule.exponential("100 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 5 }))

const disconnected = (detail: string): PublisherBatch.Failure => ({ reason: new Reason.Unavailable({ detail }) })

const checked = (connection: NatsConnection, stream: string): Effect.Effect<void, NatsUnavailable> =>
  Effect.asVoid(
    Effect.tryPromise({
      try: async () => (await jetstreamManager(connection, { checkAPI: false })).streams.info(stream),
      catch: (cause) =>
        new NatsUnavailable({
          detail: isMissingStream(cause)
            ? `there is no stream "${stream}": make it, with the subjects of its publications such as "orders.v1.*"`
            : `the stream "${stream}" could not be looked at`,
          cause
        })
    })
  )

interface Link {
  readonly isConnected: () => boolean
  /** What is called when the connection is lost. */
  readonly waiting: Set<() => void>
}

/** Follows whether there is a connection. The loop ends with the connection, and the connection with the scope. */
const watched = (connection: NatsConnection): Effect.Effect<Link, never, Scope.Scope> =>
  Effect.gen(function* () {
    let isConnected = true
    const waiting = new Set<() => void>()
    const follow = async () => {
      for await (const { type } of connection.status()) {
        if (type === "reconnect") isConnected = true
        if (type === "disconnect" || type === "staleConnection" || type === "close") {
          isConnected = false
          for (const lost of [...waiting]) lost()
          waiting.clear()
        }
      }
    }
    yield* Effect.forkScoped(Effect.promise(follow), { startImmediately: true })
    return { isConnected: () => isConnected, waiting }
  })

/**
 * Tells when a stream was made anew since an earlier message was taken: what it had that nobody had handled is lost.
 *
 * Why it is right. (1) A stream gives each message a higher number than those before. (2) A message that is sent after
 * another one was acknowledged comes after it. (3) So a lower number is that of another stream, unless the message was
 * there already. Each new stream is told once: later answers are compared with its own numbers.
 */
const noticing = () => {
  let stream = { highest: 0 }
  return () => {
    const known = stream
    const { highest } = known
    return ({ duplicate, seq, stream: name }: PubAck): Effect.Effect<void> => {
      if (duplicate) return Effect.void
      if (seq > highest) {
        known.highest = Math.max(known.highest, seq)
        return Effect.void
      }
      if (known !== stream) return Effect.void
      stream = { highest: seq }
      return Effect.logError(
        `hexfold: the stream "${name}" was made anew: it had ${highest} messages, and what nobody had handled of them is lost`
      )
    }
  }
}

const publishing =
  (client: JetStreamClient, given: Parameters<JetStreamClient["publish"]>[2]) =>
  async (message: Publisher.Message): Promise<PubAck> => {
    const fields = headers()
    for (const [name, value] of Object.entries(NatsMessage.headersOf(message))) fields.set(name, value)
    return client.publish(NatsMessage.subjectOf(message.publication, message.key), JSON.stringify(message.body), {
      ...given,
      // A stream may have messages of several sources. Neither a source nor an id has a space.
      msgID: `${message.id} ${message.source}`,
      headers: fields
    })
  }
