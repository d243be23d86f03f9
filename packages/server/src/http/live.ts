/** Results as they come, as server-sent events. */
import { Clock, Context, DateTime, Effect, Schedule, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { problemOf, publicOf } from "./problems.ts"

/** Completes when the front closes. Then all live streams end, so that the server need not wait for their clients. */
export class Closing extends Context.Service<Closing, Effect.Effect<void>>()("@hexfold/server/http/Closing") {}

/** The least time between two results of one stream, in milliseconds: a watcher gets at most ten a second. */
const pace = 100

/** How often a comment is sent, so that proxies keep a quiet stream open. */
const quiet = "15 seconds"

/**
 * A stream of results as an answer. Results that many watch are written once: the same object has the same text.
 */
export const live = <A extends object, E, R>(
  event: string,
  results: Stream.Stream<A, E, R>,
  until: DateTime.Utc | undefined
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R | Closing> =>
  framed(
    Stream.map(paced(results), (result) => frameOf(event, result)),
    until
  )

/**
 * Server-sent events as an answer. It ends with the credentials that opened it. If the events fail, the last one is
 * called `error`, and says what an answer would have said.
 */
export const framed = <E, R>(
  frames: Stream.Stream<string, E, R>,
  until: DateTime.Utc | undefined
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R | Closing> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<R>()
    const closing = yield* Closing
    const ended = frames.pipe(
      Stream.catch((failure) =>
        Stream.fromEffect(
          Effect.as(
            Effect.logWarning("hexfold: a live stream has ended", failure),
            `event: error\ndata: ${JSON.stringify(publicOf(problemOf(failure)))}\n\n`
          )
        )
      )
    )
    const whole = Stream.merge(ended, comments, { haltStrategy: "left" })
    const ending = Stream.interruptWhen(whole, until === undefined ? closing : Effect.race(closing, reached(until)))
    return HttpServerResponse.stream(Stream.encodeText(Stream.provideContext(ending, context)), {
      contentType: "text/event-stream",
      headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
    })
  })

const comments = Stream.as(Stream.fromSchedule(Schedule.spaced(quiet)), ": still there\n\n")

const reached = (time: DateTime.Utc) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sleep(Math.max(0, DateTime.toEpochMillis(time) - now)))

// Whoever is slow, or is held back here, gets the latest result next, and none of those between.
const paced = <A, E, R>(results: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> =>
  Stream.suspend(() => {
    let next = 0
    return Stream.mapEffect(results, (result) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        if (now < next) yield* Effect.sleep(next - now)
        next = Math.max(now, next) + pace
        return result
      })
    )
  })

const frames = new WeakMap<object, string>()

const frameOf = (event: string, result: object): string => {
  let frame = frames.get(result)
  if (frame === undefined) {
    frame = `event: ${event}\ndata: ${JSON.stringify(result)}\n\n`
    frames.set(result, frame)
  }
  return frame
}
