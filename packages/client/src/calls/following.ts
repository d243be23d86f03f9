/** Server-sent results, over connections that end and begin again. */
import { Effect, Schedule, Stream } from "effect"
import { Sse } from "effect/encoding"
import { RemoteError } from "../errors.ts"
import { type Asked, type Connection, jsonOf, type Members, membersIn, problemOf, send } from "./requests.ts"
import { unreadable } from "./unreadable.ts"

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
 * server that restarts ends all, and one whose token is over is opened with the next. What the API refuses fails, and so
 * does what comes under another name than the results have: nothing is left out unseen.
 */
export const followed = (connection: Connection, asked: Asked, name: string): Stream.Stream<Members, RemoteError> =>
  Stream.suspend(() => {
    let last: string | undefined
    const once = Stream.unwrap(Effect.map(opened(connection, asked), ({ stream }) => resultsOf(stream, name))).pipe(
      Stream.filter((text) => text !== last),
      Stream.tap((text) => Effect.sync(() => (last = text)))
    )
    // An end that the server has chosen is one more reason to ask again.
    const endless = Stream.concat(once, Stream.fail(ended))
    return Stream.mapEffect(Stream.retry(endless, again), parsed)
  })

// A problem without a status is one of the server.
const numberIn = (status: unknown): number => (Number.isInteger(status) ? (status as number) : 500)

const ended = new RemoteError({ status: 0, title: "Ended", detail: "the server has ended the stream" })

const parsed = (text: string): Effect.Effect<Members, RemoteError> => {
  const members = membersIn(text)
  return members === undefined ? Effect.fail(unreadable(new Error("it is no JSON object"))) : Effect.succeed(members)
}

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

const resultsOf = (bytes: Stream.Stream<Uint8Array, unknown>, name: string): Stream.Stream<string, RemoteError> =>
  bytes.pipe(
    Stream.timeoutOrElse({ duration: silence, orElse: () => Stream.fail(silent) }),
    Stream.decodeText,
    Stream.pipeThroughChannel(Sse.decode()),
    Stream.mapError((cause) =>
      cause instanceof RemoteError
        ? cause
        : new RemoteError({ status: 0, title: "Broken", detail: "the connection has ended", cause })
    ),
    Stream.mapEffect(({ data, event }) => {
      if (event === name) return Effect.succeed(data)
      if (event === "error") {
        return Effect.flatMap(parsed(data), (body) => Effect.fail(problemOf(numberIn(body["status"]), body)))
      }
      return Effect.fail(unreadable(new Error(`it sends ${JSON.stringify(event)} where ${name} is expected`)))
    })
  )
