/** Results as they come, as server-sent events. */
import { Cause, type DateTime, Effect, Option, Stream } from "effect"
import type { HttpServerResponse } from "effect/http"
import { type Closing, eventStream, paced } from "../web/liveStreams.ts"
import { problemOf, publicOf } from "../web/problems.ts"

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
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R | Closing> => {
  const ended = frames.pipe(
    Stream.catchCause((cause) =>
      Cause.hasInterrupts(cause) ? Stream.failCause(cause as Cause.Cause<never>) : Stream.fromEffect(lastOf(cause))
    )
  )
  return eventStream(ended, until)
}

// What throws ends a stream as what fails does: whoever follows is told, and the operator, too.
const lastOf = (cause: Cause.Cause<unknown>): Effect.Effect<string> => {
  const failure = Option.getOrElse(Cause.findErrorOption(cause), (): unknown => cause)
  return Effect.as(
    Effect.logWarning("hexfold: a live stream has ended", failure),
    `event: error\ndata: ${JSON.stringify(publicOf(problemOf(failure)))}\n\n`
  )
}

const frames = new WeakMap<object, string>()

const frameOf = (event: string, result: object): string => {
  let frame = frames.get(result)
  if (frame === undefined) {
    frame = `event: ${event}\ndata: ${JSON.stringify(result)}\n\n`
    frames.set(result, frame)
  }
  return frame
}
