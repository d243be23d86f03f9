import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore } from "@hexfold/core"
import { Http } from "@hexfold/server/http"
import { Clock, Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
// Only tens of thousands of commands would fill what is kept, because a key has up to 1,000 characters.
// oxlint-disable-next-line no-restricted-imports
import { Answers } from "../../src/http/answers.ts"
// Only a server in a process of its own says that it ends.
// oxlint-disable-next-line no-restricted-imports
import { ServerClosing } from "../../src/web/services.ts"
import { open } from "./bank.ts"
import { asking as askingAt, serve, tokens } from "./web.ts"

type Served = Effect.Success<ReturnType<typeof serve>>

/** Begins commands of ann, and waits for their answers. */
const asking = ({ ask, json }: Served) => {
  const answerTo = (key: string): Effect.Effect<readonly [number, unknown]> =>
    Effect.flatMap(json(`/executions/${key}`, { as: "ann" }), ({ body, status }) =>
      status === 202
        ? Effect.andThen(Effect.yieldNow, answerTo(key))
        : Effect.succeed([status, body["version"] ?? body["title"]] as const)
    )
  const begin = (key: string, path: string, body: object) =>
    Effect.map(
      ask(path, { body, as: "ann", headers: { prefer: "respond-async", "idempotency-key": key } }),
      ({ status }) => status
    )
  return { answerTo, begin }
}

describe("commands whose answers are fetched later, under one key", () => {
  it.live("are one command: another one is refused, while the first runs and afterwards", () =>
    Effect.gen(function* () {
      const { answerTo, begin } = asking(yield* serve(open))
      const path = "/aggregates/Account/a/Open"
      assert.strictEqual(yield* begin("k", path, { owner: "ann", more: 1 }), 202)
      assert.strictEqual(yield* begin("k", path, { owner: "bob" }), 409)
      assert.strictEqual(yield* begin("k", "/aggregates/Account/b/Open", { owner: "ann", more: 1 }), 409)
      assert.strictEqual(yield* begin("k", "/commands/Transfer", { from: "a", to: "b", cents: 1 }), 409)
      assert.deepStrictEqual(yield* answerTo("k"), [200, 1])
      assert.strictEqual(yield* begin("k", path, { owner: "bob" }), 409)
      assert.strictEqual(yield* begin("k", path, { more: 1, owner: "ann" }), 202)
      assert.deepStrictEqual(yield* answerTo("k"), [200, 1])
    })
  )

  it.live("begin anew where nothing has happened", () =>
    Effect.gen(function* () {
      const served = yield* serve(open)
      const { answerTo, begin } = asking(served)
      const path = "/aggregates/Account/a/Deposit"
      assert.strictEqual(yield* begin("k", path, { cents: 5 }), 202)
      assert.deepStrictEqual(yield* answerTo("k"), [422, "NotOpen"])
      yield* served.json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      assert.strictEqual(yield* begin("k", path, { cents: 5 }), 202)
      assert.deepStrictEqual(yield* answerTo("k"), [200, 2])
    })
  )

  it.live("have a key that an address can hold", () =>
    Effect.gen(function* () {
      const { begin } = asking(yield* serve(open))
      for (const key of [".", ".."]) {
        assert.strictEqual(yield* begin(key, "/aggregates/Account/a/Open", { owner: "ann" }), 400)
      }
    })
  )
})

describe("answers that are kept", () => {
  const present = (json: Served["json"], key: string, as: string) =>
    Effect.map(json(`/executions/${key}`, { as }), ({ status }) => status !== 404)

  const asked = ({ ask, json }: Served, key: string, as: string, body: object) =>
    Effect.gen(function* () {
      yield* ask(`/aggregates/Account/${key}/Open`, {
        body,
        as,
        headers: { prefer: "respond-async", "idempotency-key": key }
      })
      const answered: Effect.Effect<void> = Effect.flatMap(json(`/executions/${key}`, { as }), ({ status }) =>
        status === 202 ? Effect.andThen(Effect.yieldNow, answered) : Effect.void
      )
      yield* answered
    })

  it.live("of one caller drive out those of this caller alone", () =>
    Effect.gen(function* () {
      const served = yield* serve(open, [])
      yield* asked(served, "first", "ann", { owner: "ann" })
      for (let i = 0; i <= 1_000; i++) yield* asked(served, `${i}`, "eve", { owner: "eve" })
      assert.isTrue(yield* present(served.json, "first", "ann"))
      assert.isFalse(yield* present(served.json, "0", "eve"))
      assert.isTrue(yield* present(served.json, "1", "eve"))
    })
  )

  it.live("have a size together, and the oldest are forgotten first", () =>
    Effect.gen(function* () {
      const served = yield* serve(open, [])
      const owner = "x".repeat(1_000_000)
      for (let i = 0; i < 70; i++) yield* asked(served, `${i}`, `caller${i}`, { owner })
      assert.isFalse(yield* present(served.json, "0", "caller0"))
      assert.isTrue(yield* present(served.json, "10", "caller10"))
    })
  )

  it("count with their headers, and with what they are found by", () => {
    const ofOne = { all: 1_000, ofOne: 1_000 }
    const keptOf = (bytes: number, key: (i: number) => string, headers: Readonly<Record<string, string>>) => {
      const answers = new Answers({ ...ofOne, bytes })
      for (let i = 0; i < 100; i++) {
        answers.begin("ann", key(i), "asked")
        answers.end("ann", key(i), HttpServerResponse.empty({ headers }))
      }
      return Array.from({ length: 100 }, (_, i) => key(i)).filter((each) => answers.get("ann", each) !== undefined)
    }
    const long = (i: number) => `${i}`.padEnd(10_000, "x")
    assert.strictEqual(keptOf(200_000, String, {}).length, 100)
    assert.deepStrictEqual(keptOf(200_000, String, { etag: "x".repeat(10_000) }), [
      "91",
      "92",
      "93",
      "94",
      "95",
      "96",
      "97",
      "98",
      "99"
    ])
    assert.deepStrictEqual(
      keptOf(200_000, long, {}),
      Array.from({ length: 9 }, (_, i) => long(91 + i))
    )
  })
})

/** A log that writes nothing until it is let. */
const holding = () => {
  const asked = Deferred.makeUnsafe<void>()
  const allowed = Deferred.makeUnsafe<void>()
  const said: Array<string> = []
  return {
    said,
    asked: Deferred.await(asked),
    release: Deferred.succeed(allowed, undefined),
    changed: (log: EventStore.EventStore["Service"]): EventStore.EventStore["Service"] => ({
      ...log,
      append: (given) =>
        Deferred.succeed(asked, undefined).pipe(
          Effect.andThen(Deferred.await(allowed)),
          Effect.onInterrupt(() => Effect.sync(() => said.push("interrupted"))),
          Effect.andThen(log.append(given)),
          Effect.tap(Effect.sync(() => said.push("written")))
        )
    })
  }
}

describe("commands that run in the background", () => {
  const opening = ({ json }: Served, account: string, as: string) =>
    json(`/aggregates/Account/${account}/Open`, {
      body: { owner: "ann" },
      as,
      headers: { prefer: "respond-async", "idempotency-key": account }
    })
  const told = ({ body, headers, status }: Effect.Success<ReturnType<typeof opening>>) => [
    status,
    body["title"],
    headers.get("retry-after")
  ]
  const running = [202, undefined, "1"]

  it.live("are bounded, all together and those of one caller", () =>
    Effect.gen(function* () {
      const { changed, release } = holding()
      const served = yield* serve(open, [], changed, { maxExecutions: 3, maxExecutionsOfCaller: 2 })
      const begun = (account: string, as: string) => Effect.map(opening(served, account, as), told)
      assert.deepStrictEqual(yield* begun("a", "ann"), running)
      assert.deepStrictEqual(yield* begun("b", "ann"), running)
      const refused = yield* opening(served, "c", "ann")
      assert.deepStrictEqual(told(refused), [429, "TooManyExecutions", "1"])
      assert.strictEqual(refused.type, "application/problem+json")
      // What runs already is no new one.
      assert.deepStrictEqual(yield* begun("a", "ann"), running)
      assert.deepStrictEqual(yield* begun("d", "bob"), running)
      assert.deepStrictEqual(yield* begun("e", "eve"), [503, "Overloaded", "1"])
      assert.strictEqual((yield* served.json("/executions/e", { as: "eve" })).status, 404)
      // Other commands are executed as before.
      assert.strictEqual((yield* served.json("/aggregates/Account/z/Deposit", { body: { cents: 1 } })).status, 422)
      yield* release
      const { answerTo } = asking(served)
      for (const account of ["a", "b"]) assert.deepStrictEqual(yield* answerTo(account), [200, 1])
      for (const account of ["c", "f", "g", "h"]) {
        assert.deepStrictEqual(yield* begun(account, "ann"), running)
        assert.deepStrictEqual(yield* answerTo(account), [200, 1])
      }
    })
  )

  it.live("have 32 places for each caller, if nothing else is said", () =>
    Effect.gen(function* () {
      const { changed, release } = holding()
      const served = yield* serve(open, [], changed)
      for (let i = 0; i < 256; i++) assert.deepStrictEqual(told(yield* opening(served, `a${i}`, `c${i % 8}`)), running)
      assert.deepStrictEqual(told(yield* opening(served, "b", "c0")), [429, "TooManyExecutions", "1"])
      assert.deepStrictEqual(told(yield* opening(served, "b", "c9")), [503, "Overloaded", "1"])
      yield* release
    })
  )

  it.live("are waited for when the front ends, and no other one begins then", () =>
    Effect.gen(function* () {
      const { asked, changed, release, said } = holding()
      const scope = yield* Scope.fork(yield* Effect.scope)
      const served = yield* Scope.provide(serve(open, [], changed), scope)
      assert.deepStrictEqual(told(yield* opening(served, "a", "ann")), running)
      yield* asked
      const closed = Effect.tap(
        Scope.close(scope, Exit.void),
        Effect.sync(() => said.push("closed"))
      )
      const closing = yield* Effect.forkScoped(closed)
      // A command that writes nothing begins until the front ends.
      const { begin } = asking(served)
      const deposit = begin("d", "/aggregates/Account/none/Deposit", { cents: 1 })
      const other = yield* Effect.repeat(Effect.andThen(Effect.yieldNow, deposit), {
        until: (status) => status !== 202
      })
      assert.strictEqual(other, 503)
      assert.deepStrictEqual(said, [])
      yield* release
      yield* Fiber.join(closing)
      assert.deepStrictEqual(said, ["written", "closed"])
    })
  )

  it.live("are interrupted when they take longer than a front that ends may wait", () =>
    Effect.gen(function* () {
      const { asked, changed, said } = holding()
      const scope = yield* Scope.fork(yield* Effect.scope)
      const served = yield* Scope.provide(serve(open, [], changed, { gracefulShutdownTimeout: "1 millis" }), scope)
      assert.deepStrictEqual(told(yield* opening(served, "a", "ann")), running)
      yield* asked
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(said, ["interrupted"])
      const { body, status } = yield* served.json("/executions/a", { as: "ann" })
      assert.deepStrictEqual([status, body["title"]], [404, "UnknownExecution"])
    })
  )

  it.live("are waited for from the moment on at which the server has begun to end", () =>
    Effect.gen(function* () {
      const { asked, changed, said } = holding()
      const closing = yield* Deferred.make<void>()
      const present = yield* Clock.Clock
      let ahead = 0
      const clock: Clock.Clock = {
        currentTimeMillisUnsafe: () => present.currentTimeMillisUnsafe() + ahead,
        currentTimeMillis: Effect.sync(() => present.currentTimeMillisUnsafe() + ahead),
        currentTimeNanosUnsafe: () => present.currentTimeNanosUnsafe(),
        currentTimeNanos: present.currentTimeNanos,
        monotonicTimeNanosUnsafe: () => present.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: present.monotonicTimeNanos,
        sleep: (duration) => present.sleep(duration)
      }
      const routes = Http.layer(open, { gracefulShutdownTimeout: "1 hour" }).pipe(
        Layer.provide(tokens),
        Layer.provide(Layer.effect(EventStore.EventStore, Effect.map(EventStore.EventStore, changed))),
        Layer.provide(MemoryStores.layer()),
        Layer.provide(Layer.succeed(Clock.Clock, clock))
      )
      const { dispose, handler } = HttpRouter.toWebHandler(Layer.provideMerge(routes, HttpServer.layerServices), {
        disableLogger: true
      })
      const services = Context.make(ServerClosing, Deferred.await(closing))
      const served = askingAt("http://bank.example", (request) => handler(request, services as Context.Context<never>))
      assert.deepStrictEqual(told(yield* opening(served, "a", "ann")), running)
      yield* asked
      yield* Deferred.succeed(closing, undefined)
      yield* Effect.repeat(Effect.yieldNow, { times: 100 })
      ahead = 3_600_000
      yield* Effect.promise(dispose)
      assert.deepStrictEqual(said, ["interrupted"])
    })
  )
})
