import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"

/**
 * Encodes values of a schema to JSON. For the type checker a plain object with
 * the fields of a class is as good as an instance, but a class schema encodes
 * only instances. So the encoder makes an instance of a plain object first. If
 * that fails, the failure has the path to what is wrong.
 */
export const make = <A>(
  schema: Schema.Codec<A, unknown>
): ((value: A) => Result.Result<Schema.Json, Schema.SchemaError>) => {
  const encode = Schema.encodeResult(Schema.toCodecJson(schema))
  const made = instance(schema)
  return (value) => {
    const encoded = encode(value)
    if (Result.isSuccess(encoded)) return encoded
    const other = made(value)
    return other === undefined ? encoded : Result.flatMap(other, encode)
  }
}

/** Makes the instances that a value has to have where it has plain objects; undefined if that dies. */
export const instance = <A>(
  schema: Schema.Codec<A, unknown>
): ((value: A) => Result.Result<A, Schema.SchemaError> | undefined) => {
  const make = SchemaParser.makeEffect(schema)
  return (value) => {
    const made = Effect.runSyncExit(make(value as never, { parseOptions: { errors: "all" } }))
    if (Exit.isSuccess(made)) return Result.succeed(made.value)
    const reason = made.cause.reasons[0]
    return reason?._tag === "Fail" ? Result.fail(new Schema.SchemaError(reason.error)) : undefined
  }
}
