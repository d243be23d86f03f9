import { expect, it } from "@effect/vitest"
import { Reactor } from "@hexfold/core"
import { Data, Effect, Logger, Schedule } from "effect"
import { stores } from "../../support/projected.ts"
import { ring, ringing } from "../../support/reacting.ts"

class Unreachable extends Data.TaggedError("Unreachable")<{ readonly who: string }> {}

it.live("a warning about a handler names the error that it has failed with, also one without a message", () => {
  const texts: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void texts.push(String(message)))
  return Effect.gen(function* () {
    yield* ring(1, ["a"])
    const failing = ringing(() => Effect.fail(new Unreachable({ who: "printer" })), { onPoison: "skip" })
    yield* Reactor.catchUp({ ...failing, retry: Schedule.recurs(0) })
    expect(texts.find((text) => text.includes("has failed and is run again"))).toMatch(/: Unreachable$/)
  }).pipe(Effect.provide(stores), Effect.provide(Logger.layer([logger])))
})
