/** Bytes through a compression of the platform: of the browser, of Node, of an edge worker. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"

/** A pair of streams of the platform, the one readable as what was written to the other. */
interface Through {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>
}

/**
 * Sends bytes through a pair of streams. The source is asked for more when the pair has taken what came before, so
 * memory is bounded. If the source fails, its failure comes out; if the pair fails, `onError` of what it raised.
 */
export const through =
  <E2>(make: () => Through, onError: (cause: unknown) => E2) =>
  <E, R>(source: Stream.Stream<Uint8Array<ArrayBuffer>, E, R>): Stream.Stream<Uint8Array, E | E2, R> =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { readable, writable } = make()
        const writer = writable.getWriter()
        const written = (write: () => Promise<void>) => Effect.tryPromise({ try: write, catch: onError })
        const feeding = source.pipe(
          Stream.runForEach((chunk) => written(() => writer.write(chunk))),
          Effect.andThen(written(() => writer.close())),
          Effect.onExit((exit) =>
            // The reader then ends with an error, and finds out here why.
            Exit.isSuccess(exit)
              ? Effect.void
              : Effect.ignore(Effect.tryPromise({ try: () => writer.abort(), catch: onError }))
          )
        )
        const feeder = yield* Effect.forkScoped(feeding)
        const fed = Stream.drain(Stream.fromEffect(Fiber.join(feeder)))
        return Stream.fromReadableStream({ evaluate: () => readable, onError }).pipe(
          Stream.catch((error) => Stream.concat(fed, Stream.fail(error))),
          Stream.concat(fed)
        )
      })
    )
