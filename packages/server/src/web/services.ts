/** What the routes of a front get from its layer. */
import { Context, Deferred, Effect, type Scope } from "effect"
import { withServices } from "./addedServices.ts"
import { Closing } from "./liveStreams.ts"

/** The services of a front, with the moment at which it closes. */
export const servicesUntilClosed = <R>(): Effect.Effect<Context.Context<R | Closing>, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const closed = yield* Deferred.make<void>()
    yield* Effect.addFinalizer(() => Deferred.succeed(closed, undefined))
    return Context.add(yield* Effect.context<R>(), Closing, Deferred.await(closed))
  })

/** Provides what a front and its stores have; see {@link withServices}. */
export const provideServices = <S>(services: Context.Context<S>) => {
  const added = withServices(services)
  return <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, S>> =>
    Effect.updateContext(effect, (context: Context.Context<Exclude<R, S>>) => added(context) as Context.Context<R>)
}
