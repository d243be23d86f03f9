/** Results as they come, as server-sent events. */
import { type DateTime, Effect, Stream } from "effect"
import type { HttpServerResponse } from "effect/http"
import { pace } from "../serving/views.ts"
import { eventStream, frameOf, paced, withLast } from "../web/liveStreams.ts"
import type { Closing } from "../web/services.ts"
import { problemOf, publicOf } from "../web/problems.ts"

/** A stream of results as an answer. */
export const live = <A extends object, E, R>(
  event: string,
  results: Stream.Stream<A, E, R>,
  until: DateTime.Utc | undefined
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R | Closing> =>
  framed(
    Stream.map(paced(results, pace), (result) => frameOf(event, result)),
    until
  )

/**
 * Server-sent events as an answer. It ends with the credentials that opened it. If the events fail, the last one is
 * called `error`, and says what an answer would have said.
 */
export const framed = <E, R>(
  frames: Stream.Stream<Uint8Array, E, R>,
  until: DateTime.Utc | undefined
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R | Closing> =>
  eventStream(
    withLast(frames, "a live stream", (failure) => Effect.sync(() => frameOf("error", publicOf(problemOf(failure))))),
    until
  )
