import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

/** An array as a bind. It names its type, because an empty array does not show one. */
export const array = (values: ReadonlyArray<unknown>, oid: number): PgTypes.Parameter =>
  Result.getOrThrow(PgTypes.array(values, oid))

/** An array of texts. */
export const texts = (values: ReadonlyArray<string>): PgTypes.Parameter => array(values, PgTypes.OID.text)

/** An array of numbers as `bigint`s of the server. */
export const bigints = (values: ReadonlyArray<bigint | null>): PgTypes.Parameter => array(values, PgTypes.OID.int8)

const { float8, int4, int8, jsonb } = PgTypes

/** A number as a `bigint` of the server, or null. */
export const bigint = (value: number | undefined): PgTypes.Parameter => int8(value === undefined ? null : BigInt(value))

export { float8, int4, jsonb }

/** Whether a text can be stored. Valid names are always storable text. A caller without a compiler may give any value. */
export const isText = (text: string): boolean => typeof text === "string" && text.isWellFormed() && !text.includes("\0")
