import { assert, it } from "@effect/vitest"
import type { PgClient } from "@effect/sql-pg"
import { StreamId } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { describe } from "vitest"
// How many payloads a page writes out is seen in the plan of its statement only.
// oxlint-disable-next-line no-restricted-imports
import { readAllPage } from "../../src/sql/readPage.ts"
import { newSchema, openStore } from "../support/database.ts"
import { event } from "../support/events.ts"
import { appendOne } from "../support/appendOne.ts"

const line = "The quick brown fox jumps over the lazy dog, invoice 4711, 12.50 EUR. "

const random = (length: number): string => {
  let text = ""
  while (text.length < length) text += Math.random().toString(36).slice(2)
  return text
}

/** Payloads that Postgres compresses strongly, a little, or not at all. */
const texts = {
  strong: (bytes: number) => line.repeat(bytes / line.length),
  weak: (bytes: number) => `${random(bytes / 3)}${line.repeat(((bytes / 3) * 2) / line.length)}`,
  none: random
}

interface Plan {
  readonly "Actual Rows": number
  readonly Filter?: string
  readonly Plans?: ReadonlyArray<Plan>
}

/** The rows of the page, and those whose payloads were written out for it. */
const rowsOf = (sql: PgClient.PgClient, schema: string, ratio: number) =>
  Effect.map(
    sql.unsafe<{ readonly "QUERY PLAN": unknown }>(
      `explain (analyze, format json) ${readAllPage(`"${schema}"`, "forwards")}`,
      [0n, 1_000_000n, null, null, 1_000, 4n << 20n, ratio, null, null]
    ),
    ([row]) => {
      const found = row!["QUERY PLAN"]
      const [{ Plan: root }] = (typeof found === "string" ? JSON.parse(found) : found) as [{ readonly Plan: Plan }]
      const all = (plan: Plan): ReadonlyArray<Plan> => [plan, ...(plan.Plans ?? []).flatMap(all)]
      const written = all(root).find(({ Filter }) => Filter?.includes("weights") === true)
      return { returned: root["Actual Rows"], written: written!["Actual Rows"] }
    }
  )

describe("pages of large payloads", () => {
  for (const [name, ratios] of [
    ["strong", [128]],
    ["weak", [128, 4]],
    ["none", [128, 4]]
  ] as const) {
    it.live(`a page writes out hardly more payloads than it returns, compression: ${name}`, () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const { sql, store } = yield* openStore({ schema })
        const streamId = StreamId.make("Account", "a")
        const text = texts[name](300_000)
        const events = Array.from({ length: 60 }, () => ({ ...event(), data: { text } }))
        yield* appendOne(store, { writes: [{ streamId, events }], conditions: [] })
        for (const ratio of ratios) {
          const { returned, written } = yield* rowsOf(sql, schema, ratio)
          assert.isAtLeast(returned, 1)
          assert.isAtMost(returned, 15)
          assert.isAtMost(written, 2 * returned)
        }
        for (const read of [
          store.readAll(),
          store.readAll({ direction: "backwards" }),
          store.readStream(streamId),
          store.readStream(streamId, { direction: "backwards" })
        ]) {
          const seen = yield* Stream.runCollect(read)
          const ids = events.map(({ id }) => id)
          assert.deepStrictEqual(
            seen.map(({ id }) => id),
            seen[0]!.id === ids[0] ? ids : ids.toReversed()
          )
          assert.isTrue(seen.every(({ data }) => (data as { readonly text: string }).text === text))
        }
      })
    )
  }

  it.live("payloads of every size and compression, mixed, are all read once and in order, whatever ends a page", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const streamId = StreamId.make("Account", "a")
      const { store } = yield* openStore({ schema })
      const kinds = Object.values(texts)
      const data = Array.from({ length: 60 }, (_, i) =>
        i % 7 === 0 ? null : { text: kinds[i % 3]!([100, 3_000, 40_000, 300_000][i % 4]!) }
      )
      // 1e300 is short as it is stored, and long as it is written out.
      const long = Array.from({ length: 10 }, (_, i) => Array.from({ length: 200 * i }, () => 1e300))
      const events = [...data, ...long].map((data) => ({ ...event(), data }))
      yield* appendOne(store, { writes: [{ streamId, events }], conditions: [] })
      for (const options of [{}, { pageBytes: 1 }, { pageBytes: 100_000 }, { pageSize: 7 }]) {
        const other = yield* openStore({ schema, ...options })
        for (const read of [other.store.readAll(), other.store.readStream(streamId)]) {
          assert.deepStrictEqual(
            (yield* Stream.runCollect(read)).map(({ data, id, version }) => [version, id, data]),
            events.map(({ data, id }, i) => [i + 1, id, data])
          )
        }
        const some = yield* Stream.runCollect(other.store.readAll({ after: 20, limit: 45, types: ["Happened"] }))
        assert.deepStrictEqual(
          some.map(({ version }) => version),
          Array.from({ length: 45 }, (_, i) => 21 + i)
        )
      }
    })
  )
})
