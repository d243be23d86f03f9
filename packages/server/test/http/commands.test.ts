import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { guarded, open } from "./bank.ts"
import { serve } from "./web.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

describe("a command over HTTP", () => {
  it.live("is answered with its receipt, its events, and the version as a tag", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      const opened = yield* json("/aggregates/Account/a%2F1%20%C3%BC/Open", {
        body: { owner: "ann" },
        headers: { prefer: "wait=1; return=representation" }
      })
      assert.strictEqual(opened.status, 200)
      assert.strictEqual(opened.etag, '"1"')
      assert.strictEqual(opened.body["streamId"], "Account-a/1 ü")
      assert.deepInclude(opened.body.events[0]!, { type: "Opened", version: 1, data: { owner: "ann" } })
      assert.deepStrictEqual(opened.body["state"], { balance: 0, owner: "ann" })
      const read = yield* json("/aggregates/Account/a%2F1%20%C3%BC")
      assert.deepStrictEqual<unknown>(read.body, { state: { balance: 0, owner: "ann" }, version: 1 })
    })
  )

  it.live("is executed once under a key, and the key is the caller's own", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const headers = { "idempotency-key": '"k"' }
      const first = yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 }, headers, as: "ann" })
      const again = yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 }, headers, as: "ann" })
      assert.deepStrictEqual([first.body["repeated"], again.body["repeated"], again.body["version"]], [false, true, 2])
      const reused = yield* json("/aggregates/Account/a/Deposit", { body: { cents: 6 }, headers, as: "ann" })
      assert.deepStrictEqual([reused.status, reused.body["title"]], [409, "CommandIdReused"])
      const other = yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 }, headers, as: "bob" })
      assert.deepStrictEqual([other.body["repeated"], other.body["version"]], [false, 3])
    })
  )

  it.live("may have a key with any sign, as a display string", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const deposit = (key: string) =>
        json("/aggregates/Account/a/Deposit", { body: { cents: 5 }, headers: { "idempotency-key": key } })
      yield* deposit('%"caf%c3%a9"')
      assert.strictEqual((yield* deposit('%"caf%C3%A9"')).body["repeated"], true)
      assert.strictEqual((yield* deposit('"caf%c3%a9"')).body["repeated"], false)
      assert.strictEqual((yield* deposit('%"%e9"')).status, 400)
      assert.strictEqual((yield* deposit('%""')).status, 400)
    })
  )

  it.live("over several streams has no version that it can expect", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      const body = { from: "a", to: "b", cents: 7 }
      const matched = yield* json("/commands/Transfer", { body, headers: { "if-match": '"0"' } })
      assert.deepInclude(matched.body, { status: 400, part: "If-Match" })
    })
  )

  it.live("meets the version that it expects, or is refused with the present one", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const deposit = (version: string) =>
        json("/aggregates/Account/a/Deposit", { body: { cents: 1 }, headers: { "if-match": version } })
      const stale = yield* deposit('"0"')
      assert.deepInclude(stale, { status: 412, etag: '"1"', type: "application/problem+json" })
      assert.deepInclude(stale.body, { title: "VersionConflict", expected: 0, actual: 1 })
      const racing = yield* Effect.forEach(numbers(20), () => deposit('"1"'), { concurrency: "unbounded" })
      const statuses = racing.map(({ status }) => status).sort((a, b) => a - b)
      assert.deepStrictEqual(statuses, [200, ...numbers(19).map(() => 412)])
      assert.strictEqual((yield* deposit("1")).status, 400)
    })
  )

  it.live("that the domain rejects is answered with its error, and the status that its class says", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const twice = yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      assert.deepInclude(twice.body, { type: "/problems/Account/AlreadyOpen", title: "AlreadyOpen", status: 409 })
      const overdrawn = yield* json("/aggregates/Account/a/Withdraw", { body: { cents: 7 } })
      assert.deepInclude(overdrawn, { status: 422, type: "application/problem+json" })
      assert.deepInclude(overdrawn.body, { title: "Overdrawn", balance: 0 })
      const transfer = yield* json("/commands/Transfer", { body: { from: "a", to: "b", cents: 7 } })
      assert.deepInclude(transfer.body, { title: "Overdrawn", balance: 0, status: 422 })
    })
  )

  it.live("that is not one is refused before anything is written", () =>
    Effect.gen(function* () {
      const { ask, json } = yield* serve(open)
      const status = (path: string, body: unknown) => Effect.map(json(path, { body }), (answer) => answer.status)
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", { owner: 1 }), 400)
      const { body } = yield* json("/aggregates/Account/a/Deposit", { body: { cents: "?", by: 1 } })
      assert.deepInclude(body, { title: "InvalidRequest", part: "command" })
      assert.deepInclude((body["errors"] as ReadonlyArray<object>)[0], { path: ["cents"] })
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", []), 400)
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", { _tag: "Deposit", cents: 1 }), 400)
      assert.strictEqual(yield* status("/aggregates/Account/a/Deposit", { cents: -1 }), 400)
      const closed = yield* json("/aggregates/Account/a/Close", { body: {} })
      assert.deepInclude(closed, { status: 404, type: "application/problem+json" })
      assert.strictEqual((yield* ask("/aggregates/Account/%/Open", { body: { owner: "ann" } })).status, 404)
      assert.strictEqual(yield* status("/aggregates/Account/%00/Open", { owner: "ann" }), 400)
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", { owner: "a\u0000b" }), 400)
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", { owner: "\ud800" }), 400)
      assert.strictEqual(yield* status(`/aggregates/Account/${"x".repeat(1_001)}/Open`, { owner: "ann" }), 400)
      assert.strictEqual(
        yield* status(`/aggregates/Account/${"%F0%9F%98%80".repeat(1_000)}/Open`, { owner: "ann" }),
        200
      )
      const text = yield* json("/aggregates/Account/a/Open", {
        body: { owner: "ann" },
        headers: { "content-type": "text/plain" }
      })
      assert.strictEqual(text.status, 400)
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", { owner: "x".repeat(2 << 20) }), 413)
      assert.strictEqual((yield* json("/aggregates/Account/a")).body["version"], 0)
    })
  )

  it.live("waits for the views that follow it", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      for (let i = 0; i < 20; i++) {
        const headers = { prefer: "wait=5" }
        const { status } = yield* json(`/aggregates/Account/${i}/Open`, { body: { owner: "ann" }, headers })
        assert.strictEqual(status, 200)
        assert.deepStrictEqual((yield* json(`/views/Accounts/${i}`)).body["state"], { balance: 0, owner: "ann" })
      }
    })
  )
})

