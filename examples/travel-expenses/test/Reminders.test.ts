/**
 * HEXFOLD_LOG names a log that is executed on both stores too, on its own time. It takes minutes.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Process, type Projection, Reactor, StateCache } from "@hexfold/core"
import { ProcessScenario, TestApp } from "@hexfold/testing"
import { Console, DateTime, Effect, Layer } from "effect"
import {
  Approved,
  Declaration,
  FinallyApproved,
  GivenUp,
  Lapse,
  Rejected,
  Remind,
  Submitted
} from "../src/Declaration.ts"
import { readLog } from "../src/readLog.ts"
import { Reminders } from "../src/Reminders.ts"
import { decode, type Row } from "../src/Row.ts"
import { sample } from "./log.ts"
import { done, onTime } from "./onTime.ts"
import { Server, server, storesIn } from "./server.ts"

const start = DateTime.makeUnsafe("2026-01-01T09:00:00Z")
const at = (day: number) => DateTime.add(start, { days: day })
const submitted = (day: number) => new Submitted({ step: 1, at: at(day), cents: 500, budgetId: "budget" })
const declaration = Declaration.at("d")

describe("the process", () => {
  const waiting = ProcessScenario.of(Reminders).given(declaration, submitted(0))

  it("reminds after 14 days, and gives up after 60", () =>
    waiting
      .whenTimeout("remind")
      .then({ commands: [Process.send(Declaration, "d", new Remind({ at: at(14) }))] })
      .whenTimeout("giveUp")
      .then({ commands: [Process.send(Declaration, "d", new Lapse({ at: at(60) }))] }))

  it("counts anew from each approval, and not to the end", () =>
    waiting
      .when(declaration, new Approved({ step: 2, at: at(10), by: "ADMINISTRATION" }))
      .then({ timeouts: { remind: at(24) }, cancels: ["remind"] }))

  it("ends its wait with a decision", () => {
    for (const event of [
      new FinallyApproved({ step: 2, at: at(3) }),
      new Rejected({ step: 2, at: at(3), by: "ADMINISTRATION" }),
      new GivenUp({ step: 2, at: at(3) })
    ])
      waiting.when(declaration, event).then({ cancels: ["giveUp", "remind"] })
  })
})

/** The rows of declarations: day, activity and role of each step. */
const rowsOf = (steps: Readonly<Record<string, ReadonlyArray<readonly [day: number, activity: string]>>>) =>
  Object.entries(steps).flatMap(([id, all]) =>
    all.map(([day, activity], i): Row => {
      const [what = "", by = ""] = activity.split(" by ")
      const row = {
        timestamp: DateTime.formatIso(at(day)),
        declaration_id: id,
        step: String(i + 1),
        step_id: `${id}-${i + 1}`,
        activity: by === "" ? what : `Declaration ${what} by ${by}`,
        resource: "STAFF MEMBER",
        role: by === "" ? "UNDEFINED" : by,
        amount: "5",
        budget_id: "budget"
      }
      const decoded = decode(row, i)
      if (decoded._tag === "Failure") throw decoded.failure
      return decoded.success
    })
  )

const submits = [0, "SUBMITTED by EMPLOYEE"] as const
const slow = rowsOf({
  prompt: [submits, [13, "FINAL_APPROVED by SUPERVISOR"]],
  late: [submits, [20, "FINAL_APPROVED by SUPERVISOR"]],
  touched: [submits, [10, "APPROVED by ADMINISTRATION"], [30, "FINAL_APPROVED by SUPERVISOR"]],
  again: [
    submits,
    [5, "REJECTED by ADMINISTRATION"],
    [40, "SUBMITTED by EMPLOYEE"],
    [41, "FINAL_APPROVED by SUPERVISOR"]
  ],
  // The supervisor is two days too late, and the employee submits it once more.
  lapsed: [submits, [62, "FINAL_APPROVED by SUPERVISOR"], [63, "SUBMITTED by EMPLOYEE"]]
})

const expected = [
  [14, "remind lapsed"],
  [14, "remind late"],
  [24, "remind touched"],
  [60, "give up lapsed"],
  [77, "remind lapsed"],
  [123, "give up lapsed"]
].map(([day, what]) => `${DateTime.formatIso(at(Number(day)))} ${what}`)

const app = Layer.provideMerge(
  Reactor.layer([Reminders]),
  Layer.merge(TestApp.layerOver(), StateCache.layer({ capacity: 1_000 }))
)

/** What the process does in a log, on stores. */
const reminders = (rows: ReadonlyArray<Row>, stores: Layer.Layer<Projection.Stores, unknown>) =>
  Effect.gen(function* () {
    const rejected = yield* onTime(rows)
    return { rejected, done: yield* done }
  }).pipe(Effect.provide(Layer.provideMerge(app, stores)))

layer(server, { excludeTestServices: true, timeout: "2 minutes" })("a log on its own time", (it) => {
  const onBoth = (rows: ReadonlyArray<Row>) =>
    Effect.gen(function* () {
      const memory = yield* reminders(rows, MemoryStores.layer())
      const { newDatabase } = yield* Server
      const postgres = yield* reminders(rows, storesIn(yield* newDatabase()))
      return { memory, postgres }
    })

  it.effect("has the same reminders on memory and on Postgres", () =>
    Effect.gen(function* () {
      const { memory, postgres } = yield* onBoth(slow)
      assert.deepStrictEqual(memory.done, expected)
      assert.deepStrictEqual(postgres, memory)
      assert.strictEqual(memory.rejected, 1)
    })
  )

  it.effect("changes nothing about the sample but the declaration that nobody decides", () =>
    Effect.gen(function* () {
      const { rows } = yield* readLog(sample, { skipMalformed: false })
      const { done, rejected } = yield* reminders(rows, MemoryStores.layer())
      assert.deepStrictEqual(done, [
        "2026-01-22T10:00:00.000Z remind declaration-2",
        "2026-03-09T10:00:00.000Z give up declaration-2"
      ])
      assert.strictEqual(rejected, 5)
    })
  )

  const log = process.env["HEXFOLD_LOG"]
  it.effect.skipIf(log === undefined)(
    "of HEXFOLD_LOG has the same reminders on memory and on Postgres",
    () =>
      Effect.gen(function* () {
        const { rows } = yield* readLog(log!, { skipMalformed: false })
        const { memory, postgres } = yield* onBoth(rows)
        assert.deepStrictEqual(postgres, memory)
        const reminded = memory.done.filter((each) => each.includes("remind")).length
        yield* Console.log(
          `${reminded} reminders, ${memory.done.length - reminded} given up, ${memory.rejected} rows rejected`
        )
      }),
    3_600_000
  )
})
