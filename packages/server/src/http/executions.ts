/** Commands whose answers a client fetches later: `Prefer: respond-async`. */
import { CommandIdReused, type Policy } from "@hexfold/core"
import { Effect, type Scope } from "effect"
import { HttpServerResponse } from "effect/http"
import { InvalidRequest, NotFound } from "../errors.ts"
import { Answers, type Known } from "./answers.ts"
import { identified } from "../web/identity.ts"
import { answered, json, type Response, type Route, segmentsAfter } from "./routes.ts"

/** What is kept for clients that have not fetched it. */
const kept = { all: 10_000, ofOne: 1_000, bytes: 64 << 20 }

/** A command that is begun. */
interface Begun {
  readonly caller: Policy.Caller | undefined
  readonly key: string | undefined
  /** What was asked, and of whom, as JSON: under one key there is one command. */
  readonly asked: ReadonlyArray<unknown>
}

/** What executes commands in the background. */
export interface Executions {
  /**
   * Begins a command, and says where its answer will be. A client that asks again under the same key begins nothing while the
   * command runs, or once it has happened: it is told the same place. What was refused or has failed begins anew.
   */
  readonly begin: <R>(
    begun: Begun,
    execution: Effect.Effect<Response, unknown, R>
  ) => Effect.Effect<Response, InvalidRequest | CommandIdReused, R>
  readonly route: Route
}

/**
 * Makes what executes commands in the background. Answers are kept in this process only. After a restart, or once an
 * answer is forgotten, the client sends the command again under the same key: the store remembers what it has done.
 */
export const executionsOf = (scope: Scope.Scope, prefix: string): Executions => {
  const answers = new Answers(kept)
  return {
    begin: ({ asked, caller, key }, execution) =>
      Effect.gen(function* () {
        if (key === undefined) {
          return yield* invalid("respond-async needs an Idempotency-Key, under which the answer is found")
        }
        if (key === "." || key === "..") {
          return yield* invalid("an answer under this Idempotency-Key has no address: . and .. lead elsewhere")
        }
        const own = ownerOf(caller)
        const print = yield* fingerprintOf(asked)
        const known = answers.get(own, key)
        if (known === undefined || isToRepeat(known)) {
          answers.begin(own, key, print)
          yield* Effect.forkIn(
            Effect.map(answered(execution), (answer) => answers.end(own, key, answer)),
            scope
          )
        } else if (known.asked !== print) {
          return yield* new CommandIdReused({ commandId: key, stored: known.asked, given: print })
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
          const known = answers.get(ownerOf(caller), key!)
          return known === undefined ? yield* new NotFound({ what: `execution ${key}` }) : (known.answer ?? running({}))
        })
    }
  }
}

// Nothing has happened, or nobody knows whether it has: the store does.
const isToRepeat = ({ answer }: Known): boolean => answer !== undefined && answer.status >= 400

const ownerOf = (caller: Policy.Caller | undefined): string => JSON.stringify(caller?.subject ?? null)

const fingerprintOf = (asked: ReadonlyArray<unknown>): Effect.Effect<string, InvalidRequest> =>
  Effect.try({
    try: () => JSON.stringify(asked, sorted),
    catch: () => new InvalidRequest({ part: "command", detail: "it is nested too deep" })
  }).pipe(
    Effect.flatMap((text) => Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))),
    Effect.map((hash) => Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join(""))
  )

// The order of members has no meaning.
const sorted = (_: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

const invalid = (detail: string): Effect.Effect<never, InvalidRequest> =>
  Effect.fail(new InvalidRequest({ part: "Prefer", detail }))

const running = (headers: Readonly<Record<string, string>>): Response =>
  HttpServerResponse.setHeaders(json({ status: "running" }, { status: 202 }), { "retry-after": "1", ...headers })
