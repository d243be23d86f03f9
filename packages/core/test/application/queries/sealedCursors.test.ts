import { assert, describe, it } from "@effect/vitest"
import { Projection, Query, Records, Subscription } from "@hexfold/core"
import { Effect, Layer, Redacted, Stream } from "effect"
import { Activity, opened, stores } from "../../support/projected.ts"

const secret = Redacted.make("a secret of thirty-two characters")
const other = Redacted.make("another secret of thirty-two characters")
const query = Query.from(Activity, { where: ({ eq, not }) => not(eq("sum", 5)), orderBy: ["sum"], limit: 1 })

const filled = Effect.gen(function* () {
  for (const id of ["ann-of-the-hill", "ben"]) {
    yield* opened(id)
  }
  yield* Projection.catchUp(Activity)
})

describe("cursors", () => {
  it.effect("are read by nobody without the secret, and lead to the next page with it", () =>
    Effect.gen(function* () {
      yield* filled
      const plain = (yield* Records.query(Activity, query)).next!
      assert.include(Buffer.from(plain, "base64url").toString(), `"key":"Account-ann-of-the-hill"`)
      yield* Effect.gen(function* () {
        const first = yield* Records.query(Activity, query)
        assert.notInclude(Buffer.from(first.next!, "base64url").toString("latin1"), "Account")
        const second = yield* Records.query(Activity, query, { after: first.next })
        assert.deepStrictEqual(
          second.rows.map(({ key }) => key),
          ["Account-ben"]
        )
        const again = yield* Records.query(Activity, Query.after(query, first.next!))
        assert.deepStrictEqual(again.rows, second.rows)
        const [live] = yield* Stream.runCollect(Stream.take(Subscription.query(Activity, query), 1))
        assert.deepStrictEqual((yield* Records.query(Activity, query, { after: live!.next })).rows, second.rows)

        const cut = `${first.next!.slice(0, -4)}AAAA`
        for (const after of [plain, cut, "", "?", first.next!.slice(0, 10)]) {
          const error = yield* Effect.flip(Records.query(Activity, query, { after }))
          assert.strictEqual(error._tag, "InvalidCursor", after)
        }
        const elsewhere = Records.query(Activity, query, { after: first.next }).pipe(
          Effect.provide(Records.sealedCursors(other))
        )
        assert.strictEqual((yield* Effect.flip(elsewhere))._tag, "InvalidCursor")
      }).pipe(Effect.provide(Layer.fresh(Records.sealedCursors(secret))))
    }).pipe(Effect.provide(stores))
  )

  it("are not sealed with a short secret", () => {
    assert.throws(() => Records.sealedCursors(Redacted.make("short")), "fewer than 32 characters")
  })
})