describe("a command whose answer is fetched later", () => {
  it.live("is executed once, and its answer is under its key, for its caller alone", () =>
    Effect.gen(function* () {
      const { ask, json } = yield* serve(open)
      const prefer = "respond-async"
      const opening = (key: string, as: string) =>
        ask("/aggregates/Account/a/Open", { body: { owner: as }, headers: { prefer, "idempotency-key": key }, as })
      const begun = yield* opening("first/one", "ann")
      assert.strictEqual(begun.status, 202)
      const location = begun.headers.get("location")!
      assert.strictEqual(location, "/executions/first%2Fone")
      const again = yield* opening("first/one", "ann")
      assert.strictEqual(again.headers.get("location"), location)
      const answerTo = (place: string, as: string): Effect.Effect<readonly [number, unknown]> =>
        Effect.flatMap(json(place, { as }), ({ body, status }) =>
          status === 202
            ? Effect.andThen(Effect.yieldNow, answerTo(place, as))
            : Effect.succeed([status, body["version"] ?? body["title"]] as const)
        )
      assert.deepStrictEqual(yield* answerTo(location, "ann"), [200, 1])
      assert.strictEqual((yield* json(location, { as: "bob" })).status, 404)
      yield* opening("second", "bob")
      assert.deepStrictEqual(yield* answerTo("/executions/second", "bob"), [409, "AlreadyOpen"])
      const nameless = yield* ask("/aggregates/Account/b/Open", { body: { owner: "ann" }, headers: { prefer } })
      assert.strictEqual(nameless.status, 400)
    })
  )
})

