/** Commands whose answers are fetched later. */
import { assert } from "@effect/vitest"
import { type Api, EventStore } from "@hexfold/core"
import { Context, Deferred, Effect, Fiber } from "effect"
import { guarded, open as everybody } from "../../http/bank.ts"
import type { Cases, Front } from "../Front.ts"

const long = "x".repeat(1_001)

/** A command that is refused, and the status of its answer. */
type Refusal = readonly [
  api: Api.Any,
  path: string,
  body: object,
  sent: { readonly as?: string; readonly key?: string },
  status: number
]

/** The answer to a command that was begun, once it is there. */
const answerTo = ({ json }: Front, location: string, as: string) =>
  Effect.repeat(Effect.andThen(Effect.yieldNow, json(location, { as })), { until: ({ status }) => status !== 202 })

/** Stores that write nothing until they are let. */
const holding = ({ stores }: Front) => {
  const asked = Deferred.makeUnsafe<void>()
  const allowed = Deferred.makeUnsafe<void>()
  const log = Context.get(stores, EventStore.EventStore)
  const append: typeof log.append = (given) =>
    Deferred.succeed(asked, undefined).pipe(Effect.andThen(Deferred.await(allowed)), Effect.andThen(log.append(given)))
  return {
    stores: Context.add(stores, EventStore.EventStore, { ...log, append }),
    /** Completes when something is to be written. */
    asked: Deferred.await(asked),
    release: Deferred.succeed(allowed, undefined)
  }
}

export const executions: Cases = {
  "a client may fetch the answer later, under its key, and nobody else can": (open) =>
    Effect.gen(function* () {
      const front = yield* open(everybody)
      const { json } = front
      const headers = { prefer: "respond-async", "idempotency-key": "first/one" }
      const opening = json("/aggregates/Account/a/Open", { body: { owner: "ann" }, headers, as: "ann" })
      const begun = yield* opening
      assert.strictEqual(begun.status, 202)
      assert.strictEqual(begun.headers.get("preference-applied"), "respond-async")
      const location = begun.headers.get("location")!
      assert.strictEqual((yield* opening).headers.get("location"), location)
      assert.deepInclude((yield* answerTo(front, location, "ann")).body, { version: 1, repeated: false })
      assert.strictEqual((yield* json(location, { as: "bob" })).status, 404)
      const nameless = { body: { owner: "ann" }, headers: { prefer: "respond-async" } }
      assert.strictEqual((yield* json("/aggregates/Account/b/Open", nameless)).status, 400)
    }),

  "what is refused before it is executed is refused at once, with the same answer": (open) =>
    Effect.gen(function* () {
      const opening = ["/aggregates/Account/a/Open", { owner: "ann" }] as const
      const refusals: ReadonlyArray<Refusal> = [
        [everybody, ...opening, { key: long }, 400],
        [everybody, "/aggregates/Account/a/Open", { owner: "" }, {}, 400],
        [everybody, "/aggregates/Account/a/Open", { owner: "a\u0000" }, {}, 400],
        [everybody, "/aggregates/Account/a/Open", [], {}, 400],
        [everybody, `/aggregates/Account/${long}/Open`, { owner: "ann" }, {}, 400],
        [everybody, "/aggregates/Account/%00/Open", { owner: "ann" }, {}, 400],
        [everybody, "/aggregates/Account/a/Close", {}, {}, 404],
        [everybody, "/commands/Transfer", { from: "a", to: "b", cents: 0 }, {}, 400],
        [everybody, "/commands/Transfer", { from: "a", to: long, cents: 1 }, {}, 400],
        [everybody, "/commands/Transfer", { from: "a", to: "b", cents: 1 }, { key: long }, 400],
        [guarded, ...opening, {}, 401],
        [guarded, ...opening, { as: "bob" }, 403],
        [guarded, "/aggregates/Account/a/Deposit", { cents: 1 }, { as: "ann" }, 403],
        [guarded, "/commands/Transfer", { from: "a", to: "b", cents: 1 }, {}, 401]
      ]
      const fronts = new Map<Api.Any, Front>([
        [everybody, yield* open(everybody, { projected: [] })],
        [guarded, yield* open(guarded, { projected: [] })]
      ])
      for (const [api, path, body, { as, key = "k" }, expected] of refusals) {
        const { json } = fronts.get(api)!
        const ask = (headers: Readonly<Record<string, string>>) =>
          json(path, { body, headers: { "idempotency-key": key, ...headers }, ...(as === undefined ? {} : { as }) })
        const later = yield* ask({ prefer: "respond-async" })
        const now = yield* ask({})
        assert.deepStrictEqual([later.status, later.body], [expected, now.body], `${path} ${JSON.stringify(body)}`)
      }
      const state = yield* fronts.get(everybody)!.json("/aggregates/Account/a")
      assert.strictEqual(state.body["version"], 0)
    }),

  "a server that ends waits for them; the next one knows no answer, says so, and a repeat has one effect": (open) =>
    Effect.gen(function* () {
      const { asked, release, stores } = holding(yield* open(everybody, { projected: [] }))
      const first = yield* open(everybody, { projected: [], stores })
      const headers = { prefer: "respond-async", "idempotency-key": "k" }
      const sent = { body: { owner: "ann" }, headers, as: "ann" }
      assert.strictEqual((yield* first.json("/aggregates/Account/a/Open", sent)).status, 202)
      yield* asked
      const ending = yield* Effect.forkScoped(first.end)
      // So long that everything that does not wait for the command has ended.
      yield* Effect.repeat(Effect.yieldNow, { until: () => !first.node.listening })
      yield* Effect.repeat(Effect.yieldNow, { times: 1_000 })
      yield* release
      yield* Fiber.join(ending)
      const second = yield* open(everybody, { projected: [], stores })
      assert.strictEqual((yield* second.json("/aggregates/Account/a")).body["version"], 1)
      const unknown = yield* second.json("/executions/k", { as: "ann" })
      assert.deepStrictEqual([unknown.status, unknown.body["title"]], [404, "UnknownExecution"])
      assert.include(unknown.body["detail"], "Whether the command has happened is not known here")
      assert.strictEqual((yield* second.json("/aggregates/Account/a/Open", sent)).status, 202)
      const { body, status } = yield* answerTo(second, "/executions/k", "ann")
      assert.deepStrictEqual([status, body["version"], body["repeated"]], [200, 1, true])
    })
}
