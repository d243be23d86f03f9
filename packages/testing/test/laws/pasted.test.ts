/** The scenario of a failure is code: it runs in a test, and does there what it did in the history. */
import { Aggregate, Decision } from "@hexfold/core"
import { Laws, Scenario } from "@hexfold/testing"
import * as Effects from "effect"
import { Schema } from "effect"
import { assert, describe, it } from "vitest"

class Inner extends Schema.Class<Inner>("Inner")({ _tag: Schema.Literal("Inner"), it: Schema.Int }) {}
class Empty extends Schema.TaggedClass<Empty>()("Empty", {}) {}

const fields: Readonly<Record<string, Schema.Codec<unknown, unknown>>> = {
  HashMap: Schema.HashMap(Schema.String, Schema.Int),
  HashSet: Schema.HashSet(Schema.String),
  Chunk: Schema.Chunk(Schema.Int),
  Map: Schema.ReadonlyMap(Schema.String, Schema.Struct({ it: Schema.Int })),
  Set: Schema.ReadonlySet(Schema.String),
  Record: Schema.Record(Schema.String, Schema.Int),
  Option: Schema.Option(Schema.Int),
  Result: Schema.Result(Schema.Int, Schema.String),
  Exit: Schema.Exit(Schema.Int, Schema.String, Schema.Json),
  Cause: Schema.Cause(Schema.String, Schema.Json),
  Redacted: Schema.Redacted(Schema.String),
  BigDecimal: Schema.BigDecimal,
  bigint: Schema.BigInt,
  number: Schema.Number,
  Duration: Schema.Duration,
  Date: Schema.Date,
  URL: Schema.URL,
  bytes: Schema.Uint8Array,
  "a time": Schema.DateTimeUtc,
  "a time in a zone": Schema.DateTimeZoned,
  "a class that asks for its tag": Inner,
  "a tagged class": Empty
}

describe("a failure prints code, with", () => {
  for (const [name, field] of Object.entries(fields)) {
    it(`${name}`, () => {
      const Do = Schema.TaggedStruct("Do", { it: field })
      const Done = Schema.TaggedStruct("Done", { it: field, message: Schema.String })
      class Full extends Schema.TaggedError<Full>()("Full", { it: field, message: Schema.String }) {}
      const Thing = Aggregate.make("Thing", {
        id: Schema.NonEmptyString,
        state: Schema.Int,
        initial: 0,
        commands: [Do],
        events: [Done],
        errors: [Full],
        decide: {
          Do: ({ it: given }, count) =>
            count > 1
              ? Decision.reject(new Full({ it: given, message: "full" }))
              : Decision.accept({ _tag: "Done", it: given, message: "done" })
        },
        evolve: { Done: (count) => count + 1 }
      })
      const undeclared: unknown = { ...Thing, schemas: { ...Thing.schemas, errors: new Map() } }
      const failures = [
        () => Laws.invariant(Thing, "few", (count) => count < 2, { seed: 3, runs: 200 }),
        () => Laws.check(undeclared as typeof Thing, { seed: 3, runs: 200 })
      ]
      for (const check of failures) {
        let failure: unknown
        try {
          check()
        } catch (thrown) {
          failure = thrown
        }
        assert.instanceOf(failure, Laws.LawFailure)
        const names: Readonly<Record<string, unknown>> = { ...Effects, Symbol, Scenario, Thing, Full, Inner, Empty }
        // oxlint-disable-next-line typescript/no-implied-eval -- The code is what a user pastes.
        const pasted = new Function(...Object.keys(names), `return ${failure.scenario}`)
        pasted(...Object.values(names))
      }
    })
  }
})
