/** The scalars of a schema, and the types that every schema has. Values are the JSON that the domain's schemas write. */
import { DateTime, Option } from "effect"
import {
  GraphQLBoolean,
  GraphQLError,
  GraphQLFloat,
  GraphQLInt,
  GraphQLScalarType,
  GraphQLString,
  Kind,
  valueFromASTUntyped
} from "graphql"
import type { ScalarName } from "./shape.ts"

const refused = (name: string, wanted: string): never => {
  throw new GraphQLError(`${name} takes ${wanted}`)
}

// A value that is written in the document itself.
const scalar = (name: string, description: string, wanted: string, read: (value: unknown) => unknown) =>
  new GraphQLScalarType({
    name,
    description,
    coerceOutputValue: (value) => value,
    coerceInputValue: (value) => read(value) ?? refused(name, wanted),
    coerceInputLiteral: (node) =>
      read(node.kind === Kind.INT && name === "BigInt" ? node.value : valueFromASTUntyped(node)) ??
      refused(name, wanted)
  })

/** Whole numbers that JSON writes exactly. */
export const SafeInt = scalar(
  "SafeInt",
  "A whole number from -9007199254740991 to 9007199254740991.",
  "a whole number of at most 53 bits",
  (value) => (Number.isSafeInteger(value) ? value : undefined)
)

const named = new Set(["NaN", "Infinity", "-Infinity"])

/** Numbers, with those that JSON has no way to write. */
const AnyNumber = scalar(
  "Number",
  'A number. Those that JSON does not have are the texts "NaN", "Infinity" and "-Infinity".',
  'a number, or "NaN", "Infinity" or "-Infinity"',
  (value) =>
    (typeof value === "number" && Number.isFinite(value)) || (typeof value === "string" && named.has(value))
      ? value
      : undefined
)

const BigIntText = scalar("BigInt", "A whole number of any size, as a text.", "a whole number, as a text", (value) =>
  typeof value === "string" && /^-?\d+$/.test(value) ? value : Number.isSafeInteger(value) ? String(value) : undefined
)

const Moment = scalar(
  "DateTime",
  "A moment in ISO 8601. It may be sent with any offset, and is answered in UTC.",
  "a moment in ISO 8601, such as 2026-01-31T10:00:00+01:00",
  (value) =>
    typeof value === "string" ? Option.getOrUndefined(Option.map(DateTime.make(value), DateTime.formatIso)) : undefined
)

/** Any JSON, for what GraphQL has no type for. */
export const AnyJson = new GraphQLScalarType({
  name: "JSON",
  description: "Any JSON.",
  coerceOutputValue: (value) => value,
  coerceInputValue: (value) => value,
  coerceInputLiteral: (node) => valueFromASTUntyped(node)
})

/** The scalars, by name. */
export const scalars: Readonly<Record<ScalarName, GraphQLScalarType>> = {
  String: GraphQLString,
  SafeInt,
  Int: GraphQLInt,
  Float: GraphQLFloat,
  Number: AnyNumber,
  Boolean: GraphQLBoolean,
  BigInt: BigIntText,
  DateTime: Moment
}
