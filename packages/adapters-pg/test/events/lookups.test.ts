import type { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { StreamId } from "@hexfold/core"
import { Effect } from "effect"
// Which tables a statement reads as a whole is seen in its plan only.
// oxlint-disable-next-line no-restricted-imports
import { listStreams } from "../../src/directory/statement.ts"
// oxlint-disable-next-line no-restricted-imports
import { readStreamsAndCommands } from "../../src/sql/readStreams.ts"
import { newSchema, openStore } from "../support/database.ts"
import { event } from "../support/events.ts"

interface Plan {
  readonly "Node Type": string
  readonly "Total Cost": number
  readonly "Relation Name"?: string
  readonly Plans?: ReadonlyArray<Plan>
}

const readAsAWhole = (plan: Plan): ReadonlyArray<string> => [
  // The table of histories has a row for each time that the log was restored.
  ...(plan["Node Type"] === "Seq Scan" && plan["Relation Name"] !== "histories" ? [plan["Relation Name"] ?? ""] : []),
  ...(plan.Plans ?? []).flatMap(readAsAWhole)
]

const planOf = (sql: PgClient.PgClient, statement: string, binds: ReadonlyArray<unknown>) =>
  Effect.map(
    sql.unsafe<{ readonly "QUERY PLAN": unknown }>(`explain (format json) ${statement}`, [...binds]),
    ([row]) => {
      const found = row!["QUERY PLAN"]
      const [{ Plan: root }] = (typeof found === "string" ? JSON.parse(found) : found) as [{ readonly Plan: Plan }]
      return root
    }
  )

describe("the lookup of streams and commands", () => {
  for (const commands of [1_000, 10_000]) {
    it.live(`finds them by their indexes while the server has no statistics, among ${commands}`, () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const { sql, store } = yield* openStore({ schema })
        for (const table of ["streams", "events", "commands"]) {
          yield* sql.unsafe(`alter table "${schema}".${table} set (autovacuum_enabled = false)`)
        }
        for (let n = 0; n < commands; n += 500) {
          const parts = Array.from({ length: 500 }, (_, i) => ({
            writes: [{ streamId: StreamId.make("Account", String(n + i)), events: [event()] }],
            command: { id: `command ${n + i}`, fingerprint: "same" }
          }))
          yield* store.append({ conditions: [], parts })
        }
        for (const asked of [1, 8, 64]) {
          const names = Array.from({ length: asked }, (_, i) => i * 7)
          const plan = yield* planOf(sql, readStreamsAndCommands(`"${schema}"`), [
            names.map((n) => `Account-${n}`),
            names.map(() => 0n),
            names.map((n) => `command ${n}`)
          ])
          assert.deepStrictEqual(readAsAWhole(plan), [])
        }
        for (const after of ["", "Account-500"]) {
          const plan = yield* planOf(sql, listStreams(`"${schema}"`), ["Account", after, 20])
          assert.deepStrictEqual(readAsAWhole(plan), [])
          assert.isBelow(plan["Total Cost"], 1_000)
        }
      })
    )
  }
})
