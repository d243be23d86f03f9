import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { bounded } from "../../../domain/texts.ts"
import * as encoder from "../../../internal/encoder.ts"
import * as roundTrip from "../../events/roundTrip.ts"
import type { Snapshotted } from "./snapshotting.ts"

/** Turns the states of an aggregate into JSON and back. A failure says what is wrong. */
export interface States {
  /** The JSON of a state. A state that would be read back as another one has none. */
  readonly encode: (state: unknown) => Result.Result<Schema.Json, string>
  readonly decode: (json: Schema.Json) => Result.Result<unknown, string>
}

/** The codec of an aggregate's states. */
export const statesOf = ({ schemas: { state: schema } }: Snapshotted): States => {
  const encode = encoder.make(schema)
  const decode = Schema.decodeUnknownResult(Schema.toCodecJson(schema))
  const changed = roundTrip.makeIfUnsure(schema)
  return {
    encode: (state) =>
      Result.flatMap(Result.mapError(encode(state), failing("breaks its schema")), (json) => {
        const change = changed(state, json)
        return change === undefined ? Result.succeed(json) : Result.fail(`would be changed: ${bounded(change)}`)
      }),
    decode: (json) => Result.mapError(decode(json), failing("cannot be decoded"))
  }
}

const failing = (what: string) => (error: Schema.SchemaError) => `${what}: ${bounded(error.message)}`
