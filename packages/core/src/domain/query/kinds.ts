/** What the fields of a state hold, and how their JSON stands for it. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { compareValues, isScalar } from "./evaluation.ts"

/** The kinds of a field's values and of their JSON. */
export interface Kinds {
  readonly values: ReadonlySet<Kind>
  readonly json: ReadonlySet<Kind>
}

type Kind = "string" | "number" | "boolean" | "bigint" | "time" | "null" | "array" | "object" | "any" | "opaque"

const times: Readonly<Record<string, unknown>> = { "effect/schema/Date": 1, "effect/schema/DateTimeUtc": 1 }

const idOf = (ast: SchemaAST.AST): string | undefined => {
  const representation = ast.annotations?.["representation"]
  const id = representation === undefined ? undefined : (representation as { readonly id?: unknown }).id
  return typeof id === "string" ? id : undefined
}

/** Whether the JSON of a schema is `{ _tag: "None" }` or `{ _tag: "Some", value }`. */
export const isOption = (ast: SchemaAST.AST): ast is SchemaAST.Declaration =>
  SchemaAST.isDeclaration(ast) && ast.encoding === undefined && idOf(ast) === "effect/schema/Option"

const kindsIn = (ast: SchemaAST.AST, next: (ast: SchemaAST.AST) => SchemaAST.AST, depth = 0): ReadonlyArray<Kind> => {
  const at = next(ast)
  switch (at._tag) {
    case "String":
    case "TemplateLiteral":
      return ["string"]
    case "Number":
      return ["number"]
    case "Boolean":
      return ["boolean"]
    case "BigInt":
      return ["bigint"]
    case "Null":
      return ["null"]
    case "Undefined":
    case "Void":
    case "Never":
      return []
    case "Literal":
      return [typeof at.literal as Kind]
    case "Enum":
      return at.enums.map(([, value]) => typeof value as Kind)
    case "Arrays":
      return ["array"]
    case "Objects":
      return ["object"]
    case "Union":
      return at.types.flatMap((type) => kindsIn(type, next, depth))
    case "Suspend":
      return depth === mostSuspended ? ["opaque"] : kindsIn(at.thunk(), next, depth + 1)
    case "Declaration":
      if (at === Schema.Json.ast) return ["any"]
      return times[idOf(at) ?? ""] === undefined ? ["opaque"] : ["time"]
    case "Any":
    case "Unknown":
      return ["any"]
    default:
      return ["opaque"]
  }
}

const mostSuspended = 10

/** What a schema writes as JSON. */
export const jsonOf = (ast: SchemaAST.AST): SchemaAST.AST => {
  let json = Schema.toCodecJson(Schema.make<Schema.Codec<unknown, unknown>>(ast)).ast
  while (json.encoding !== undefined) json = json.encoding[0]!.to
  return json
}

const known = new WeakMap<SchemaAST.AST, Kinds>()

/** The kinds of a field with this schema. */
export const kindsOf = (ast: SchemaAST.AST): Kinds => {
  const before = known.get(ast)
  if (before !== undefined) return before
  const kinds = {
    values: new Set(kindsIn(ast, (each) => each)),
    json: new Set(kindsIn(ast, jsonOf))
  }
  known.set(ast, kinds)
  return kinds
}

/** Whether the field has numbers of which JSON writes some as texts: those that JSON does not have. */
export const hasNamedNumbers = (asts: ReadonlyArray<SchemaAST.AST>): boolean =>
  asts.some((ast) => {
    const { json, values } = kindsOf(ast)
    return values.has("number") && !values.has("string") && json.has("number") && json.has("string")
  })

const moments = [-62_135_596_800_000, -1, 0, 86_400_000, 951_782_400_000, 1_738_368_000_000, 253_402_300_799_000]

const ordered = new WeakMap<SchemaAST.AST, string | undefined>()

/** Why the order of a field's JSON is not the order of its values, in words, or `undefined` if it is. */
export const disorderOf = (ast: SchemaAST.AST): string | undefined => {
  if (!ordered.has(ast)) ordered.set(ast, judged(ast))
  return ordered.get(ast)
}

const judged = (ast: SchemaAST.AST): string | undefined => {
  const { json, values } = kindsOf(ast)
  if (values.has("bigint")) return "the whole numbers of $ are written as text, which has another order"
  if (values.has("number") && !json.has("number")) {
    return "the numbers of $ are written as text, which has another order"
  }
  if (values.has("number") && disorder(ast, [-1e21, -2.5, -1, 0, 1, 9, 10, 1e21])) {
    return "the numbers of $ are written in another order"
  }
  const isOfTime = values.has("time")
  const asTimes = moments.map((moment) => DateTime.makeUnsafe(moment))
  return isOfTime && (disorder(ast, asTimes.map(DateTime.toDateUtc)) || disorder(ast, asTimes))
    ? "the times of $ are written in another order"
    : undefined
}

// What the schema refuses says nothing about the order.
const disorder = (ast: SchemaAST.AST, ascending: ReadonlyArray<unknown>): boolean => {
  const encode = Schema.encodeUnknownOption(Schema.toCodecJson(Schema.make<Schema.Codec<unknown, unknown>>(ast)))
  const written = ascending.flatMap((value) => {
    const json = Option.getOrUndefined(encode(value)) as Schema.Json | undefined
    return isScalar(json) ? [json] : []
  })
  return written.some((value, i) => i > 0 && compareValues(written[i - 1]!, value) > 0)
}
