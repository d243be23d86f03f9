import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { open } from "./bank.ts"
import { serve } from "./web.ts"

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
      for (const key of [".", ".."]) assert.strictEqual(yield* begin(key, "/aggregates/Account/a/Open", {}), 400)
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
      for (let i = 0; i <= 1_000; i++) yield* asked(served, `${i}`, "eve", {})
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
})
