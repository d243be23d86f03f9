/** Commands: what their headers say, and what they are answered. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { guarded, open as everybody } from "../../http/bank.ts"
import type { Cases } from "../Front.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

export const commands: Cases = {
  "a command is answered with its receipt, its events, and the version as a tag": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody)
      const { body, etag, headers, status, type } = yield* json("/aggregates/Account/d%2F1%20%C3%BC/Open", {
        body: { owner: "ann" }
      })
      assert.deepStrictEqual([status, etag, type], [200, '"1"', "application/json"])
      assert.strictEqual(headers.get("cache-control"), "private, no-cache")
      assert.deepInclude(body, { streamId: "Account-d/1 ü", version: 1, attempts: 1, repeated: false, history: 1 })
      assert.deepInclude(body.events[0]!, {
        aggregate: "Account",
        type: "Opened",
        version: 1,
        position: body["position"],
        data: { owner: "ann" }
      })
    }),

  "a key names a command: a repeat gets the first receipt, and another body is refused": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const deposit = (cents: number, as: string, headers: object = {}) =>
        json("/aggregates/Account/a/Deposit", { body: { cents }, headers: { "idempotency-key": "k", ...headers }, as })
      const first = yield* deposit(5, "ann")
      const again = yield* deposit(5, "ann")
      assert.deepStrictEqual([first.status, first.body["repeated"], again.body["repeated"]], [200, false, true])
      assert.deepStrictEqual([again.etag, again.body.events], [first.etag, first.body.events])
      const reused = yield* deposit(6, "ann")
      assert.deepStrictEqual([reused.status, reused.body["title"]], [409, "CommandIdReused"])
      assert.strictEqual((yield* deposit(5, "bob")).body["repeated"], false)
      assert.strictEqual((yield* deposit(5, "bob", { "idempotency-key": '""' })).status, 400)
      assert.strictEqual((yield* json("/aggregates/Account/a")).body["version"], 3)
    }),

  "a key is answered before the version that was expected": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody)
      const headers = { "if-match": '"0"', "idempotency-key": "k" }
      const first = yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, headers })
      const again = yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, headers })
      assert.deepStrictEqual([first.status, again.status, again.body["repeated"]], [200, 200, true])
    }),

  "a version that is expected is met, or the answer has the present one": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const deposit = (version: string) =>
        json("/aggregates/Account/a/Deposit", { body: { cents: 1 }, headers: { "if-match": version } })
      const stale = yield* deposit('"0"')
      assert.deepInclude(stale, { status: 412, etag: '"1"', type: "application/problem+json" })
      assert.deepInclude(stale.body, { title: "VersionConflict", expected: 0, actual: 1 })
      for (const wrong of ["1", "*", 'W/"1"', '"x"']) assert.strictEqual((yield* deposit(wrong)).status, 400, wrong)
      assert.strictEqual((yield* deposit('"1"')).etag, '"2"')
    }),

  "of a hundred clients with one expected version, one is answered 200 and all others 412": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const sent = { body: { cents: 1 }, headers: { "if-match": '"1"' } }
      const answers = yield* Effect.forEach(numbers(100), () => json("/aggregates/Account/a/Deposit", sent), {
        concurrency: "unbounded"
      })
      const statuses = answers.map(({ status }) => status).sort((a, b) => a - b)
      assert.deepStrictEqual(statuses, [200, ...numbers(99).map(() => 412)])
      assert.isTrue(answers.every(({ etag }) => etag === '"2"'))
      assert.strictEqual((yield* json("/aggregates/Account/a")).body["version"], 2)
    }),

  "a hundred clients with one key have one effect": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const sent = { body: { cents: 1 }, headers: { "idempotency-key": "k" } }
      const answers = yield* Effect.forEach(numbers(100), () => json("/aggregates/Account/a/Deposit", sent), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
      assert.strictEqual(answers.filter(({ body }) => body["repeated"] === false).length, 1)
      assert.deepStrictEqual(new Set(answers.map(({ body }) => body["version"])), new Set([2]))
      const { body } = yield* json("/aggregates/Account/a")
      assert.deepStrictEqual<unknown>(body, { state: { owner: "ann", balance: 1 }, version: 2 })
    }),

  "an error of the domain has its own fields, and the status that its class says": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody)
      yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      const twice = yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" } })
      assert.deepInclude(twice, { status: 409, type: "application/problem+json" })
      assert.deepInclude(twice.body, { type: "/problems/Account/AlreadyOpen", title: "AlreadyOpen", status: 409 })
      const overdrawn = yield* json("/aggregates/Account/a/Withdraw", { body: { cents: 7 } })
      assert.deepStrictEqual<unknown>(overdrawn.body, {
        type: "/problems/Account/Overdrawn",
        title: "Overdrawn",
        status: 422,
        detail: "Overdrawn",
        balance: 0
      })
      const transfer = yield* json("/commands/Transfer", { body: { from: "a", to: "b", cents: 7 } })
      assert.deepInclude(transfer.body, { type: "/problems/Transfer/Overdrawn", balance: 0, status: 422 })
    }),

  "what is no command is refused with each mistake, and nothing is written": (open) =>
    Effect.gen(function* () {
      const { ask, json } = yield* open(everybody)
      const { body, status, type } = yield* json("/aggregates/Account/a/Deposit", { body: { cents: "?" } })
      assert.deepStrictEqual([status, type], [400, "application/problem+json"])
      assert.deepInclude(body, { title: "InvalidRequest", part: "command" })
      const [mistake] = body["errors"] as ReadonlyArray<{ readonly path: unknown; readonly message: string }>
      assert.deepStrictEqual(mistake!.path, ["cents"])
      assert.isAbove(mistake!.message.length, 0)
      const refused: ReadonlyArray<readonly [string, unknown, number]> = [
        ["/aggregates/Account/a/Open", [], 400],
        ["/aggregates/Account/a/Open", { _tag: "Deposit", cents: 1 }, 400],
        ["/aggregates/Account/a/Close", {}, 404],
        ["/aggregates/Nothing/a/Open", {}, 404],
        ["/commands/Nothing", {}, 404],
        ["/aggregates/Account/%/Open", { owner: "ann" }, 404],
        ["/aggregates/Account/%00/Open", { owner: "ann" }, 400],
        ["/aggregates/Account/a/Open", { owner: "a\u0000" }, 400],
        ["/aggregates/Account/a/Open", { owner: "x".repeat(2 << 20) }, 413]
      ]
      for (const [path, sent, expected] of refused) {
        assert.strictEqual((yield* ask(path, { body: sent })).status, expected, path)
      }
      const text = { body: { owner: "ann" }, headers: { "content-type": "text/plain" } }
      assert.strictEqual((yield* json("/aggregates/Account/a/Open", text)).status, 400)
      assert.strictEqual((yield* json("/aggregates/Account/a")).body["version"], 0)
    }),

  "a client that waits is answered when the views show the command": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody)
      for (const id of ["a", "b", "c"]) {
        const sent = { body: { owner: "ann" }, headers: { prefer: "wait=60" } }
        assert.strictEqual((yield* json(`/aggregates/Account/${id}/Open`, sent)).status, 200)
        assert.deepStrictEqual((yield* json(`/views/Accounts/${id}`)).body["state"], { owner: "ann", balance: 0 })
      }
      const transfer = { body: { from: "a", to: "b", cents: 1 }, headers: { prefer: "wait=60" } }
      yield* json("/aggregates/Account/a/Deposit", { body: { cents: 1 } })
      assert.strictEqual((yield* json("/commands/Transfer", transfer)).status, 200)
      assert.deepStrictEqual((yield* json("/views/Accounts/b")).body["state"], { owner: "ann", balance: 1 })
    }),

  "a command whose views are late is answered with its receipt: the command has happened": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody, { projected: [] })
      const sent = { body: { owner: "ann" }, headers: { prefer: "wait=1" } }
      const { body, etag, headers, status } = yield* json("/aggregates/Account/a/Open", sent)
      assert.deepStrictEqual([status, etag, body["version"], headers.get("retry-after")], [202, '"1"', 1, "1"])
      assert.strictEqual((yield* json("/aggregates/Account/a")).body["version"], 1)
    }),

  "a batch has a result for each command, and keeps the order of those of one stream": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody)
      const on = (id: string, command: object, more: object = {}) => ({ aggregate: "Account", id, command, ...more })
      const sent = [
        on("a", { _tag: "Open", owner: "ann" }),
        on("a", { _tag: "Deposit", cents: 5 }, { key: "k" }),
        on("a", { _tag: "Deposit", cents: 5 }, { key: "k" }),
        on("b", { _tag: "Deposit", cents: 5 }),
        on("a", { _tag: "Withdraw", cents: 2 }, { expectedVersion: 1 }),
        { boundary: "Transfer", command: { _tag: "Transfer", from: "x", to: "y", cents: 1 } }
      ]
      const { body, status } = yield* json("/batch", { body: { commands: sent } })
      assert.strictEqual(status, 200)
      const results = body["results"] as ReadonlyArray<Readonly<Record<string, unknown>>>
      assert.deepStrictEqual(
        results.map(({ repeated, status: own, title }) => [own, title ?? repeated]),
        [
          [200, false],
          [200, false],
          [200, true],
          [422, "NotOpen"],
          [412, "VersionConflict"],
          [422, "NotOpen"]
        ]
      )
      const many = numbers(101).map(() => sent[0])
      assert.strictEqual((yield* json("/batch", { body: { commands: many } })).status, 400)
    }),

  "a batch with a version that no stream can have is refused as a whole, and nothing is written": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(everybody)
      const opening = { aggregate: "Account", id: "a", command: { _tag: "Open", owner: "ann" } }
      for (const expectedVersion of [-1, 0.5, 1e300, "1", null]) {
        const sent = { commands: [opening, { ...opening, id: "b", expectedVersion }] }
        const { body, status } = yield* json("/batch", { body: sent })
        assert.deepStrictEqual([status, body["title"]], [400, "InvalidRequest"], String(expectedVersion))
        const mistakes = body["errors"] as ReadonlyArray<{ readonly path: ReadonlyArray<unknown> }>
        assert.deepInclude(
          mistakes.map(({ path }) => path),
          ["commands", 1, "expectedVersion"]
        )
      }
      assert.strictEqual((yield* json("/aggregates/Account/a")).body["version"], 0)
    }),

  "a state is read with its version, and not again if it is known": (open) =>
    Effect.gen(function* () {
      const { ask, json } = yield* open(everybody)
      const wantsState = { prefer: "return=representation" }
      const opened = yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, headers: wantsState })
      assert.deepInclude(opened.body, { state: { owner: "ann", balance: 0 }, stateVersion: 1 })
      const read = yield* json("/aggregates/Account/a")
      assert.strictEqual(read.etag, '"1"')
      assert.deepStrictEqual<unknown>(read.body, { state: { owner: "ann", balance: 0 }, version: 1 })
      const known = yield* ask("/aggregates/Account/a", { headers: { "if-none-match": '"1"' } })
      assert.deepStrictEqual([known.status, yield* Effect.promise(() => known.text())], [304, ""])
      assert.strictEqual((yield* ask("/aggregates/Account/a", { headers: { "if-none-match": '"0"' } })).status, 200)
    }),

  "events have the caller as their actor, and the correlation id of the request": (open) =>
    Effect.gen(function* () {
      const { json } = yield* open(guarded)
      const headers = { "x-correlation-id": "journey-7" }
      const { body } = yield* json("/aggregates/Account/a/Open", { body: { owner: "ann" }, headers, as: "ann:auditor" })
      assert.deepInclude(body.events[0]!, { actor: "ann", correlationId: "journey-7", causationId: "journey-7" })
      const wrong = { "x-correlation-id": "two words" }
      const refused = yield* json("/aggregates/Account/b/Open", { body: { owner: "ann" }, headers: wrong, as: "ann" })
      assert.strictEqual(refused.status, 400)
    })
}
