/** Commands whose answers a client fetches later: `Prefer: respond-async`. */
import type { Policy } from "@hexfold/core"
import { Effect, type Scope } from "effect"
import { HttpServerResponse } from "effect/http"
import { InvalidRequest, NotFound } from "../errors.ts"
import { answered, identified, json, type Response, type Route, segmentsAfter } from "./routes.ts"

/** The most answers that are kept for clients that have not fetched them. */
const mostKept = 10_000

/** What executes commands in the background. */
export interface Executions {
  /**
   * Begins a command, and says where its answer will be. A client that asks again under the same key begins nothing: it is
   * told the same place.
   */
  readonly begin: <R>(
    request: { readonly caller: Policy.Caller | undefined; readonly key: string | undefined },
    execution: Effect.Effect<Response, unknown, R>
  ) => Effect.Effect<Response, InvalidRequest, R>
  readonly route: Route
}

/**
 * Makes what executes commands in the background. Answers are kept in this process only. After a restart, or once an
 * answer is forgotten, the client sends the command again under the same key: the store remembers what it has done.
 */
export const executionsOf = (scope: Scope.Scope, prefix: string): Executions => {
  const answers = new Map<string, Response | undefined>()
  const nameOf = (caller: Policy.Caller | undefined, key: string) => JSON.stringify([caller?.subject ?? null, key])
  return {
    begin: ({ caller, key }, execution) =>
      Effect.gen(function* () {
        if (key === undefined) {
          return yield* new InvalidRequest({
            part: "Prefer",
            detail: "respond-async needs an Idempotency-Key, under which the answer is found"
          })
        }
        const name = nameOf(caller, key)
        if (!answers.has(name)) {
          answers.set(name, undefined)
          yield* Effect.forkIn(
            Effect.map(answered(execution), (answer) => {
              answers.set(name, answer)
              forget(answers)
            }),
            scope
          )
        }
        const location = `${prefix}/executions/${encodeURIComponent(key)}`
        return running({ location, "preference-applied": "respond-async" })
      }),

    route: {
      method: "GET",
      path: "/executions/*",
      handle: (request) =>
        Effect.gen(function* () {
          const [key] = yield* segmentsAfter(request, "/executions/", 1)
          const { caller } = yield* identified(request)
          const name = nameOf(caller, key!)
          if (!answers.has(name)) return yield* new NotFound({ what: `execution ${key}` })
          return answers.get(name) ?? running({})
        })
    }
  }
}

// The oldest answers are forgotten first. What still runs stays.
const forget = (answers: Map<string, Response | undefined>): void => {
  for (const [name, answer] of answers) {
    if (answers.size <= mostKept) return
    if (answer !== undefined) answers.delete(name)
  }
}

const running = (headers: Readonly<Record<string, string>>): Response =>
  HttpServerResponse.setHeaders(json({ status: "running" }, { status: 202 }), { "retry-after": "1", ...headers })
