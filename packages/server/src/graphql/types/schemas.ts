/** What the AST of a schema says of its JSON. */
import { DateTime, Result, Schema, SchemaAST } from "effect"
import type { ScalarName } from "./shape.ts"

/** A schema whose types are not known. */
export type AnySchema = Schema.Codec<unknown, unknown>

/** What a declared type is. Effect does not document these names, so a test holds each that is used here. */
export const representationOf = (ast: SchemaAST.AST): string | undefined => {
  const { representation } = (ast.annotations ?? {}) as { readonly representation?: { readonly id?: unknown } }
  return typeof representation?.id === "string" ? representation.id : undefined
}

/** The declared types of moments. */
export const times = new Set(["effect/schema/DateTimeUtc", "effect/schema/Date"])

/** What a schema writes. */
export const writtenOf = (ast: SchemaAST.AST): SchemaAST.AST => {
  let written = ast
  while (written.encoding !== undefined) written = written.encoding[0]!.to
  return written
}

/** As `writtenOf`, but with what the last step says of the key. */
export const lastOf = (ast: SchemaAST.AST): SchemaAST.AST => {
  let written = ast
  while (written.encoding !== undefined) written = written.encoding.at(-1)!.to
  return written
}

/** Whether times are written as ISO 8601 in UTC, whose order as texts is that of the times. */
export const isIso = (ast: SchemaAST.AST): boolean => {
  const encode = Schema.encodeUnknownResult(Schema.make<AnySchema>(ast))
  const moment = DateTime.makeUnsafe(1_738_368_000_123)
  const text = DateTime.formatIso(moment)
  return [moment, DateTime.toDateUtc(moment)].some((each) => {
    const written = encode(each)
    return Result.isSuccess(written) && written.success === text
  })
}

/** The scalar of a number. */
export const numberOf = (ast: SchemaAST.AST): ScalarName => {
  const checks = checksOf(ast.checks)
  if (!checks.some(({ id }) => id === "effect/schema/isInt")) return "Float"
  const bounds = checks.map(({ payload }) => payload as Readonly<Record<string, unknown>> | null)
  const least = bounds.some((each) => isWithin(each?.["minimum"]) || isWithin(each?.["exclusiveMinimum"]))
  const most = bounds.some((each) => isWithin(each?.["maximum"]) || isWithin(each?.["exclusiveMaximum"]))
  return least && most ? "Int" : "SafeInt"
}

const isWithin = (bound: unknown): boolean =>
  typeof bound === "number" && bound >= -2_147_483_648 && bound <= 2_147_483_647

const checksOf = (
  checks: SchemaAST.Checks | undefined
): ReadonlyArray<{ readonly id: unknown; readonly payload: unknown }> =>
  (checks ?? []).flatMap((check) => {
    const { representation } = (check.annotations ?? {}) as {
      readonly representation?: { readonly id?: unknown; readonly payload?: unknown }
    }
    const own = representation === undefined ? [] : [{ id: representation.id, payload: representation.payload }]
    return check._tag === "FilterGroup" ? [...own, ...checksOf(check.checks)] : own
  })

/** Whether a schema writes null. */
export const isNothing = (ast: SchemaAST.AST): boolean => {
  const written = writtenOf(ast)
  return SchemaAST.isNull(written) || SchemaAST.isUndefined(written)
}

/** The members of a union. A union in a union has no meaning of its own, unless it has a name. */
export const membersOf = ({ types }: SchemaAST.Union): ReadonlyArray<SchemaAST.AST> =>
  types.flatMap((each) => (SchemaAST.isUnion(each) && each.encoding === undefined ? membersOf(each) : [each]))

/** Whether a schema writes a single value. */
export const isSimple = (ast: SchemaAST.AST): boolean => {
  const written = writtenOf(ast)
  return !SchemaAST.isObjects(written) && !SchemaAST.isArrays(written) && !SchemaAST.isUnion(written)
}

/** The text that the objects of a schema always have under a key. */
export const constantAt = (ast: SchemaAST.AST, key: string): string | undefined => {
  const written = writtenOf(ast)
  if (!SchemaAST.isObjects(written) || written.indexSignatures.length > 0) return undefined
  const type = written.propertySignatures.find(({ name }) => name === key)?.type
  if (type === undefined || SchemaAST.isOptional(lastOf(type))) return undefined
  const value = writtenOf(type)
  return SchemaAST.isLiteral(value) && typeof value.literal === "string" ? value.literal : undefined
}

/** The key whose text tells the objects of a union apart. */
export const discriminatorOf = (members: ReadonlyArray<SchemaAST.AST>): string | undefined => {
  const first = writtenOf(members[0]!)
  if (!SchemaAST.isObjects(first)) return undefined
  const keys = first.propertySignatures.flatMap(({ name }) => (typeof name === "string" ? [name] : []))
  return keys
    .toSorted((a, b) => Number(b === "_tag") - Number(a === "_tag"))
    .find((key) => {
      const values = members.map((member) => constantAt(member, key))
      return values.every((each) => each !== undefined) && new Set(values).size === values.length
    })
}

/** What the schema makes of a missing key, as JSON. */
export const defaultOf = (ast: SchemaAST.AST): Schema.Json | undefined => {
  const one = Schema.Struct({ field: Schema.make<AnySchema>(ast) })
  const decoded = Schema.decodeUnknownResult(one)({})
  if (Result.isFailure(decoded)) return undefined
  const written = Schema.encodeUnknownResult(one)(decoded.success)
  return Result.isSuccess(written) ? (written.success as { readonly field?: Schema.Json }).field : undefined
}
