/** The routes that read views, once and live. */
import { type Api, Query } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { HttpServerRequest } from "effect/http"
import { type AnyView, membersOf } from "../serving/declared.ts"
import { type Views, viewsOf } from "../serving/views.ts"
import { live } from "./live.ts"
import { queryOf } from "./requests.ts"
import { identified, json, param, type Request, type Route } from "./routes.ts"

/** The routes of the views of an API. */
export const viewRoutes = (api: Api.Any): ReadonlyArray<Route> => {
  const views = viewsOf(api)
  return Array.from(membersOf(api).views.values()).flatMap((view) => routesOf(view, views))
}

const routesOf = (view: AnyView, views: Views): ReadonlyArray<Route> => {
  const { name } = view
  const pathOf = (text: string) => Query.from(view, { select: [text as never] }).select![0]!
  const question = (request: Request) =>
    Effect.gen(function* () {
      const { caller, until } = yield* identified(request)
      const query = yield* queryOf(name, yield* HttpServerRequest.ParsedSearchParams, pathOf)
      return { caller, until, question: { caller, view: name, query } }
    })
  const keyed = (request: Request) =>
    Effect.gen(function* () {
      const { caller, until } = yield* identified(request)
      return { until, asked: { caller, view: name, key: yield* param("key") } }
    })
  return [
    {
      method: "GET",
      path: `/views/${name}`,
      handle: (request) =>
        Effect.map(
          Effect.flatMap(question(request), ({ question }) => views.page(question)),
          (page) => json(page)
        )
    },
    {
      method: "GET",
      path: `/views/${name}/:key`,
      handle: (request) =>
        Effect.gen(function* () {
          const { asked } = yield* keyed(request)
          return json({ key: asked.key, state: yield* views.record(asked) })
        })
    },
    {
      method: "GET",
      path: `/live/${name}`,
      handle: (request) =>
        Effect.gen(function* () {
          const { question: asked, until } = yield* question(request)
          return yield* live("page", yield* views.live(asked), until)
        })
    },
    {
      method: "GET",
      path: `/live/${name}/:key`,
      handle: (request) =>
        Effect.gen(function* () {
          const { asked, until } = yield* keyed(request)
          const { key } = asked
          const states = yield* views.liveRecord(asked)
          return yield* live(
            "record",
            Stream.map(states, (state) => ({ key, state: state ?? null })),
            until
          )
        })
    }
  ]
}
