import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"

/**
 * Encodes values of a schema to JSON. For the type checker a plain object with
 * the fields of a class is as good as an instance; a class schema encodes only
 * instances, so such an object is made one first.
 */
export const make = <A>(
  schema: Schema.Codec<A, unknown>
): ((value: A) => Result.Result<Schema.Json, Schema.SchemaError>) => {
  const encode = Schema.encodeResult(Schema.toCodecJson(schema))
  const instance = SchemaParser.makeOption(schema)
  return (value) => {
    const encoded = encode(value)
    if (Result.isSuccess(encoded)) return encoded
    const made = instance(value as never)
    return Option.isSome(made) ? encode(made.value) : encoded
  }
}
