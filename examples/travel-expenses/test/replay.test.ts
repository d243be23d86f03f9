import { assert, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { EmbeddedPostgres, PgEventStore } from "@hexfold/adapters-pg"
import { EventStore, Executor, StateCache } from "@hexfold/core"
import { DateTime, Effect, Layer, Redacted, Stream } from "effect"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { describe } from "vitest"
import { Budget } from "../src/Budget.ts"
import { Declaration } from "../src/Declaration.ts"
import { HandlePayment } from "../src/HandlePayment.ts"
import { readLog } from "../src/readLog.ts"
import { grantBudgets, replay } from "../src/replay.ts"
import { statesOf } from "../src/states.ts"

const sample = new URL("../data/sample.csv", import.meta.url).pathname

const server = process.env["HEXFOLD_TEST_DATABASE_URL"]
const unique = `${process.pid}_${Date.now()}`
const Postgres = (schema: string) =>
  server === undefined || server === ""
    ? PgEventStore.layer({ schema }).pipe(Layer.provide(EmbeddedPostgres.layerClient()))
    : PgEventStore.layerUrl(Redacted.make(server), { schema })

const withFile = (name: string, content: string | Uint8Array) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(join(tmpdir(), "hexfold-log-"))
      await writeFile(join(folder, name), content)
      return join(folder, name)
    }),
    (file) => Effect.promise(() => rm(join(file, ".."), { recursive: true }))
  )

const execute = (file: string, limit = 1_000_000) =>
  Effect.gen(function* () {
    const { rows } = yield* readLog(file, { skipMalformed: false })
    yield* grantBudgets(rows, limit)
    return yield* replay(rows, { concurrency: 16, onRow: () => {} })
  })

describe("the replay of a log", () => {
  it.live("ends in the same states on memory and on Postgres, and a second run changes nothing", () =>
    Effect.gen(function* () {
      const twice = Effect.gen(function* () {
        const { position: _, ...first } = yield* execute(sample)
        const states = yield* statesOf(Declaration)
        const budgets = yield* statesOf(Budget)
        const events = yield* EventStore.EventStore.use((store) => Stream.runCount(store.readAll()))
        const second = yield* execute(sample)
        assert.deepStrictEqual(yield* statesOf(Declaration), states)
        assert.strictEqual(yield* EventStore.EventStore.use((store) => Stream.runCount(store.readAll())), events)
        assert.deepStrictEqual([second.accepted, second.repeated], [first.accepted, first.accepted])
        return { first, states, budgets }
      })
      // One of the stores has a cache, which must not change the result.
      const memory = yield* Effect.provide(twice, MemoryEventStore.layer())
      const postgres = yield* Effect.provide(twice, [Postgres(`travel_${unique}`), StateCache.layer({ capacity: 2 })])
      assert.deepStrictEqual(postgres, memory)
      assert.strictEqual(memory.first.accepted, 23)
      assert.deepStrictEqual(
        new Map(memory.first.rejected),
        new Map([
          ["NotApproved", 1],
          ["NotChecked", 1],
          ["NotInApproval", 1],
          ["NotRejected", 1],
          ["PaymentNotRequested", 1]
        ])
      )
      const statuses = [...memory.states].map(([id, { status }]) => `${id} ${status}`).sort()
      assert.deepStrictEqual(statuses, [
        "declaration-1 paid",
        "declaration-2 submitted",
        "declaration-3 payment requested",
        "declaration-4 saved",
        "declaration-5 paid"
      ])
      const paid = [...memory.states.values()].filter(({ status }) => status === "paid")
      const spent = paid.reduce((sum, { cents }) => sum + cents, 0)
      assert.deepStrictEqual([...memory.budgets], [["budget-1", { granted: 1_000_000, spent }]])
    })
  )

  it.live("a payment beyond the budget leaves the declaration and the budget as they were", () =>
    Effect.gen(function* () {
      const exceeded = Effect.gen(function* () {
        const outcome = yield* execute(sample, 20_000)
        assert.deepStrictEqual([outcome.accepted, outcome.rejected.get("BudgetExceeded")], [22, 1])
        const both = Effect.all([Executor.load(Declaration, "declaration-5"), Executor.load(Budget, "budget-1")])
        const before = yield* both
        assert.strictEqual(before[0].state.status, "payment requested")
        assert.deepStrictEqual(before[1], { state: { granted: 20_000, spent: 12_050 }, version: 2 })
        const at = yield* DateTime.now
        const payment = {
          _tag: "HandlePayment",
          step: 7,
          at,
          declaration: "declaration-5",
          budget: "budget-1"
        } as const
        const error = yield* Effect.flip(Executor.execute(HandlePayment, payment))
        assert.strictEqual(error._tag, "BudgetExceeded")
        assert.deepStrictEqual(yield* both, before)
        // A second run with a higher limit pays what exceeded the budget before.
        const again = yield* execute(sample)
        assert.deepStrictEqual([again.accepted, again.repeated], [23, 22])
        return yield* both
      })
      const memory = yield* Effect.provide(exceeded, MemoryEventStore.layer())
      const postgres = yield* Effect.provide(exceeded, Postgres(`exceeded_${unique}`))
      assert.deepStrictEqual(postgres, memory)
    })
  )

  it.live("reads compressed logs", () =>
    Effect.gen(function* () {
      const content = yield* Effect.promise(() => readFile(sample))
      const packed = yield* withFile("log.csv.gz", gzipSync(content))
      assert.deepStrictEqual(
        yield* readLog(packed, { skipMalformed: false }),
        yield* readLog(sample, { skipMalformed: false })
      )
    })
  )

  it.live("a malformed row names its line and stops before anything is written, or is skipped and counted", () =>
    Effect.gen(function* () {
      const lines = (yield* Effect.promise(() => readFile(sample, "utf8"))).trimEnd().split("\n")
      for (const [bad, detail] of [
        ["2026-01-05,declaration-9,one,step-9,Request Payment,SYSTEM,UNDEFINED,1,b", "step"],
        ["never,declaration-9,1,step-9,Request Payment,SYSTEM,UNDEFINED,1,b", "timestamp"],
        ["2026-01-05T09:00:00Z,declaration-9,1,step-9,Request Payment,SYSTEM,UNDEFINED,-1,b", "amount"],
        ["2026-01-05T09:00:00Z,declaration-9,1,step-9,Coffee BOUGHT by EMPLOYEE,SYSTEM,EMPLOYEE,1,b", "Coffee BOUGHT"],
        [
          "2026-01-05T09:00:00Z,declaration-9,1,step-9,Declaration APPROVED by EMPLOYEE,SYSTEM,EMPLOYEE,1,b",
          "APPROVED"
        ],
        ["2026-01-05T09:00:00Z,declaration-9,1", "step_id"],
        ['2026-01-05T09:00:00Z,"declaration-9"x,1', "quote"]
      ] as const) {
        const file = yield* withFile("log.csv", [...lines.slice(0, 6), bad, ...lines.slice(6), ""].join("\n"))
        const error = yield* Effect.flip(readLog(file, { skipMalformed: false }))
        assert.strictEqual(error._tag, "MalformedRow")
        assert.include(error.message.toLowerCase(), `line 7: `)
        assert.include(error.message.toLowerCase(), detail.toLowerCase())
        if (detail === "quote") continue
        const skipped = yield* readLog(file, { skipMalformed: true })
        assert.strictEqual(skipped.rows.length, lines.length - 1)
        assert.strictEqual(skipped.malformed.length, 1)
      }
    })
  )
})
