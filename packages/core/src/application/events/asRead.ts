import * as DateTime from "effect/DateTime"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { isClass } from "../../domain/json/jsonMeaning.ts"
import { passes } from "../../internal/passes.ts"

/**
 * Whether a value that was not read is surely what a store would give back: its schema accepts it, and nothing in it would
 * be left out or replaced. Only for a schema that keeps every value. If it is not sure, the answer is no. One walk takes a
 * fraction of the time of encoding and decoding the value.
 */
export const make = (schema: Schema.Codec<unknown, unknown>): ((value: unknown) => boolean) => {
  const ast = SchemaAST.toType(schema.ast)
  if (SchemaAST.isObjects(ast)) return isAt(ast)
  const [fields] = SchemaAST.isDeclaration(ast) && isClass(ast) ? ast.typeParameters : []
  if (fields === undefined || !SchemaAST.isObjects(fields) || !("prototype" in schema)) return never
  // A class is the schema of its instances, and takes each of them. One whose fields were changed may be wrong.
  return withChecks(ast, withChecks(fields, haveFields(fields, schema.prototype)))
}

type Is = (value: unknown) => boolean

const never: Is = () => false
const isText: Is = (value) => typeof value === "string"

const withChecks = (ast: SchemaAST.AST, is: Is): Is => {
  const { checks } = ast
  return checks === undefined ? is : (value) => is(value) && passes(checks, value as never, ast)
}

const isAt = (ast: SchemaAST.AST): Is => withChecks(ast, typeOf(ast))

const typeOf = (ast: SchemaAST.AST): Is => {
  switch (ast._tag) {
    case "String":
      return isText
    case "Boolean":
      return (value) => typeof value === "boolean"
    case "BigInt":
      return (value) => typeof value === "bigint"
    case "Null":
      return (value) => value === null
    // JSON has no -0.
    case "Number":
      return (value) => typeof value === "number" && (value !== 0 || !Object.is(value, -0))
    case "Literal":
      return (value) => value === ast.literal && (value !== 0 || !Object.is(value, -0))
    case "Objects":
      return haveFields(ast, Object.prototype)
    case "Arrays":
      return haveElements(ast)
    // Of several objects, the first that takes a value need not be the one that was meant.
    case "Union":
      return unionOf(ast.types)
    case "Declaration":
      return isClass(ast) ? never : timeOf(ast)
    default:
      return never
  }
}

const leaves: ReadonlySet<SchemaAST.AST["_tag"]> = new Set(["String", "Boolean", "BigInt", "Null", "Number", "Literal"])

const unionOf = (types: ReadonlyArray<SchemaAST.AST>): Is => {
  if (!types.every(({ _tag }) => leaves.has(_tag))) return never
  const literals = new Set<unknown>(types.flatMap((ast) => (isPlainLiteral(ast) ? [ast.literal] : [])))
  const others = types.filter((ast) => !isPlainLiteral(ast)).map(isAt)
  return (value) => {
    if (literals.has(value)) return true
    for (const is of others) if (is(value)) return true
    return false
  }
}

const isPlainLiteral = (ast: SchemaAST.AST): ast is SchemaAST.Literal =>
  SchemaAST.isLiteral(ast) && ast.checks === undefined && ast.literal !== 0

// Of the types of Effect, the one that events mostly have. The text of a time has milliseconds.
const timeOf = ({ annotations }: SchemaAST.AST): Is => {
  const { representation } = (annotations ?? {}) as { readonly representation?: { readonly id?: unknown } }
  return representation?.id === "effect/schema/DateTimeUtc"
    ? (value) => DateTime.isDateTime(value) && value._tag === "Utc" && Number.isInteger(value.epochMilliseconds)
    : never
}

// A member that is undefined would be left out, and so would one that is not declared.
const haveFields = ({ indexSignatures, propertySignatures }: SchemaAST.Objects, prototype: unknown): Is => {
  if (indexSignatures.length > 0) return never
  const members: Array<{ readonly name: string; readonly isOptional: boolean; readonly is: Is }> = []
  for (const { name, type } of propertySignatures) {
    if (typeof name !== "string" || name === "__proto__") return never
    members.push({ name, isOptional: type.context?.isOptional === true, is: isAt(type) })
  }
  return (value) => {
    if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== prototype) return false
    let left = Object.keys(value).length
    for (const { is, isOptional, name } of members) {
      const member: unknown = value[name as never]
      if (member === undefined && isOptional) continue
      if (!is(member)) return false
      left--
    }
    return left === 0
  }
}

const haveElements = ({ elements, rest }: SchemaAST.Arrays): Is => {
  const [each, another] = rest.map(isAt)
  if (elements.length > 0 || each === undefined || another !== undefined) return never
  return (value) => {
    if (!Array.isArray(value)) return false
    for (let i = 0; i < value.length; i++) if (!each(value[i])) return false
    return true
  }
}
