/**
 * What a store keeps of a value, and gives back: its JSON, and what that JSON is
 * decoded to. For authors of test kits, so that a test fails for what a store
 * would change. The checks are those that stores make of events and of records.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { bounded } from "../../domain/texts.ts"
import * as encoder from "../../internal/encoder.ts"
import { memoized } from "../../internal/memoized.ts"
import { copyState, Problem } from "../../ports/jsonCopy.ts"
import * as roundTrip from "./roundTrip.ts"

/** A value after its way into a store and back. */
export interface Kept<out A> {
  /** Its JSON. The fields are in the order of the schema, so equal values have equal texts. */
  readonly json: Schema.Json
  /** The value that is read back. */
  readonly value: A
}

/**
 * Encodes a value, makes a text of its JSON, and decodes the text. A plain object
 * is as good as an instance of the class that the schema has at its place; what is
 * read back is an instance. The failure says what is wrong, as words that follow
 * the name of the value.
 *
 * @example
 * ```ts
 * import { KeptValue } from "@hexfold/core/adapter"
 * import { Schema } from "effect"
 *
 * const keep = KeptValue.of(Schema.Struct({ name: Schema.String, count: Schema.BigInt }))
 *
 * keep({ name: "a", count: 1n }) // Result.succeed({ json: { name: "a", count: "1" }, value: { name: "a", count: 1n } })
 * keep({ name: "a\0", count: 1n }) // Result.fail("cannot be stored: .name: contains NUL")
 * ```
 */
export const of = <A>(schema: Schema.Codec<A, unknown>): ((value: A) => Result.Result<Kept<A>, string>) =>
  memoized(known, schema, () => make(schema))

const known = new WeakMap<object, unknown>()

const make = <A>(schema: Schema.Codec<A, unknown>): ((value: A) => Result.Result<Kept<A>, string>) => {
  const encode = encoder.make(schema)
  const decode = Schema.decodeUnknownResult(Schema.toCodecJson(schema))
  const changed = roundTrip.makeIfUnsure(schema)
  const read = (text: string) => Result.mapError(decode(JSON.parse(text)), failing("could not be read back"))
  return (value) =>
    Result.gen(function* () {
      const json = yield* Result.mapError(encode(value), failing("breaks its schema"))
      const copy = copyState(json)
      if (copy instanceof Problem) return yield* Result.fail(`cannot be stored: ${placed(copy)}`)
      const change = changed(value, copy)
      if (change !== undefined) return yield* Result.fail(`would be changed: ${bounded(change)}`)
      const kept = yield* read(JSON.stringify(copy))
      const again = yield* Result.mapError(encode(kept), failing("could not be written again"))
      return { json: again, value: kept }
    })
}

// A problem begins with the path to its place, which may be empty.
const placed = ({ text }: Problem): string => bounded(text.startsWith(":") ? `the value${text}` : text)

const failing = (what: string) => (error: Schema.SchemaError) => `${what}: ${bounded(error.message)}`
