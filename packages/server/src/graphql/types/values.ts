/** Values of GraphQL as the JSON that the domain's schemas read, and that JSON as values of GraphQL. */
import type { Schema } from "effect"
import { GraphQLError } from "graphql"
import { type FieldShape, isTag, type Shape, type Slot, type StructShape } from "./shape.ts"

type Fields = Readonly<Record<string, unknown>>

/** An entry of a record. */
export interface Entry {
  readonly key: string
  readonly value: unknown
}

/** Whether a client has given a value: it may leave one out, or send null. */
export const isGiven = <A>(value: A | null | undefined): value is A => value !== undefined && value !== null

/** The JSON at a place as a value that the types of GraphQL resolve. Null stands for nothing. */
export const shown = ({ none, shape }: Slot, json: unknown): unknown => {
  if (json === undefined || json === null) return null
  if (none !== "option") return shownOf(shape, json)
  const { _tag, value } = json as { readonly _tag: string; readonly value?: unknown }
  return _tag === "Some" ? shownOf(shape, value) : null
}

const shownOf = (shape: Shape, json: unknown): unknown => {
  switch (shape.kind) {
    case "list":
      return (json as ReadonlyArray<unknown>).map((each) => shown(shape.of, each))
    case "record":
      return Object.entries(json as Fields).map(([key, value]): Entry => ({ key, value: shown(shape.of, value) }))
    default:
      return json
  }
}

/** The value of a field. A key that is missing has its default. */
export const shownField = (field: FieldShape, object: unknown): unknown => {
  const members = object as Fields
  return shown(field, Object.hasOwn(members, field.key) ? members[field.key] : field.default)
}

/** The JSON of what was sent for a place. */
export const received = ({ none, shape }: Slot, value: unknown): unknown => {
  if (value === undefined || value === null) return none === "option" ? { _tag: "None" } : null
  const json = receivedOf(shape, value)
  return none === "option" ? { _tag: "Some", value: json } : json
}

const receivedOf = (shape: Shape, value: unknown): unknown => {
  switch (shape.kind) {
    case "list":
      return (value as ReadonlyArray<unknown>).map((each) => received(shape.of, each))
    case "record":
      return recordOf(value as ReadonlyArray<Entry>, shape.of)
    case "struct":
      return structOf(shape, value as Fields)
    case "union": {
      const [name, inner] = Object.entries(value as Fields)[0]!
      const member = shape.members.find((each) => each.name === name)!
      return structOf(member.struct, inner as Fields)
    }
    default:
      return value
  }
}

const recordOf = (entries: ReadonlyArray<Entry>, of: Slot): Fields => {
  const keys = entries.map(({ key }) => key)
  const twice = keys.find((key, i) => keys.indexOf(key) !== i)
  if (twice !== undefined) {
    throw new GraphQLError(`the key ${JSON.stringify(twice)} is given twice`, {
      extensions: { code: "BAD_USER_INPUT" }
    })
  }
  return Object.fromEntries(entries.map(({ key, value }) => [key, received(of, value)]))
}

/** The JSON of an object that was sent. */
export const structOf = (struct: StructShape, given: Fields): Fields =>
  Object.fromEntries(
    struct.fields.flatMap((field): ReadonlyArray<readonly [string, unknown]> => {
      if (isConstant(field)) return [[field.key, constantOf(field)]]
      const value = given[field.name]
      // Null for what cannot be null, but may be missing, counts as left out.
      const isLeftOut = value === undefined || (value === null && field.none === "never")
      return isLeftOut && field.isOptional ? [] : [[field.key, received(field, value)]]
    })
  )

/** Whether a field always has one value, so that nobody needs to send it. */
const isConstant = (field: FieldShape): boolean =>
  field.shape.kind === "constant" && field.none === "never" && !field.isOptional

const constantOf = ({ shape }: FieldShape): Schema.Json | undefined =>
  shape.kind === "constant" ? shape.value : undefined

/** The fields of an object that somebody sends. */
export const sentFields = ({ fields }: StructShape): ReadonlyArray<FieldShape> =>
  fields.filter((field) => !isConstant(field) && !isTag(field))
