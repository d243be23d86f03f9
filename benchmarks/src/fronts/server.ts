/** The program that is measured: an API and the routes that it is compared with, on one server of Node. */
import "effect/schema/SchemaJITCompiler/enable"
import { Api, Executor, Projection, View } from "@hexfold/core"
import { Authenticator } from "@hexfold/server"
import { GraphQl } from "@hexfold/server/graphql"
import { Http } from "@hexfold/server/http"
import { Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Counter, Increment } from "../counter.ts"
import { hasViews, launch, ready, Server, storesIn } from "./serving.ts"

/** A record for each counter. */
const Counts = View.make("Counts", {
  from: [Counter],
  state: Schema.Struct({ count: Schema.Int, last: Schema.Int, label: Schema.String }),
  key: (_, { streamId }) => streamId,
  evolve: {
    Incremented: (state, { by }) => ({ count: (state?.count ?? 0) + by, last: by, label: "a counter of the benchmark" })
  }
})

const views = hasViews ? [Counts] : []
const api = Api.make("bench", { aggregates: [Counter], views, policies: "open" })

const Body = Schema.Struct({ by: Schema.Int })
const body = HttpServerRequest.schemaBodyJson(Body)
const id = Effect.map(HttpRouter.params, (params) => params["id"]!)

/** Decodes the body of a command and answers the JSON of its receipt, without executing anything. */
const bare = HttpRouter.add(
  "POST",
  "/bare/:id/Increment",
  Effect.gen(function* () {
    const { by } = yield* body
    const streamId = `Counter-${yield* id}`
    const uuid = "01a21ed2-b675-71df-9920-886c1348ce4d"
    return HttpServerResponse.jsonUnsafe({
      streamId,
      version: 1,
      position: 1,
      history: 1,
      attempts: 1,
      repeated: false,
      events: [
        {
          id: uuid,
          streamId,
          aggregate: "Counter",
          version: 1,
          position: 1,
          type: "Incremented",
          schemaVersion: 1,
          data: { by },
          recordedAt: "2026-01-01T12:00:00.000Z",
          imported: false,
          correlationId: uuid,
          causationId: uuid
        }
      ]
    })
  })
)

const page = Array.from({ length: 20 }, (_, i) => ({
  key: `Counter-page-${i}`,
  count: 1,
  last: 1,
  label: "a counter of the benchmark"
}))

/** Decodes what a page is asked with and answers the JSON of its records, without reading anything. */
const barePage = HttpRouter.add(
  "POST",
  "/bare-page",
  Effect.map(HttpServerRequest.schemaBodyJson(Schema.Struct({ first: Schema.Int })), ({ first }) =>
    HttpServerResponse.jsonUnsafe({ data: { counts: { nodes: page.slice(0, first), pageInfo: { endCursor: null } } } })
  )
)

/** What somebody writes by hand: decodes the body, executes the command, answers with the receipt. */
const byHand = HttpRouter.add(
  "POST",
  "/by-hand/:id/Increment",
  Effect.gen(function* () {
    const command = new Increment(yield* body)
    return HttpServerResponse.jsonUnsafe(yield* Executor.execute(Counter, yield* id, command))
  })
)

// The stores come first: a server of Node that listens before its routes are there leaves requests without an answer.
launch(
  HttpRouter.serve(Layer.mergeAll(Http.layer(api), GraphQl.layer(api), bare, byHand, barePage), {
    disableLogger: true
  }).pipe(
    Layer.merge(ready),
    Layer.provide(Server),
    Layer.provide(Projection.layer(views)),
    Layer.provide([Authenticator.layerNobody, storesIn("fronts")])
  )
)
