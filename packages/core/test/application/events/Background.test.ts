import { describe, expect, it } from "@effect/vitest"
import { Background } from "@hexfold/core/adapter"
import { Cause, Effect } from "effect"
import { TestClock } from "effect/testing"
import { collecting } from "../../support/logged.ts"
import { ownClock, seenMeanwhile } from "../../support/ownClock.ts"

describe("reported", () => {
  it.effect(
    "warns at first, then after a minute, two, four and so on, up to each hour, and says when it succeeds",
    () => {
      const { into, lines } = collecting()
      return Effect.gen(function* () {
        const { failed, succeeded } = Background.reported({
          failing: "sweeps fail",
          meanwhile: "ids stay",
          again: "sweeps succeed again",
          write: (text) => Effect.logWarning(text)
        })
        yield* succeeded
        for (let seconds = 0; seconds <= 4 * 3_600; seconds += 30) {
          yield* failed(Cause.fail("down"))
          yield* TestClock.adjust("30 seconds")
        }
        yield* succeeded
        yield* succeeded
        yield* failed(Cause.fail("down"))
        const at = (minutes: string, failures: number) =>
          `Warn sweeps fail (for ${minutes}, ${failures} failures; ids stay)`
        expect(lines).toEqual([
          "Warn sweeps fail",
          at("1m", 3),
          at("3m", 7),
          at("7m", 15),
          at("15m", 31),
          at("31m", 63),
          at("1h 3m", 127),
          at("2h 3m", 247),
          at("3h 3m", 367),
          "Info sweeps succeed again",
          "Warn sweeps fail"
        ])
      }).pipe(into)
    }
  )
})

describe("inSteps", () => {
  it.effect("runs all steps, and lets the event loop go on whenever 10 ms have passed", () =>
    Effect.gen(function* () {
      const { pass, within } = yield* ownClock
      let steps = 0
      const work = function* () {
        for (; steps < 30; steps++) {
          pass(5)
          yield
        }
      }
      const seen = yield* seenMeanwhile(() => steps, within(Background.inSteps(work())))
      expect(steps).toBe(30)
      expect([...seen]).toEqual(expect.arrayContaining([1, 3, 5, 25, 27]))
      expect(seen.size).toBeLessThan(18)
    })
  )

  it.effect("passes an error of a step on", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        Background.inSteps(
          (function* () {
            yield
            throw new Error("a step")
          })()
        )
      )
      expect(String(exit)).toContain("a step")
    })
  )
})
