/** The API on the network: each front is a layer. */
import { NodeHttpServer } from "@effect/platform-node"
import { Policy, Projection } from "@hexfold/core"
import { GraphQl } from "@hexfold/server/graphql"
import { GraphQlWs } from "@hexfold/server/graphql/ws"
import { Http, HttpOperations, HttpShutdown } from "@hexfold/server/http"
import { HttpDocs } from "@hexfold/server/http/docs"
import { Layer } from "effect"
import { createServer } from "node:http"
import { api } from "../api.ts"
import { callers } from "./callers.ts"
import { page } from "./page.ts"

const documented = { security: { token: { type: "http", scheme: "bearer" } } } as const

// Whoever tries the example may look around in the schema. Elsewhere that is so while `NODE_ENV` is `development`.
const explored = { introspection: true }

const fronts = Layer.mergeAll(
  Http.layer(api),
  GraphQl.layer(api, explored),
  GraphQlWs.layer(api, explored),
  HttpDocs.layer(api, documented),
  HttpDocs.layerPage(api, documented),
  HttpOperations.layer({ consumers: api.views, access: Policy.role("CONTROLLER") }),
  page
)

/** Serves the API on a port of this machine, and runs the projections of its views. Port 0 is any that is free. */
export const serving = ({ budget, port }: { readonly budget: string; readonly port: number }) =>
  HttpShutdown.serve(fronts, NodeHttpServer.layer(createServer, { host: "127.0.0.1", port }), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(Layer.provide(callers(budget)), Layer.provide(Projection.layer(api.views)))
