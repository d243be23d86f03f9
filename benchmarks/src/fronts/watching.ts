/** The program whose watchers are measured: an API, its metrics, and how often its view store was asked. */
import "effect/schema/SchemaJITCompiler/enable"
import { Api, Projection, View, ViewStore } from "@hexfold/core"
import { Authenticator } from "@hexfold/server"
import { Http, HttpOperations } from "@hexfold/server/http"
import { Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { Counter } from "../counter.ts"
import { launch, ready, Server, storesIn } from "./serving.ts"

/** All events change one record. */
const Totals = View.make("Totals", {
  from: [Counter],
  state: Schema.Struct({ count: Schema.Int, at: Schema.DateTimeUtc }),
  key: () => "all",
  evolve: { Incremented: (state, { by }, { recordedAt }) => ({ count: (state?.count ?? 0) + by, at: recordedAt }) }
})

const api = Api.make("watched", { aggregates: [Counter], views: [Totals], policies: "open" })

let queries = 0

const counting = Layer.effect(
  ViewStore.ViewStore,
  Effect.map(ViewStore.ViewStore, (store) => ({
    ...store,
    query: ((query: never, version: number) => (queries++, store.query(query, version))) as typeof store.query
  }))
)

const asked = HttpRouter.add(
  "GET",
  "/queries",
  Effect.sync(() => HttpServerResponse.jsonUnsafe({ queries }))
)

const routes = Layer.mergeAll(
  Http.layer(api),
  HttpOperations.layer({ consumers: api.views, access: "anyone" }),
  asked
).pipe(Layer.provide(counting))

// A view that is not built yet answers no one.
const answering = Layer.effectDiscard(Projection.waitUntil(api.views, 0))

launch(
  HttpRouter.serve(routes, { disableLogger: true }).pipe(
    Layer.merge(Layer.provideMerge(ready, answering)),
    Layer.provide(Server),
    Layer.provide(Projection.layer(api.views)),
    Layer.provide([Authenticator.layerNobody, storesIn("watched")])
  )
)
