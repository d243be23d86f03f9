/** Generated values have only texts that a store takes, wherever the texts are. */
import { KeptValue } from "@hexfold/core/adapter"
import { Aggregate, Decision } from "@hexfold/core"
import { Histories } from "@hexfold/testing"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { assert, describe, it } from "vitest"

const holders: Readonly<Record<string, Schema.Codec<unknown, unknown>>> = {
  "a HashMap": Schema.HashMap(Schema.String, Schema.String),
  "a HashSet": Schema.HashSet(Schema.String),
  "a Chunk": Schema.Chunk(Schema.String),
  "a Result": Schema.Result(Schema.String, Schema.String),
  "a secret": Schema.Redacted(Schema.String),
  "a Map": Schema.ReadonlyMap(Schema.String, Schema.String),
  "a time in a zone": Schema.DateTimeZoned,
  "an unknown value": Schema.Json
}

describe("a generated command can be stored, with", () => {
  for (const [name, holder] of Object.entries(holders)) {
    it(`${name}`, () => {
      const Keep = Schema.TaggedStruct("Keep", { it: holder })
      const Safe = Aggregate.make("Safe", {
        id: Schema.NonEmptyString,
        state: Schema.Int,
        initial: 0,
        commands: [Keep],
        events: [Schema.TaggedStruct("Kept", {})],
        decide: { Keep: () => Decision.accept({ _tag: "Kept" as const }) },
        evolve: { Kept: (count) => count + 1 }
      })
      const histories = Effect.runSync(Arbitrary.sampleEffect(Histories.of(Safe), { count: 60, seed: 5 }))
      const commands = histories.flatMap(({ steps }) => steps.map(({ command }) => command))
      assert.isAbove(commands.length, 60)
      for (const command of commands) {
        const kept = KeptValue.of(Keep)(command as typeof Keep.Type)
        if (Result.isFailure(kept)) assert.fail(kept.failure)
      }
    })
  }
})
