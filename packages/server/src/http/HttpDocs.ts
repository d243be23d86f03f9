/** What tools need to know of an API over HTTP: its OpenAPI document. It is apart from the front, which does not need it to run. */
import type { Api } from "@hexfold/core"
import { Effect, type Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { OpenApi } from "effect/http-api"
import { described } from "./describing.ts"

/** Where the API is served. */
export interface Options {
  /** What stands before each path, as for `Http.layer`. */
  readonly prefix?: `/${string}`
}

/**
 * The OpenAPI document of an API, version 3.1.0.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { HttpDocs } from "@hexfold/server/docs"
 *
 * declare const api: Api.Any
 *
 * const { paths } = HttpDocs.document(api)
 * ```
 */
export const document = (api: Api.Any, { prefix }: Options = {}): OpenApi.OpenAPISpec =>
  OpenApi.fromApi(described(api, prefix))

/**
 * Serves the OpenAPI document under `/openapi.json`.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { HttpDocs } from "@hexfold/server/docs"
 * import { Http } from "@hexfold/server/http"
 * import { Layer } from "effect"
 *
 * declare const api: Api.Any
 *
 * const Routes = Layer.mergeAll(Http.layer(api), HttpDocs.layer(api))
 * ```
 */
export const layer = (api: Api.Any, options: Options = {}): Layer.Layer<never, never, HttpRouter.HttpRouter> => {
  let text: string | undefined
  const answer = Effect.sync(() => {
    text ??= JSON.stringify(document(api, options))
    return HttpServerResponse.text(text, { contentType: "application/json" })
  })
  return HttpRouter.add("GET", `${options.prefix ?? ""}/openapi.json`, answer)
}
