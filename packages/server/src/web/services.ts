/** What the routes of a front get from its layer, and when they end. */
import { Context, Deferred, Effect, Scope, Tracer } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"

/** Completes when the front closes. Then all live streams end, so that the server need not wait for their clients. */
export class Closing extends Context.Service<Closing, Effect.Effect<void>>()("@hexfold/server/web/Closing") {}

/** Completes when the server begins to end. Without `HttpShutdown.layer` it never completes. */
export const ServerClosing: Context.Reference<Effect.Effect<void>> = Context.Reference<Effect.Effect<void>>(
  "@hexfold/server/web/ServerClosing",
  { defaultValue: () => Effect.never }
)

/** The services of a front, with the moment at which it closes. */
export const servicesUntilClosed = <R>(): Effect.Effect<Context.Context<R | Closing>, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const closed = yield* Deferred.make<void>()
    yield* Effect.addFinalizer(() => Deferred.succeed(closed, undefined))
    return Context.add(yield* Effect.context<R>(), Closing, Deferred.await(closed))
  })

// These belong to a request, and never to the layer of a front.
const ofRequests = new Set<string>([
  Scope.Scope.key,
  Tracer.ParentSpan.key,
  HttpServerRequest.HttpServerRequest.key,
  HttpServerRequest.ParsedSearchParams.key,
  HttpRouter.RouteContext.key
])

/**
 * Adds the services of a front to the context of a request. A request mostly has all but one or two of them, and only these
 * are added. To merge both contexts would take 12 µs a request.
 */
const withServices = <S>(services: Context.Context<S>) => {
  const all = Array.from(services.mapUnsafe).flatMap(([key, value]) =>
    ofRequests.has(key) ? [] : [{ service: Context.Service<S, unknown>(key), value }]
  )
  return <R>(context: Context.Context<R>): Context.Context<R | S> => {
    let provided: Context.Context<never> = context
    for (const { service, value } of all) {
      if (Context.getOrUndefined(provided, service) !== value) provided = Context.add(provided, service, value)
    }
    return provided as Context.Context<R | S>
  }
}

/** Runs an effect with the services of a front in its context. {@link withServices} adds them. */
export const provideServices = <S>(services: Context.Context<S>) => {
  const added = withServices(services)
  return <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, S>> =>
    Effect.updateContext(effect, (context: Context.Context<Exclude<R, S>>) => added(context) as Context.Context<R>)
}
