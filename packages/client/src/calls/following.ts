/** Server-sent results, over connections that end and begin again. */
import { Effect, Schedule, Schema, Stream } from "effect"
import { Sse } from "effect/encoding"
import { type Asked, type Connection, jsonOf, type Members, problemOf, send, unreadable } from "./requests.ts"
import { RemoteError } from "../errors.ts"

/** How long to wait before a connection is tried again: longer after each try, up to ten seconds, and never the same for all clients. */
export const again = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")]).pipe(
  Schedule.jittered,
  Schedule.while(({ input }: { readonly input: unknown }) => input instanceof RemoteError && input.isRetryable)
)

/**
 * How long a connection may be silent. The API sends a comment every 15 seconds. After a longer silence the connection
 * counts as lost: the network may have changed, or the machine may have slept, and nothing reports that.
 */
const silence = "45 seconds"

const silent = new RemoteError({ status: 0, title: "Silent", detail: "nothing has come for 45 seconds" })

/**
 * The results that an address sends, each different from the one before. A connection that ends begins again, because a
 * server that restarts ends all, and one whose token is over is opened with the next. What the API refuses fails.
 */
export const followed = (connection: Connection, asked: Asked): Stream.Stream<Members, RemoteError> =>
  Stream.suspend(() => {
    let last: string | undefined
    const once = Stream.unwrap(Effect.map(opened(connection, asked), ({ stream }) => resultsOf(stream))).pipe(
      Stream.filter((text) => text !== last),
      Stream.tap((text) => Effect.sync(() => (last = text)))
    )
    // An end that the server has chosen is one more reason to ask again.
    const endless = Stream.concat(once, Stream.fail(ended))
    return Stream.mapEffect(Stream.retry(endless, again), (text) =>
      Effect.mapError(Effect.fromResult(parsed(text)), unreadable)
    )
  })

const ended = new RemoteError({ status: 0, title: "Ended", detail: "the server has ended the stream" })

const parsed = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json)))

const opened = (connection: Connection, asked: Asked) =>
  Effect.gen(function* () {
    const response = yield* Effect.timeoutOrElse(send(connection, asked), {
      duration: silence,
      orElse: () => Effect.fail(silent)
    })
    if (response.status === 200) return response
    const { body, status } = yield* jsonOf(response)
    return yield* problemOf(status, body)
  })

const resultsOf = (bytes: Stream.Stream<Uint8Array, unknown>): Stream.Stream<string, RemoteError> =>
  bytes.pipe(
    Stream.timeoutOrElse({ duration: silence, orElse: () => Stream.fail(silent) }),
    Stream.decodeText,
    Stream.pipeThroughChannel(Sse.decode()),
    Stream.mapError((cause) =>
      cause instanceof RemoteError
        ? cause
        : new RemoteError({ status: 0, title: "Broken", detail: "the connection has ended", cause })
    ),
    Stream.mapEffect(({ data, event }) =>
      event === "error"
        ? Effect.flatMap(Effect.mapError(Effect.fromResult(parsed(data)), unreadable), (body) =>
            Effect.fail(problemOf(Number(body["status"]), body))
          )
        : Effect.succeed(data)
    )
  )
