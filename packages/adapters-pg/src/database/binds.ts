import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

/** An array as a bind; its type is named, since an empty one tells none. */
export const array = (values: ReadonlyArray<unknown>, oid: number): PgTypes.Parameter =>
  Result.getOrThrow(PgTypes.array(values, oid))

/** An array of texts. */
export const texts = (values: ReadonlyArray<string>): PgTypes.Parameter => array(values, PgTypes.OID.text)

const { float8, int4, int8, jsonb } = PgTypes

/** A number that the server has as `bigint`, or null. */
export const bigint = (value: number | undefined): PgTypes.Parameter => int8(value === undefined ? null : BigInt(value))

export { float8, int4, jsonb }

/** Whether a text can be stored: nothing that is has another name. */
export const isText = (text: string): boolean => text.isWellFormed() && !text.includes("\0")