describe("a batch of commands", () => {
  it.live("has a result for each, in order, and executes those of one stream in order", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(open)
      const on = (id: string, command: object, more: object = {}) => ({ aggregate: "Account", id, command, ...more })
      const commands = [
        on("a", { _tag: "Open", owner: "ann" }),
        on("a", { _tag: "Deposit", cents: 5 }),
        on("b", { _tag: "Deposit", cents: 5 }),
        on("a", { _tag: "Withdraw", cents: 9 }),
        on("a", { _tag: "Withdraw", cents: 2 }, { expectedVersion: 2 }),
        on("a", { _tag: "Close" }),
        { boundary: "Transfer", command: { _tag: "Transfer", from: "x", to: "y", cents: 1 } }
      ]
      const { body, status } = yield* json("/batch", { body: { commands } })
      assert.strictEqual(status, 200)
      const results = body["results"] as ReadonlyArray<Readonly<Record<string, unknown>>>
      assert.deepStrictEqual(
        results.map(({ status, title, version }) => [status, title ?? version]),
        [
          [200, 1],
          [200, 2],
          [422, "NotOpen"],
          [422, "Overdrawn"],
          [200, 3],
          [404, "NotFound"],
          [422, "NotOpen"]
        ]
      )
      assert.strictEqual(
        (yield* json("/batch", { body: { commands: numbers(101).map(() => commands[0]) } })).status,
        400
      )
      assert.strictEqual((yield* json("/batch", { body: { commands: [{}] } })).status, 400)
    })
  )

  it.live("asks the rules of each", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(guarded)
      const open = { aggregate: "Account", id: "a", command: { _tag: "Open", owner: "ann" } }
      const deposit = { ...open, command: { _tag: "Deposit", cents: 1 } }
      const statuses = (as?: string) =>
        Effect.map(
          json("/batch", { body: { commands: [open, deposit] }, ...(as === undefined ? {} : { as }) }),
          ({ body }) => (body["results"] as ReadonlyArray<{ readonly status: number }>).map(({ status }) => status)
        )
      assert.deepStrictEqual(yield* statuses(), [401, 401])
      assert.deepStrictEqual(yield* statuses("ann"), [200, 403])
      assert.deepStrictEqual(yield* statuses("ann:clerk"), [409, 200])
    })
  )
})

describe("the rules of commands", () => {
  it.live("say who may execute what, and in which state", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(guarded)
      const deposit = { body: { cents: 5 } }
      const status = (path: string, sent: object) => Effect.map(json(path, sent), (answer) => answer.status)
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", { body: { owner: "ann" } }), 401)
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", { body: { owner: 1 } }), 401)
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", { body: { owner: "ann" }, as: "ann bob" }), 401)
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", { body: { owner: "ann" }, as: "bob" }), 403)
      assert.strictEqual(yield* status("/aggregates/Account/a/Open", { body: { owner: "ann" }, as: "ann" }), 200)
      assert.strictEqual(yield* status("/aggregates/Account/a/Deposit", { ...deposit, as: "ann" }), 403)
      assert.strictEqual(yield* status("/aggregates/Account/a/Deposit", { body: { cents: "?" }, as: "ann" }), 403)
      assert.strictEqual(yield* status("/aggregates/Account/a/Deposit", { ...deposit, as: "eve:clerk" }), 200)
      assert.strictEqual(yield* status("/aggregates/Account/a/Withdraw", { ...deposit, as: "bob" }), 403)
      assert.strictEqual(yield* status("/aggregates/Account/a/Withdraw", { body: { cents: 1 }, as: "ann" }), 200)
      const transfer = { from: "a", to: "b", cents: 1 }
      assert.strictEqual(yield* status("/commands/Transfer", { body: transfer, as: "bob" }), 403)
      assert.strictEqual(yield* status("/commands/Transfer", { body: transfer, as: "ann" }), 422)
      assert.strictEqual(yield* status("/aggregates/Account/a", { as: "bob" }), 403)
      assert.strictEqual(yield* status("/aggregates/Account/a", { as: "ann" }), 200)
    })
  )

  it.live("keep events and states out of receipts that others get", () =>
    Effect.gen(function* () {
      const { json } = yield* serve(guarded)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, as: "ann" })
      const headers = { prefer: "return=representation" }
      const clerk = yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 }, as: "eve:clerk", headers })
      assert.notProperty(clerk.body, "state")
      assert.deepStrictEqual(clerk.body.events, [])
      const auditor = yield* json("/aggregates/Account/a/Deposit", { body: { cents: 5 }, as: "eve:clerk,auditor" })
      assert.deepInclude(auditor.body.events[0]!, { type: "Deposited", actor: "eve" })
    })
  )
})
