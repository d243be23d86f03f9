import { assert, it } from "@effect/vitest"
import { MemoryEventStore } from "@hexfold/adapters-memory"
import { EmbeddedPostgres, PgEventStore } from "@hexfold/adapters-pg"
import { EventStore } from "@hexfold/core"
import { Effect, Layer, Redacted, Stream } from "effect"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { describe } from "vitest"
import { declarations } from "../src/declarations.ts"
import { readLog } from "../src/readLog.ts"
import { replay } from "../src/replay.ts"

const sample = new URL("../data/sample.csv", import.meta.url).pathname

const server = process.env["HEXFOLD_TEST_DATABASE_URL"]
const schema = `travel_${process.pid}_${Date.now()}`
const Postgres =
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

const execute = (file: string) =>
  Effect.gen(function* () {
    const { rows } = yield* readLog(file, { skipMalformed: false })
    return yield* replay(rows, { concurrency: 16, onRow: () => {} })
  })

describe("the replay of a log", () => {
  it.live("ends in the same states on memory and on Postgres, and a second run changes nothing", () =>
    Effect.gen(function* () {
      const twice = Effect.gen(function* () {
        const first = yield* execute(sample)
        const states = yield* declarations
        const events = yield* EventStore.EventStore.use((store) => Stream.runCount(store.readAll()))
        const second = yield* execute(sample)
        assert.deepStrictEqual(yield* declarations, states)
        assert.strictEqual(yield* EventStore.EventStore.use((store) => Stream.runCount(store.readAll())), events)
        assert.deepStrictEqual([second.accepted, second.repeated], [first.accepted, first.accepted])
        return { first, states }
      })
      const memory = yield* Effect.provide(twice, MemoryEventStore.layer)
      const postgres = yield* Effect.provide(twice, Postgres)
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
