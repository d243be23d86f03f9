/**
 * What people and tools need to know of an API over HTTP: its OpenAPI document, and a page that shows it. It is apart from
 * the front, which does not need it to run.
 */
import type { Api } from "@hexfold/core"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { type HttpApi, HttpApiSwagger, OpenApi } from "effect/http-api"
import { answeringBelow } from "../web/addresses.ts"
import { described } from "./describing/api.ts"

/** Where the API is served, and how a caller says who is asking. */
export interface Options {
  /** What stands before each path, as for `Http.layer`. */
  readonly prefix?: `/${string}`
  /**
   * How a caller says who is asking, by a name: `{ token: { type: "http", scheme: "bearer" } }`. Whether a route needs it
   * is up to the policies, so the document says that each may.
   */
  readonly security?: Readonly<Record<string, OpenApi.OpenAPISecurityScheme>>
}

/**
 * The OpenAPI document of an API, version 3.1.0.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { HttpDocs } from "@hexfold/server/http/docs"
 *
 * declare const api: Api.Any
 *
 * const { paths } = HttpDocs.document(api)
 * ```
 */
export const document = (api: Api.Any, options: Options = {}): OpenApi.OpenAPISpec =>
  OpenApi.fromApi(documented(api, options))

/**
 * Serves the OpenAPI document under `/openapi.json`.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { Http } from "@hexfold/server/http"
 * import { HttpDocs } from "@hexfold/server/http/docs"
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
  const path = `${options.prefix ?? ""}/openapi.json` as const
  return Layer.merge(HttpRouter.add("GET", path, answer), takingGet(path))
}

/**
 * Serves a page under `/docs` that shows the API and calls it: Swagger UI. The page is whole, and asks no other server for
 * anything. It is 2 MB, which are loaded when the layer is built. A program without this layer has none of them.
 *
 * @example
 * ```ts
 * import { type Api } from "@hexfold/core"
 * import { Http } from "@hexfold/server/http"
 * import { HttpDocs } from "@hexfold/server/http/docs"
 * import { Layer } from "effect"
 *
 * declare const api: Api.Any
 *
 * const Page = HttpDocs.layerPage(api, { security: { token: { type: "http", scheme: "bearer" } } })
 * const Routes = Layer.mergeAll(Http.layer(api), Page)
 * ```
 */
export const layerPage = (api: Api.Any, options: Options = {}): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  Layer.suspend(() => {
    const path = `${options.prefix ?? ""}/docs` as const
    return Layer.merge(HttpApiSwagger.layer(documented(api, options), { path }), takingGet(path))
  })

const takingGet = (path: string) =>
  HttpRouter.use((router) => answeringBelow(router, { roots: [path], taken: [{ method: "GET", path }] }))

const documented = (api: Api.Any, { prefix, security = {} }: Options): HttpApi.Top => {
  const plain = described(api, prefix)
  const names = Object.keys(security)
  if (names.length === 0) return plain
  const asked = [{}, ...names.map((name) => ({ [name]: [] }))]
  // The document that Effect has made has an empty list for each operation, which would hide one for the whole.
  const secured = (method: "get" | "post", operation: OpenApi.OpenAPISpecOperation | undefined) =>
    operation === undefined ? {} : { [method]: { ...operation, security: asked } }
  const transform = (spec: Readonly<Record<string, unknown>>) => {
    const { components, paths } = spec as unknown as OpenApi.OpenAPISpec
    const items = Object.entries(paths).map(([path, item]) => {
      const methods = { ...secured("get", item.get), ...secured("post", item.post) }
      return [path, { ...item, ...methods }] as const
    })
    return { ...spec, components: { ...components, securitySchemes: security }, paths: Object.fromEntries(items) }
  }
  return plain.annotateMerge(OpenApi.annotations({ transform })) as unknown as HttpApi.Top
}
