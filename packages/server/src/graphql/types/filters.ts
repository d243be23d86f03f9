/** The filters and orders of a view: their types, and the JSON of queries that is made of them. */
import type { Query } from "@hexfold/core"
import type { Schema } from "effect"
import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLError,
  type GraphQLInputFieldConfig,
  GraphQLInputObjectType,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLNullableInputType
} from "graphql"
import {
  type Allowed,
  fieldsIn,
  type FilterField,
  type FilterGroup,
  type FilterLeaf,
  orderedIn
} from "./filterFields.ts"
import { distinct, type TypeNames } from "./names.ts"
import type { Outputs } from "./outputs.ts"
import { scalars } from "./scalars.ts"
import type { Shape } from "./shape.ts"

type Given = Readonly<Record<string, unknown>>
type Json = Schema.Json
type InputFields = Record<string, GraphQLInputFieldConfig>

/** What a query of a view can say in GraphQL. */
export interface Asking {
  /** The type of `where`, if there are fields to ask for. */
  readonly where: GraphQLInputObjectType | undefined
  /** The type of an order, if there are fields that order records. */
  readonly order: GraphQLInputObjectType | undefined
  /** The fields to ask for. */
  readonly fields: ReadonlyArray<FilterField>
  readonly filterOf: (where: unknown) => Json
  readonly orderOf: (orders: unknown) => Json
}

/** The types of filters, each with a name of its own. */
export class Filters {
  readonly #names: TypeNames
  readonly #outputs: Outputs

  constructor(names: TypeNames, outputs: Outputs) {
    this.#names = names
    this.#outputs = outputs
  }

  /** What queries of a view can say. */
  of(view: string, state: Shape, isAllowed: Allowed): Asking {
    const fields = fieldsIn(state, view, isAllowed)
    return {
      where: fields.length === 0 ? undefined : this.#root(view, fields),
      order: this.#order(view, fields),
      fields,
      filterOf: (where) => both(where as Given, fields),
      orderOf: (orders) => (orders as ReadonlyArray<Given>).map(orderJson)
    }
  }

  #root(view: string, fields: ReadonlyArray<FilterField>): GraphQLInputObjectType {
    const name = `${view}Filter`
    return this.#claim(name, `the filter of ${view}`, (): InputFields => {
      const self = this.#root(view, fields)
      const several = new GraphQLList(new GraphQLNonNull(self))
      return { ...this.#fields(fields), and: { type: several }, or: { type: several }, not: { type: self } }
    })
  }

  #fields(fields: ReadonlyArray<FilterField>): InputFields {
    return Object.fromEntries(
      fields.map((field) => [field.name, { type: field.kind === "leaf" ? this.#leaf(field) : this.#group(field) }])
    )
  }

  #group({ fields, isNullable, path, typeName }: FilterGroup): GraphQLInputObjectType {
    return this.#claim(`${typeName}Filter`, `the filter of ${path.join(".")} of ${typeName}`, () => ({
      ...this.#fields(fields),
      ...(isNullable ? { isNull: { type: GraphQLBoolean } } : {})
    }))
  }

  #leaf(field: FilterLeaf): GraphQLInputObjectType {
    const { isList, isOpaque, isOrdered, of } = field
    const type = typeof of === "string" ? scalars[of] : this.#outputs.enum(of)
    const several = { type: new GraphQLList(new GraphQLNonNull(type)) }
    const isNull = { type: GraphQLBoolean }
    if (isList) {
      return this.#claim(`${type.name}ListFilter`, `the filter of lists of ${type.name}`, () => ({
        includes: { type },
        overlaps: several,
        isNull
      }))
    }
    const equality = { eq: { type }, ne: { type }, in: several, isNull }
    // The order of a boolean or of an enum is that of its JSON, which says nothing in a range.
    const hasRange = isOrdered && typeof of === "string" && of !== "Boolean"
    if (!hasRange) {
      const isExact = isOpaque && of === "String"
      return this.#claim(`${isExact ? "Exact" : ""}${type.name}Filter`, `the filter of ${type.name}`, () => equality)
    }
    return this.#claim(`${type.name}Filter`, `the filter of ${type.name}`, () => ({
      ...equality,
      gt: { type },
      gte: { type },
      lt: { type },
      lte: { type },
      between: { type: this.#range(type) },
      ...(of === "String"
        ? { startsWith: { type }, contains: { type }, ignoreCase: { type: GraphQLBoolean, description: forTexts } }
        : {})
    }))
  }

  #range(type: GraphQLNullableInputType & { readonly name: string }): GraphQLInputObjectType {
    const end = { type: new GraphQLNonNull(type) }
    return this.#claim(`${type.name}Range`, `the range of ${type.name}`, () => ({ from: end, to: end }))
  }

  #order(view: string, fields: ReadonlyArray<FilterField>): GraphQLInputObjectType | undefined {
    const ordered = orderedIn(fields)
    if (ordered.length === 0) return undefined
    distinct(
      `the order of ${view}`,
      ordered,
      ({ name }) => name,
      ({ path }) => `the field ${path.join(".")}`
    )
    return this.#claim(`${view}Order`, `the order of ${view}`, () => ({
      field: { type: new GraphQLNonNull(this.fieldNames(view, ordered)) },
      direction: {
        type: new GraphQLNonNull(this.#fixed("Direction", { ASC: "asc", DESC: "desc" })),
        default: { value: "ASC" }
      },
      nulls: {
        type: this.#fixed("Nulls", { FIRST: "first", LAST: "last" }),
        description: "Where records without a value stand."
      },
      ignoreCase: { type: GraphQLBoolean }
    }))
  }

  /** The enum of some fields of a view. */
  fieldNames(view: string, ordered: ReturnType<typeof orderedIn>): GraphQLEnumType {
    const name = `${view}Field`
    return this.#names.claim(
      name,
      `the fields of ${view}`,
      `the fields of ${view}`,
      () =>
        new GraphQLEnumType({
          name,
          values: Object.fromEntries(ordered.map(({ name, path }) => [name, { value: path }]))
        })
    )
  }

  #fixed(name: string, values: Readonly<Record<string, string>>): GraphQLEnumType {
    return this.#names.claim(
      name,
      `${name} of orders`,
      name,
      () =>
        new GraphQLEnumType({
          name,
          values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]))
        })
    )
  }

  #claim(name: string, origin: string, fields: () => InputFields): GraphQLInputObjectType {
    return this.#names.claim(name, origin, origin, () => new GraphQLInputObjectType({ name, fields }))
  }
}

