import { assert, describe, it } from "@effect/vitest"
import * as core from "@hexfold/core"
import { Reason } from "@hexfold/core"
import * as errors from "@hexfold/core/errors"
import { DateTime, Duration, Logger, Effect, Schema, SchemaAST } from "effect"
import { inspect } from "node:util"

// The law of every error that the library raises: whatever is in its fields, what is shown of it is bounded, and has
// neither what a driver tells of a row nor the data of an event.

const secret = "S3cr3t"
const mebibyte = "0123456789abcdef".repeat(1 << 16)

/** A cause as a careless driver raises it: long, and with a row in what it tells beside its message. */
const cause = Object.assign(new Error(mebibyte), {
  detail: `Failing row contains (${secret})`,
  url: `postgres://a:${secret}@b`
})
const receipt = {
  position: 3,
  events: [{ type: "Paid", data: { card: secret }, metadata: { actor: secret } }]
}

/** A value of a field, with a text of a mebibyte wherever there may be one. */
const large = (ast: SchemaAST.AST, isWithinList = false): unknown => {
  switch (ast._tag) {
    case "String":
      return mebibyte
    case "Literal":
      return ast.literal
    case "Number":
      return 1
    case "Boolean":
      return true
    case "Unknown":
      return receipt
    case "Arrays":
      return Array.from({ length: isWithinList ? 30 : 1_000 }, () => large(ast.rest[0]!, true))
    case "Objects":
      return Object.fromEntries(ast.propertySignatures.map(({ name, type }) => [name, large(type, isWithinList)]))
    case "Union":
      return large(ast.types.at(-1)!, isWithinList)
    case "Declaration": {
      const made = classes.find(([, each]) => SchemaAST.toType(each.ast) === SchemaAST.toType(ast))
      if (made !== undefined) return instanceOf(made[1])
      const known = [DateTime.nowUnsafe(), Duration.seconds(1), cause].find(
        Schema.is(Schema.make(SchemaAST.toType(ast)))
      )
      assert.isDefined(known, "a field of a kind that this test does not know")
      return known
    }
    default:
      throw new Error(`a field of the kind ${ast._tag}, which this test does not know`)
  }
}

interface ErrorClass {
  new (fields: never): Error
  readonly ast: SchemaAST.AST
  readonly fields: Schema.Struct.Fields
}

const isClass = (value: unknown): value is ErrorClass =>
  typeof value === "function" && value.prototype instanceof Error && "fields" in value

const classes = Object.entries({ ...Reason, ...errors }).filter(
  (entry): entry is [string, (typeof entry)[1] & ErrorClass] => isClass(entry[1])
)

const instanceOf = ({ fields, prototype }: ErrorClass & { readonly prototype: Error }, given: Error = cause): Error =>
  Reflect.construct(prototype.constructor, [
    Object.fromEntries(
      Object.entries(fields)
        .filter(([name]) => name !== "_tag")
        .map(([name, field]) => [name, name === "cause" ? given : large(field.ast)])
    )
  ])

// An error of ten views, each with an event that stopped it, a refusal and those who hold readers back, has the most.
const most = 40_000

describe("what is shown of an error is bounded, and has no row, secret or event in it:", () => {
  it("all classes are looked at", () => {
    const exported = Object.entries(core).flatMap(([name, value]) => (isClass(value) ? [name] : []))
    assert.includeMembers(
      classes.map(([name]) => name),
      exported
    )
    assert.isAtLeast(classes.length, 26)
  })

  for (const [name, type] of classes) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const error = instanceOf(type)
        const lines: Array<string> = []
        const loggers = [Logger.formatJson, Logger.formatLogFmt, Logger.formatSimple].map((logger) =>
          Logger.make((options) => void lines.push(String(logger.log(options))))
        )
        // The text of a cause stands in a log as the cause has it.
        yield* Effect.logError(instanceOf(type, new Error("short"))).pipe(Effect.provide(Logger.layer(loggers)))
        const shown = {
          message: error.message,
          String: String(error),
          inspect: inspect(error),
          "inspect in depth": inspect(error, { depth: 20, showHidden: true, maxStringLength: null }),
          "inspect of an object that has it": inspect({ error }, { depth: 20, maxStringLength: null }),
          JSON: JSON.stringify(error),
          "JSON of an object that has it": JSON.stringify({ error }),
          log: lines.join("\n")
        }
        for (const [where, text] of Object.entries(shown)) {
          assert.isAtMost(text.length, where === "log" ? 3 * most : most, where)
          assert.notInclude(text, secret, where)
        }
        assert.include(shown.JSON, `"_tag":"${name}"`)
        assert.isTrue(shown.message.isWellFormed())
      })
    )
  }
})
