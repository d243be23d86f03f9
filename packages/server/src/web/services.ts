/** What the routes of a front get from its layer. */
import { Context, Deferred, Effect, type Scope } from "effect"
import { Closing } from "./liveStreams.ts"

/** The services of a front, with the moment at which it closes. */
export const servicesUntilClosed = <R>(): Effect.Effect<Context.Context<R | Closing>, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const closed = yield* Deferred.make<void>()
    yield* Effect.addFinalizer(() => Deferred.succeed(closed, undefined))
    return Context.add(yield* Effect.context<R>(), Closing, Deferred.await(closed))
  })

/**
 * Provides what a front and its stores have, and leaves what Effect has as the request has it. A request mostly has the
 * stores already. To merge both contexts takes 12 µs a request, and this takes 1 µs.
 */
export const provideServices = <S>(services: Context.Context<S>) => {
  const ours = Array.from(services.mapUnsafe).flatMap(([key, value]) =>
    key.startsWith("@hexfold/") ? [{ service: Context.Service<S, unknown>(key), value }] : []
  )
  return <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, S>> =>
    Effect.updateContext(effect, (context: Context.Context<Exclude<R, S>>) => {
      let provided: Context.Context<never> = context
      for (const { service, value } of ours) {
        if (Context.getOrUndefined(provided, service) !== value) provided = Context.add(provided, service, value)
      }
      return provided as Context.Context<R>
    })
}
