/** The way of a value through a store: what a store keeps of it, and what is read back. */
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as encoder from "../../internal/encoder.ts"
import { memoized } from "../../internal/memoized.ts"
import * as roundTrip from "./roundTrip.ts"

/** Encodes and decodes the values of one schema. */
export interface ValueCodec<A> {
  /** The JSON of a value. A plain object with the fields of a class is as good as an instance. */
  readonly encode: (value: A) => Result.Result<Schema.Json, Schema.SchemaError>
  readonly decode: (json: unknown) => Result.Result<A, Schema.SchemaError>
  /** The place and the kinds of the first difference between a value and what its JSON is read back as, or undefined. */
  readonly changed: (value: A, json: Schema.Json) => string | undefined
}

/**
 * The codec of a schema.
 *
 * @example
 * ```ts
 * import { ValueCodec } from "@hexfold/core/adapter"
 * import { Schema } from "effect"
 *
 * const codec = ValueCodec.of(Schema.Struct({ at: Schema.DateTimeUtcFromString }))
 * ```
 */
export const of = <A>(schema: Schema.Codec<A, unknown>): ValueCodec<A> =>
  memoized(codecs, schema, () => ({
    encode: encoder.make(schema),
    decode: Schema.decodeUnknownResult(Schema.toCodecJson(schema)),
    changed: roundTrip.make(schema)
  }))

// Compiling a schema takes milliseconds, so it happens once for each schema.
const codecs = new WeakMap<object, unknown>()
