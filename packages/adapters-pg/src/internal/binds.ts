import { PgTypes } from "@effect/sql-pg"
import { Result } from "effect"

/** An array as a bind; its type is named, since an empty one tells none. */
export const array = (values: ReadonlyArray<unknown>, oid: number): PgTypes.Parameter =>
  Result.getOrThrow(PgTypes.array(values, oid))
