import { describe, expect, it } from "@effect/vitest"
import { SerialOrder } from "@hexfold/testing"
import { Effect, Result } from "effect"
import { hasSerialOrder, isSerial } from "./bruteForce.ts"
import { histories, model } from "./transfers.ts"

const many = { arbitrary: { runs: 300, size: 20 } }
const seen = { right: 0, damagedRight: 0, wrong: 0, undecided: 0 }

describe("a serial order of at most seven operations", () => {
  it.effect.prop(
    "is found exactly if a permutation is serial, and is one",
    { history: histories(7) },
    ({ history: { isDamaged, operations } }) =>
      Effect.sync(() => {
        const explained = SerialOrder.explain(operations, model)
        const exists = hasSerialOrder(operations, model)
        expect(Result.isSuccess(explained)).toBe(exists)
        if (!isDamaged) expect(exists).toBe(true)
        seen[exists ? (isDamaged ? "damagedRight" : "right") : "wrong"]++
        if (Result.isSuccess(explained)) {
          expect(new Set(explained.success)).toEqual(new Set(operations))
          expect(explained.success.length).toBe(operations.length)
          expect(isSerial(explained.success, model)).toBe(true)
        }
      }),
    many
  )

  it.effect.prop(
    "is found exactly if a permutation is serial, where positions say little and times are not known",
    { history: histories(6, { allOverlap: true }) },
    ({ history: { operations } }) =>
      Effect.sync(() => {
        const explained = SerialOrder.explain(operations, model)
        expect(Result.isSuccess(explained)).toBe(hasSerialOrder(operations, model))
      }),
    many
  )

  it.effect.prop(
    "is missing for a reason: the longest part is serial, and the named operation does not go on from it",
    { history: histories(7) },
    ({ history: { operations } }) =>
      Effect.sync(() => {
        const explained = SerialOrder.explain(operations, model)
        if (Result.isSuccess(explained)) return
        const { _tag, operation, placed, waitsFor } = explained.failure
        expect(_tag).toBe("Unexplained")
        expect(placed).not.toContain(operation)
        const rest = operations.filter((each) => !placed.includes(each) && each !== operation)
        expect(isSerial([...placed, operation, ...rest], model)).toBe(false)
        if (waitsFor !== undefined) expect(operations).toContain(waitsFor)
      }),
    many
  )

  it.effect.prop(
    "is not denied or invented when the limit is small",
    { history: histories(6) },
    ({ history: { operations } }) =>
      Effect.sync(() => {
        for (const limit of [0, 1, 2, 5]) {
          const explained = SerialOrder.explain(operations, model, { limit })
          if (Result.isFailure(explained) && explained.failure._tag === "Undecided") seen.undecided++
          else expect(Result.isSuccess(explained)).toBe(hasSerialOrder(operations, model))
        }
      }),
    many
  )

  it("was asked of many right, wrong and undecided histories", () => {
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(25)
  })
})
