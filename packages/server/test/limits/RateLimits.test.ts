import { MemoryStores } from "@hexfold/adapters-memory"
import { assert, describe, it } from "@effect/vitest"
import { Policy } from "@hexfold/core"
import { Authenticator, Unauthenticated } from "@hexfold/server"
import { Http } from "@hexfold/server/http"
import { RateLimits } from "@hexfold/server/limits"
import { Duration, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { RateLimiter } from "effect/persistence"
import { TestClock } from "effect/testing"
import { open } from "../http/bank.ts"

const named = Layer.succeed(Authenticator.Authenticator, {
  identify: ({ authorization }) =>
    authorization === "forged"
      ? Effect.fail(new Unauthenticated({}))
      : Effect.succeed(authorization === undefined ? undefined : { caller: Policy.caller(authorization) })
})

const limited = (options: Partial<RateLimits.Options> = {}) =>
  RateLimits.layer({ limit: 2, window: "10 seconds", ...options }).pipe(
    Layer.provide(named),
    Layer.provide(RateLimiter.layer),
    Layer.provide(RateLimiter.layerStoreMemory)
  )

const asked = (as?: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.flatMap(Authenticator.Authenticator, ({ identify }) =>
    Effect.result(identify({ ...headers, ...(as === undefined ? {} : { authorization: as }) }))
  ).pipe(Effect.map((result) => (result._tag === "Failure" ? result.failure : ("known" as const))))

const tagOf = (answer: Effect.Success<ReturnType<typeof asked>>) => (answer === "known" ? answer : answer._tag)

describe("the limits of callers", () => {
  it.effect("refuse the request after the last allowed one, until there is room again", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([yield* asked("ann"), yield* asked("ann")], ["known", "known"])
      const refused = yield* asked("ann")
      assert.ok(refused !== "known" && refused._tag === "TooManyRequests")
      assert.strictEqual(refused.limit, 2)
      yield* TestClock.adjust(Duration.subtract(refused.retryAfter, Duration.millis(1)))
      assert.strictEqual(tagOf(yield* asked("ann")), "TooManyRequests")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(tagOf(yield* asked("ann")), "known")
    }).pipe(Effect.provide(limited()))
  )

  it.effect("are apart for each caller, and one for all who are not known", () =>
    Effect.gen(function* () {
      // A caller may be called like what stands for nobody.
      for (const as of ["ann", "bob", "null", "[null]", undefined]) {
        const answers = [yield* asked(as), yield* asked(as), yield* asked(as)].map(tagOf)
        assert.deepStrictEqual(answers, ["known", "known", "TooManyRequests"])
      }
    }).pipe(Effect.provide(limited()))
  )

  it.effect("count by a key of the application, and not without one", () =>
    Effect.gen(function* () {
      const from = (address: string) => asked(undefined, { "x-address": address })
      assert.deepStrictEqual([yield* from("1"), yield* from("1"), yield* from("2")].map(tagOf), [
        "known",
        "known",
        "known"
      ])
      assert.strictEqual(tagOf(yield* from("1")), "TooManyRequests")
      for (let i = 0; i < 9; i++) assert.strictEqual(tagOf(yield* asked("ann")), "known")
    }).pipe(Effect.provide(limited({ keyOf: (caller, headers) => (caller ? undefined : headers["x-address"]) })))
  )

  it.effect("leave what is wrong with credentials as it is", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 3; i++) assert.strictEqual(tagOf(yield* asked("forged")), "Unauthenticated")
    }).pipe(Effect.provide(limited()))
  )

  it.effect("answer as unavailable while the counts cannot be reached", () => {
    const reason = new RateLimiter.RateLimitStoreError({ message: "no connection" })
    const away = Effect.fail(new RateLimiter.RateLimiterError({ reason }))
    const broken = Layer.effect(
      RateLimiter.RateLimiter,
      Effect.map(RateLimiter.make, (limiter) => ({ ...limiter, consume: () => away }))
    ).pipe(Layer.provide(RateLimiter.layerStoreMemory))
    const callers = RateLimits.layer({ limit: 2, window: "1 second" }).pipe(Layer.provide([named, broken]))
    return Effect.gen(function* () {
      const answer = yield* asked("ann")
      assert.ok(answer !== "known" && answer._tag === "AuthenticationUnavailable")
      assert.strictEqual(answer.cause, reason)
    }).pipe(Effect.provide(callers))
  })

  it.live("are 429 over HTTP, and say when to come again", () =>
    Effect.gen(function* () {
      const routes = Http.layer(open).pipe(Layer.provide([limited({ window: "90 seconds" }), MemoryStores.layer()]))
      const web = HttpRouter.toWebHandler(Layer.provideMerge(routes, HttpServer.layerServices), { disableLogger: true })
      yield* Effect.addFinalizer(() => Effect.promise(web.dispose))
      const ask = Effect.promise(() => web.handler(new Request("http://bank.example/views/Owners")))
      yield* ask
      yield* ask
      const refused = yield* ask
      assert.strictEqual(refused.status, 429)
      assert.match(refused.headers.get("retry-after") ?? "", /^4[345]$/)
      const problem = (yield* Effect.promise(() => refused.json())) as { readonly detail: string }
      assert.strictEqual(problem.detail, "more than 2 requests in 1m 30s")
    })
  )

  it("are checked before anything is asked", () => {
    for (const limit of [0, -1, 0.5, Number.NaN, Infinity]) assert.throws(() => limited({ limit }), "not a valid limit")
    for (const window of [0, Infinity] as const) assert.throws(() => limited({ window }), "not a valid window")
  })
})
