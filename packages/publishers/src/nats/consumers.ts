/** What a consumer of JetStream must be, so that no message is lost, and none overtakes another one of its key. */
import {
  AckPolicy,
  type Consumer,
  type ConsumerConfig,
  DiscardPolicy,
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type StreamConfig
} from "@nats-io/jetstream"
import type { NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"
import { NatsUnavailable } from "./connection.ts"

/** The names of a stream and of one of its consumers. */
export interface Names {
  readonly stream: string
  readonly consumer: string
}

/** A consumer that is there and keeps the order. */
export interface Ready {
  readonly consumer: Consumer
  /** For how long a message is its receiver's before it is delivered again, in milliseconds. */
  readonly ackWait: number
  /** Whether it is given every message of the stream. */
  readonly takesAll: boolean
  /** How the stream may drop messages that nobody has handled; undefined if it does not. */
  readonly drops: string | undefined
}

/** Looks a consumer up. It is `stopped` if it is not there, or is not one that keeps the order. */
export const ready = <E>(
  connection: NatsConnection,
  names: Names,
  stopped: (detail: string, cause?: unknown) => E
): Effect.Effect<Ready, E | NatsUnavailable> =>
  Effect.gen(function* () {
    const { consumer: name, stream } = names
    const asking = <A>(ask: () => Promise<A>): Effect.Effect<A, E | NatsUnavailable> =>
      Effect.tryPromise({
        try: ask,
        catch: (cause) =>
          isMissing(cause) ? stopped(missing(names), cause) : new NatsUnavailable({ detail: unknown(names), cause })
      })
    const manager = yield* asking(() => jetstreamManager(connection, { checkAPI: false }))
    const { config } = yield* asking(() => manager.streams.info(stream))
    const info = yield* asking(() => manager.consumers.info(stream, name))
    const wrong = problemOf(info.config)
    if (wrong !== undefined) return yield* Effect.fail(stopped(`its consumer ${wrong}`))
    const consumer = yield* asking(() => jetstream(connection).consumers.get(stream, name))
    const { ack_wait: wait = 30e9, filter_subject: filter, filter_subjects: filters = [] } = info.config
    return {
      consumer,
      ackWait: wait / 1e6,
      takesAll: (filter === undefined || filter === "" || filter === ">") && filters.length === 0,
      drops: dropsOf(config)
    }
  })

/** Whether an error says that the stream or the consumer is not there. */
export const isMissing = (error: unknown): boolean =>
  (error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamNotFound || error.code === JetStreamApiCodes.ConsumerNotFound)) ||
  // What the client makes itself has no code.
  (error instanceof Error && /(stream|consumer) not found|consumer deleted/i.test(error.message))

const missing = ({ consumer }: Names): string =>
  `there is no such stream, or no such consumer of it: make both before, such as with { durable_name: "${consumer}", ack_policy: "explicit", max_ack_pending: 1 }`

const unknown = ({ consumer, stream }: Names): string =>
  `the consumer "${consumer}" of the stream "${stream}" could not be looked at`

const problemOf = (config: ConsumerConfig): string | undefined => {
  if ((config.durable_name ?? "") === "") {
    return "is not durable: the server would forget it, and with it what was handled. Give it a durable_name"
  }
  if (config.deliver_subject !== undefined) return "pushes messages: make one without deliver_subject"
  if (config.ack_policy !== AckPolicy.Explicit) return 'does not have each message acknowledged: ack_policy "explicit"'
  if (config.max_ack_pending !== 1) {
    return (
      `would give out ${config.max_ack_pending} messages before the first one is acknowledged, so that after a crash ` +
      "later messages of a key come before earlier ones: max_ack_pending must be 1"
    )
  }
  if (config.max_deliver !== undefined && config.max_deliver > 0) {
    return `drops a message after ${config.max_deliver} deliveries: leave max_deliver out`
  }
  return undefined
}

const dropsOf = ({ discard, max_age, max_bytes, max_msgs, max_msgs_per_subject }: StreamConfig): string | undefined => {
  const isOld = discard === DiscardPolicy.Old
  const limits = { max_age, ...(isOld ? { max_msgs, max_bytes } : {}), max_msgs_per_subject }
  const set = Object.entries(limits).filter(([, limit]) => limit > 0)
  return set.length === 0 ? undefined : set.map(([name, limit]) => `${name} ${limit}`).join(", ")
}
