import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node"
import { Effect, Schema, type Scope } from "effect"

/** NATS cannot be reached at the start, or does not have the stream that is published to. */
export class NatsUnavailable extends Schema.TaggedError<NatsUnavailable>()("NatsUnavailable", {
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

/** A connection that is made again whenever it is lost, until the scope ends. */
export const opened = (options: NodeConnectionOptions): Effect.Effect<NatsConnection, NatsUnavailable, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        connect({
          timeout: 5_000,
          pingInterval: 20_000,
          reconnectTimeWait: 250,
          maxReconnectAttempts: -1,
          // Credentials that have expired may be renewed.
          ignoreAuthErrorAbort: true,
          // Saves the stack of every message.
          noAsyncTraces: true,
          ...options
        }),
      catch: (cause) => new NatsUnavailable({ detail: "NATS cannot be reached", cause })
    }),
    (connection) => Effect.promise(() => connection.close())
  )
