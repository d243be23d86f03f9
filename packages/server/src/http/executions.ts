/** Commands whose answers a client fetches later: `Prefer: respond-async`. */
import { CommandIdReused, type Policy } from "@hexfold/core"
import { Clock, Duration, Effect, Exit, FiberSet, type Scope } from "effect"
import { HttpServerResponse } from "effect/http"
import { InvalidRequest } from "../errors.ts"
import { identified } from "../web/identity.ts"
import { ServerClosing } from "../web/services.ts"
import { Answers, type Known } from "./answers.ts"
import { answeringAll } from "../web/problems.ts"
import { json, type Response, type Route, segmentsAfter } from "./routes.ts"
import { type Most, type Overloaded, Running, type TooManyExecutions } from "./running.ts"

/** What is kept for clients that have not fetched it. */
const kept = { all: 10_000, ofOne: 1_000, bytes: 64 << 20 }

/** A command that is begun. */
interface Begun<R> {
  readonly caller: Policy.Caller | undefined
  readonly key: string | undefined
  /** What was asked, and of whom, as JSON: under one key there is one command. */
  readonly asked: ReadonlyArray<unknown>
  /** Refuses what would never be executed. */
  readonly check: Effect.Effect<unknown, unknown, R>
}

/** How commands are executed in the background. */
export interface Options {
  readonly prefix: string
  readonly most: Most
  /** For how long commands that still run are waited for when the front ends. */
  readonly grace: Duration.Input
}

/** What executes commands in the background. */
export interface Executions {
  /**
   * Begins a command, and says where its answer will be. A client that asks again under the same key begins nothing while the
   * command runs, or once it has happened: it is told the same place. What was refused or has failed begins anew. What can be
   * told without executing it, is told at once.
   */
  readonly begin: <R>(
    begun: Begun<R>,
    execution: Effect.Effect<Response, unknown, R>
  ) => Effect.Effect<Response, unknown, R>
  readonly route: Route
}

/** Nothing is known under this key. Whether the command has happened, the store knows. */
class UnknownExecution {
  readonly _tag = "UnknownExecution"
}

/** The front ends, and begins nothing any more. */
class Ending {
  readonly _tag = "Ending"
}

/** Why a command does not begin. */
type Refusal = CommandIdReused | TooManyExecutions | Overloaded | Ending

/**
 * Makes what executes commands in the background, until the scope closes. It closes when the commands that run have ended,
 * or have taken the whole time that there is: then they are interrupted.
 *
 * Answers are kept in this process only. After a restart, or once an answer is forgotten, the client sends the command again
 * under the same key: the store remembers what it has done.
 */
export const executionsOf = ({ grace, most, prefix }: Options): Effect.Effect<Executions, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const answers = new Answers(kept)
    const running = new Running(most)
    const fibers = yield* FiberSet.make<Response>()
    const ending = { isBegun: false, isWatched: false, since: undefined as number | undefined }

    // The server may have told its clients before that it ends: then the time runs already.
    const watchServer = Effect.gen(function* () {
      ending.isWatched = true
      const closing = yield* ServerClosing
      const noted = Effect.flatMap(closing, () =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          ending.since = now
        })
      )
      yield* Effect.forkIn(noted, scope)
    })

    // The set closes after this finalizer, and interrupts what is in it.
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        ending.isBegun = true
        const now = yield* Clock.currentTimeMillis
        const left = Duration.toMillis(Duration.fromInputUnsafe(grace)) - (now - (ending.since ?? now))
        yield* Effect.timeoutOrElse(Effect.interruptible(FiberSet.awaitEmpty(fibers)), {
          duration: Math.max(0, left),
          orElse: () =>
            Effect.flatMap(FiberSet.size(fibers), (count) =>
              Effect.logWarning(
                `hexfold: the server ends, and ${count} commands that are answered later have not ended`
              )
            )
        })
      })
    )

    // In one step, and nobody interrupts it: so no command is begun twice, or stays behind and never ends.
    const beginOnce = <R>(own: string, key: string, print: string, execution: Effect.Effect<Response, unknown, R>) =>
      Effect.suspend((): Effect.Effect<unknown, Refusal, R> => {
        const known = answers.get(own, key)
        if (known !== undefined && !isToRepeat(known)) {
          return known.asked === print
            ? Effect.void
            : Effect.fail(new CommandIdReused({ commandId: key, stored: known.asked, given: print }))
        }
        const refusal = ending.isBegun ? new Ending() : running.refusal(own)
        if (refusal !== undefined) return Effect.fail(refusal)
        running.begin(own)
        answers.begin(own, key, print)
        const executed = Effect.onExit(answeringAll(execution), (exit) =>
          Effect.sync(() => {
            running.end(own)
            if (Exit.isSuccess(exit)) answers.end(own, key, exit.value)
            else answers.forget(own, key)
          })
        )
        return FiberSet.run(fibers, executed, { startImmediately: false })
      }).pipe(Effect.uninterruptible)

    return {
      begin: ({ asked, caller, check, key }, execution) =>
        Effect.gen(function* () {
          // Whoever may not ask learns nothing of what is wrong with the request.
          yield* check
          if (key === undefined) {
            return yield* invalid("respond-async needs an Idempotency-Key, under which the answer is found")
          }
          if (key === "." || key === "..") {
            return yield* invalid("an answer under this Idempotency-Key has no address: . and .. lead elsewhere")
          }
          const own = ownerOf(caller)
          const print = yield* fingerprintOf(asked)
          if (!ending.isWatched) yield* watchServer
          yield* beginOnce(own, key, print, execution)
          const location = `${prefix}/executions/${encodeURIComponent(key)}`
          return pending({ location, "preference-applied": "respond-async" })
        }),

      route: {
        method: "GET",
        path: "/executions/*",
        handle: (request) =>
          Effect.gen(function* () {
            const [key] = yield* segmentsAfter(request, "/executions/", 1)
            const { caller } = yield* identified(request)
            const known = answers.get(ownerOf(caller), key!)
            return known === undefined ? yield* Effect.fail(new UnknownExecution()) : (known.answer ?? pending({}))
          })
      }
    }
  })

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

const pending = (headers: Readonly<Record<string, string>>): Response =>
  HttpServerResponse.setHeaders(json({ status: "running" }, { status: 202 }), { "retry-after": "1", ...headers })