const forTexts = "For startsWith and contains: whether upper and lower case of a letter are equal."

const invalid = (detail: string): never => {
  throw new GraphQLError(`where: ${detail}`, { extensions: { code: "BAD_USER_INPUT" } })
}

const allOf = (filters: ReadonlyArray<Json>): Json => (filters.length === 1 ? filters[0]! : { _tag: "And", filters })

const not = (filter: Json): Json => ({ _tag: "Not", filter })

const both = (where: Given, fields: ReadonlyArray<FilterField>): Json =>
  allOf(
    Object.entries(where).map(([name, value]): Json => {
      if (value === null) return invalid(`${name} is null: leave it out, or ask with isNull`)
      switch (name) {
        case "and":
          return allOf((value as ReadonlyArray<Given>).map((each) => both(each, fields)))
        case "or":
          return { _tag: "Or", filters: (value as ReadonlyArray<Given>).map((each) => both(each, fields)) }
        case "not":
          return not(both(value as Given, fields))
        default:
          return fieldJson(
            fields.find((field) => field.name === name)!,
            value as Given
          )
      }
    })
  )

const fieldJson = (field: FilterField, given: Given): Json => {
  const entries = Object.entries(given)
  const absent = entries.find(([, value]) => value === null)
  if (absent !== undefined) return invalid(`${field.name}.${absent[0]} is null: ask with isNull`)
  if (entries.every(([name]) => name === "ignoreCase")) return invalid(`${field.name} has no comparison`)
  if (field.kind === "leaf") return allOf(entries.flatMap(([name, value]) => leafJson(field, name, value, given)))
  const { fields, path } = field
  return allOf(
    entries.map(([name, value]) =>
      name === "isNull"
        ? nullJson(path, value)
        : fieldJson(
            fields.find((each) => each.name === name)!,
            value as Given
          )
    )
  )
}

const nullJson = (path: Query.Path, value: unknown): Json =>
  value === true ? { _tag: "IsNull", path } : not({ _tag: "IsNull", path })

const leafJson = ({ path, values }: FilterLeaf, name: string, value: unknown, given: Given): ReadonlyArray<Json> => {
  const compare = (is: string, operand: unknown): Json => ({
    _tag: "Compare",
    path: values,
    is,
    value: operand as Json
  })
  switch (name) {
    case "eq":
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return [compare(name, value)]
    case "ne":
      return [not(compare("eq", value))]
    case "between": {
      const { from, to } = value as { readonly from: unknown; readonly to: unknown }
      return [compare("gte", from), compare("lte", to)]
    }
    case "in":
      return [{ _tag: "In", path: values, values: value as Json }]
    case "includes":
      return [{ _tag: "Overlaps", path: values, values: [value as Json] }]
    case "overlaps":
      return [{ _tag: "Overlaps", path: values, values: value as Json }]
    case "startsWith":
    case "contains":
      return [{ _tag: "Text", path: values, is: name, text: value as Json, ignoreCase: given["ignoreCase"] === true }]
    case "isNull":
      return [nullJson(path, value)]
    default:
      return []
  }
}

const orderJson = ({ direction, field, ignoreCase, nulls }: Given): Json => ({
  path: field as Json,
  direction: direction as Json,
  ...(nulls === undefined || nulls === null ? {} : { nulls: nulls as Json }),
  ...(ignoreCase === undefined || ignoreCase === null ? {} : { ignoreCase: ignoreCase as Json })
})
