/** The way of a value through a store. */
import { ValueCodec } from "@hexfold/core/adapter"
import { Result, type Schema } from "effect"

/** Why a value does not survive the way through a store. */
export interface Lost {
  readonly detail: string
}

/** A value on its way through a store: as it is given back, and with its keys in another order. */
export interface Journey<A> {
  /** The JSON of a value, its keys in one order. */
  readonly json: (value: A) => string
  readonly back: (value: A) => Result.Result<A, Lost>
  /** The same, with the keys of its JSON in the opposite order. */
  readonly reordered: (value: A) => Result.Result<A, Lost>
}

/** The way of the values of a schema through a store. */
export const journeyOf = <A>(schema: Schema.Codec<A, unknown>): Journey<A> => {
  const { changed, decode, encode } = ValueCodec.of(schema)
  const through = (value: A, read: (text: string) => unknown): Result.Result<A, Lost> => {
    const encoded = encode(value)
    if (Result.isFailure(encoded)) return Result.fail({ detail: `it cannot be written: ${encoded.failure.message}` })
    const lost = changed(value, encoded.success)
    if (lost !== undefined) return Result.fail({ detail: lost })
    const back = decode(read(JSON.stringify(encoded.success)))
    return Result.mapError(back, ({ message }) => ({ detail: `it cannot be read back: ${message}` }))
  }
  return {
    json: (value) => JSON.stringify(sorted(Result.getOrThrow(encode(value)))),
    back: (value) => through(value, JSON.parse),
    reordered: (value) => through(value, (text) => withKeys(JSON.parse(text), (keys) => keys.reverse()))
  }
}

const sorted = (json: unknown): unknown => withKeys(json, (keys) => keys.sort())

const withKeys = (json: unknown, order: (keys: Array<string>) => Array<string>): unknown => {
  if (typeof json !== "object" || json === null) return json
  if (Array.isArray(json)) return json.map((each) => withKeys(each, order))
  const members = json as Readonly<Record<string, unknown>>
  return Object.fromEntries(order(Object.keys(members)).map((key) => [key, withKeys(members[key], order)]))
}
