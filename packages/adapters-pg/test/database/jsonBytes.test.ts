import { assert, it } from "@effect/vitest"
import { AppendCheck } from "@hexfold/core/adapter"
import { Effect, Random, type Schema } from "effect"
import { client } from "../support/database.ts"

const texts = ["", "a", '"\\/', "\b\f\n\r\t", "\u0001\u001f\u007f\u2028", "é", "日本", "😀", "\uffff", "1e5"]
const numbers = [0, 1, -1, 0.1, 123456789012345680000, 1e20, 1e21, -1e21, 1e300, 1.5e-7, -1e-7, 5e-324]

const number = Effect.gen(function* () {
  const digits = (yield* Random.next) - 0.5
  const exponent = yield* Random.nextIntBetween(-323, 308)
  return Number(`${digits}e${exponent}`) + 0
})

const value = (depth: number): Effect.Effect<Schema.Json> =>
  Effect.gen(function* () {
    const kind = yield* Random.nextIntBetween(0, depth === 0 ? 6 : 8)
    const size = yield* Random.nextIntBetween(0, 5)
    const text = Effect.map(Random.nextIntBetween(0, texts.length - 1), (i) => texts[i]!)
    if (kind === 0) return null
    if (kind === 1) return (yield* Random.next) < 0.5
    if (kind === 2) return yield* text
    if (kind === 3) return `${yield* text}${yield* text}`
    if (kind === 4) return numbers[yield* Random.nextIntBetween(0, numbers.length - 1)]!
    if (kind === 5) return yield* number
    const members = yield* Effect.forEach(Array.from({ length: size }), () => value(depth - 1))
    if (kind === 6) return members
    const keys = yield* Effect.forEach(members, (_, i) => Effect.map(text, (key) => `${key}${i}`))
    return Object.fromEntries(keys.map((key, i) => [key, members[i]!]))
  })

it.effect("the size of JSON is what Postgres writes out", () =>
  Effect.gen(function* () {
    const sql = yield* client()
    const ascii = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).slice(1)
    const values = [
      ...texts,
      // A large text is measured in another way if it is plain.
      ...[...texts, ...ascii].flatMap((text) => [`${text}${"x".repeat(300)}`, `${"x".repeat(300)}${text}`]),
      ...numbers,
      {},
      [],
      ...(yield* Effect.forEach(Array.from({ length: 400 }), () => value(4)))
    ]
    const rows = yield* sql.unsafe<{ readonly bytes: number }>(
      "select octet_length(v::text)::int4 as bytes from jsonb_array_elements($1::text::jsonb) with ordinality as given(v, i) order by i",
      [JSON.stringify(values)]
    )
    assert.deepStrictEqual(
      values.flatMap((each, i) => {
        const [written, counted] = [rows[i]!.bytes, AppendCheck.jsonBytes(each)]
        return written === counted ? [] : [{ json: JSON.stringify(each), written, counted }]
      }),
      []
    )
  })
)
