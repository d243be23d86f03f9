/** The program whose watchers are measured: an API, its metrics, and how often its view store was asked. */
import "effect/schema/SchemaJITCompiler/enable"
import { NodeHttpServer } from "@effect/platform-node"
import { MemoryStores } from "@hexfold/adapters-memory"
import { PgStores } from "@hexfold/adapters-pg"
import { Api, Projection, View, ViewStore } from "@hexfold/core"
import { Authenticator } from "@hexfold/server"
import { Http, HttpOperations } from "@hexfold/server/http"
import { Effect, Layer, Redacted, Schema } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { Counter } from "../counter.ts"

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

const url = process.argv[2]
const Stores = url === undefined ? MemoryStores.layer() : PgStores.layerUrl(Redacted.make(url), { schema: "watched" })

const ready = Layer.effectDiscard(
  Effect.map(HttpServer.HttpServer, ({ address }) => process.send?.(/:(\d+)$/.exec(String(address))![1]!))
)

const routes = Layer.mergeAll(
  Http.layer(api),
  HttpOperations.layer({ consumers: api.views, access: "anyone" }),
  asked
).pipe(Layer.provide(counting))

const Served = HttpRouter.serve(routes, { disableLogger: true }).pipe(
  Layer.merge(ready),
  Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
  Layer.provide(Projection.layer(api.views)),
  Layer.provide([Authenticator.layerNobody, Stores])
)

process.on("disconnect", () => process.exit(0))
Effect.runFork(Layer.launch(Served))
