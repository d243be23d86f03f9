/** The routes that execute commands and read states. */
import type { Api } from "@hexfold/core"
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { InvalidRequest } from "../errors.ts"
import { type Commands, commandsOf, type Done } from "../serving/commands.ts"
import { membersOf, tagOf } from "../serving/declared.ts"
import type { Executions } from "./executions.ts"
import { jsonBody } from "../web/bodies.ts"
import { type CommandHeaders, commandHeaders, commandOf } from "./requests.ts"
import { identified } from "../web/identity.ts"
import { json, type Request, type Response, type Route, segmentsAfter } from "./routes.ts"

/** The limits of commands, and what executes them in the background. */
interface Limits {
  readonly maxBodyBytes: number
  readonly maxWait: number
  readonly executions: Executions
}

/** The routes of the aggregates and boundaries of an API. */
export const commandRoutes = (api: Api.Any, { executions, maxBodyBytes, maxWait }: Limits): ReadonlyArray<Route> => {
  const commands = commandsOf(api)
  const members = membersOf(api)
  const waiting = (name: string, { wait }: Pick<CommandHeaders, "wait">) =>
    wait === undefined
      ? {}
      : { waitFor: viewsAfter(api, name), patience: { seconds: Math.min(wait, maxWait) } as const }
  return [
    ...Array.from(members.aggregates.values()).flatMap((aggregate): ReadonlyArray<Route> => {
      const base = `/aggregates/${aggregate.name}/` as const
      return [
        {
          method: "POST",
          path: `${base}*`,
          addresses: [`${base}*/*`],
          // One generator function for all requests of an aggregate: to make one takes as long as what it does.
          handle: Effect.fnUntraced(function* (request: Request) {
            const [text, tag] = yield* segmentsAfter(request, base, 2)
            const { caller } = yield* identified(request)
            const { isAsync, ...headers } = yield* commandHeaders(request.headers)
            const command = yield* commandOf(yield* jsonBody(request, maxBodyBytes), tag!)
            const given = {
              ...headers,
              ...waiting(aggregate.name, headers),
              caller,
              aggregate: aggregate.name,
              id: { text: text! },
              command
            }
            const execution = Effect.map(commands.aggregate(given), commanded)
            if (!isAsync) return yield* execution
            const asked = [aggregate.name, text, command]
            const check = commands.check(given)
            return yield* executions.begin({ caller, key: headers.key, asked, check }, execution)
          })
        },
        ...(api.rules.states.has(aggregate.name) ? [stateRoute(aggregate.name, base, commands)] : [])
      ]
    }),
    ...Array.from(members.boundaries.values(), (boundary): Route => ({
      method: "POST",
      path: `/commands/${boundary.name}`,
      handle: Effect.fnUntraced(function* (request: Request) {
        const { caller } = yield* identified(request)
        const { expectedVersion, isAsync, wantsState: _, ...headers } = yield* commandHeaders(request.headers)
        if (expectedVersion !== undefined) {
          const detail = "a command over several streams has no version to match"
          return yield* new InvalidRequest({ part: "If-Match", detail })
        }
        const command = yield* commandOf(yield* jsonBody(request, maxBodyBytes), tagOf(boundary))
        const given = { ...headers, ...waiting(boundary.name, headers), caller, boundary: boundary.name, command }
        const execution = Effect.map(commands.boundary(given), commanded)
        if (!isAsync) return yield* execution
        const check = commands.check(given)
        return yield* executions.begin({ caller, key: headers.key, asked: [boundary.name, command], check }, execution)
      })
    }))
  ]
}

const stateRoute = (aggregate: string, base: `/${string}`, commands: Commands): Route => ({
  method: "GET",
  path: `${base}*`,
  handle: (request) =>
    Effect.gen(function* () {
      const [text] = yield* segmentsAfter(request, base, 1)
      const { caller } = yield* identified(request)
      const found = yield* commands.state({ caller, aggregate, id: { text: text! } })
      const etag = `"${found.version}"`
      return request.headers["if-none-match"] === etag
        ? HttpServerResponse.empty({ status: 304, headers: { etag } })
        : json(found, { headers: { etag } })
    })
})

// A receipt, with the version of the stream as its tag. A command whose views are late has happened: 202 says so.
const commanded = ({ isLate, receipt, state }: Done): Response =>
  json(state === undefined ? receipt : { ...receipt, state: state.state, stateVersion: state.version }, {
    status: isLate ? 202 : 200,
    headers: {
      ...(receipt.version === undefined ? {} : { etag: `"${receipt.version}"` }),
      ...(isLate ? { "retry-after": "1" } : {})
    }
  })

// The views that follow what a command can write.
const viewsAfter = ({ aggregates, views }: Api.Any, target: string): ReadonlyArray<string> => {
  const isAggregate = aggregates.some(({ name }) => name === target)
  return views
    .filter(({ sources }) => !isAggregate || sources.some(({ name }) => name === target))
    .map(({ name }) => name)
}
