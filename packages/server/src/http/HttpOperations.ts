/** What operators ask over HTTP: whether the program is healthy, and its metrics. */
import { type EventStore, type Policy, ProjectionMonitor, type ProjectionStore, type ViewStore } from "@hexfold/core"
import { Effect, type Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import type { Authenticator } from "../Authenticator.ts"
import { admittedWith, mayRead } from "../serving/admission.ts"
import { identified } from "../web/identity.ts"
import { answeringBelow } from "../web/addresses.ts"
import { provideServices } from "../web/services.ts"
import { answeringAll } from "../web/problems.ts"
import { json } from "./routes.ts"

/** What is asked, and who may know more than whether the program is healthy. */
export interface Options {
  /** The views, reactors and processes that must be healthy. */
  readonly consumers: Parameters<typeof ProjectionMonitor.health>[0]
  /** What counts as healthy. */
  readonly healthy?: ProjectionMonitor.HealthOptions
  /** Who may read the metrics, and what is wrong if the program is not healthy. */
  readonly access: Policy.Who | Policy.When<[]>
  /** What stands before each path, as for `Http.layer`. */
  readonly prefix?: `/${string}`
}

/**
 * Serves `GET /health` and `GET /metrics`.
 *
 * Everybody may ask whether the program is healthy, also with wrong credentials and above every rate limit: the answer is
 * 200 or 503, and is worked out at most once a second.
 * Those who have access get the faults too. The metrics are those of this process, in the text form of Prometheus.
 *
 * @example
 * ```ts
 * import { Policy, type View } from "@hexfold/core"
 * import { HttpOperations } from "@hexfold/server/http"
 *
 * declare const Accounts: View.Any
 *
 * const Operations = HttpOperations.layer({ consumers: [Accounts], access: Policy.role("operator") })
 * ```
 */
export const layer = ({
  access,
  consumers,
  healthy,
  prefix
}: Options): Layer.Layer<
  never,
  never,
  HttpRouter.HttpRouter | Authenticator | EventStore.EventStore | ProjectionStore.ProjectionStore | ViewStore.ViewStore
> =>
  HttpRouter.use((router) =>
    Effect.gen(function* () {
      const provided = provideServices(
        yield* Effect.context<
          Authenticator | EventStore.EventStore | ProjectionStore.ProjectionStore | ViewStore.ViewStore
        >()
      )
      // A failure is kept for the same time as a success, so that a sick store is not asked more often.
      const health = yield* Effect.cachedWithTTL(
        Effect.result(ProjectionMonitor.health(consumers, healthy)),
        "1 second"
      )
      const healthRoute = Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        // Whoever cannot be identified, or asks too often, is everybody: a program is not sick because of that.
        const { caller } = yield* Effect.orElseSucceed(identified(request), () => ({ caller: undefined }))
        const found = yield* health
        if (found._tag === "Success") return json({ status: "healthy" })
        const faults = mayRead(access, caller) ? { detail: found.failure.message } : {}
        return json({ status: "unhealthy", ...faults }, { status: 503 })
      })
      const metricsRoute = Effect.gen(function* () {
        const { caller } = yield* identified(yield* HttpServerRequest.HttpServerRequest)
        yield* admittedWith(access, caller, "read metrics", undefined)
        return HttpServerResponse.text(yield* PrometheusMetrics.format(), {
          contentType: "text/plain; version=0.0.4; charset=utf-8",
          headers: { "cache-control": "no-store" }
        })
      })
      const paths = ["/health", "/metrics"].map((path) => `${prefix ?? ""}${path}`)
      yield* answeringBelow(router, { roots: paths, taken: paths.map((path) => ({ method: "GET", path })) })
      yield* (prefix === undefined ? router : router.prefixed(prefix)).addAll([
        HttpRouter.route("GET", "/health", provided(answeringAll(healthRoute))),
        HttpRouter.route("GET", "/metrics", provided(answeringAll(metricsRoute)))
      ])
    })
  )
