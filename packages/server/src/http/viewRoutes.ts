/** The routes that read views, once and live. */
import type { Api } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { HttpServerRequest } from "effect/http"
import { type AnyView, membersOf, pathIn } from "../serving/declared.ts"
import { type Links, linksOf } from "../serving/links.ts"
import { type Views, viewsOf } from "../serving/views.ts"
import { live } from "./live.ts"
import { jsonBody } from "../web/bodies.ts"
import { checkParams, invalid, queryOf } from "./requests.ts"
import { identified } from "../web/identity.ts"
import { json, type Request, restOf, type Route, segmentsAfter } from "./routes.ts"

/** The routes of the views of an API. */
export const viewRoutes = (api: Api.Any, maxBodyBytes: number): ReadonlyArray<Route> => {
  const views = viewsOf(api)
  const links = linksOf(api, views)
  return Array.from(membersOf(api).views.values()).flatMap((view) => routesOf(view, views, links, maxBodyBytes))
}

const routesOf = (view: AnyView, views: Views, links: Links, maxBodyBytes: number): ReadonlyArray<Route> => {
  const { name } = view
  const pathOf = (text: string) => pathIn(view, text)
  const question = (request: Request) =>
    Effect.gen(function* () {
      const { caller, until } = yield* identified(request)
      const { with: linked, ...params } = yield* HttpServerRequest.ParsedSearchParams
      const query = yield* queryOf(name, params, pathOf)
      const names = yield* linksIn(linked)
      return { caller, names, until, question: { caller, view: name, query } }
    })
  const linksIn = (given: string | ReadonlyArray<string> | undefined) => {
    const names = given === undefined ? [] : [given].flat().flatMap((each) => each.split(","))
    return Effect.as(links.check(name, names), names)
  }
  // The JSON of a query, for one that is too long for an address.
  const posted = (request: Request) =>
    Effect.gen(function* () {
      const { caller, until } = yield* identified(request)
      return { until, question: { caller, view: name, query: yield* jsonBody(request, maxBodyBytes) } }
    })
  const keyed = (request: Request, base: string) =>
    Effect.gen(function* () {
      const [key] = yield* segmentsAfter(request, base, 1)
      const { caller, until } = yield* identified(request)
      return { until, asked: { caller, view: name, key: key! } }
    })
  const page = (request: Request) =>
    Effect.gen(function* () {
      const { caller, names, question: asked } = yield* question(request)
      const found = yield* views.page(asked)
      return json(names.length === 0 ? found : { ...found, rows: yield* links.add(name, names, found.rows, caller) })
    })
  const record = (request: Request) =>
    Effect.gen(function* () {
      const { asked } = yield* keyed(request, `/views/${name}/`)
      const { with: linked, ...others } = yield* HttpServerRequest.ParsedSearchParams
      yield* checkParams(others)
      const names = yield* linksIn(linked)
      const row = { key: asked.key, state: yield* views.record(asked) }
      return json(names.length === 0 ? row : (yield* links.add(name, names, [row], asked.caller))[0])
    })
  const livePage = (request: Request) =>
    Effect.gen(function* () {
      const { names, question: asked, until } = yield* question(request)
      if (names.length > 0) return yield* invalid("with", "live results have no links")
      return yield* live("page", yield* views.live(asked), until)
    })
  const liveRecord = (request: Request) =>
    Effect.gen(function* () {
      const { asked, until } = yield* keyed(request, `/live/${name}/`)
      yield* checkParams(yield* HttpServerRequest.ParsedSearchParams)
      const { key } = asked
      const states = yield* views.liveRecord(asked)
      const records = Stream.map(states, (state) => ({ key, state: state ?? null }))
      return yield* live("record", records, until)
    })
  return [
    {
      method: "GET",
      path: `/views/${name}/*`,
      hasParameters: true,
      addresses: [`/views/${name}`, `/views/${name}/*`],
      handle: (request) => (isWhole(request, `/views/${name}`) ? page(request) : record(request))
    },
    {
      method: "GET",
      path: `/live/${name}/*`,
      hasParameters: true,
      addresses: [`/live/${name}`, `/live/${name}/*`],
      handle: (request) => (isWhole(request, `/live/${name}`) ? livePage(request) : liveRecord(request))
    },
    {
      method: "POST",
      path: `/views/${name}`,
      handle: (request) =>
        Effect.map(
          Effect.flatMap(posted(request), ({ question: asked }) => views.page(asked)),
          (found) => json(found)
        )
    },
    {
      method: "POST",
      path: `/live/${name}`,
      handle: (request) =>
        Effect.gen(function* () {
          const { question: asked, until } = yield* posted(request)
          return yield* live("page", yield* views.live(asked), until)
        })
    }
  ]
}

// The router takes an address with nothing behind it for one with any end.
const isWhole = ({ url }: Request, base: string): boolean => ["", "/"].includes(restOf(url, base) ?? "?")
