/** Values of groups of records. What is selected says by which fields records are grouped, and what is computed. */
import type { Query } from "@hexfold/core"
import { Effect, type Schema } from "effect"
import { GraphQLInt, GraphQLList, GraphQLNonNull, type GraphQLNullableOutputType, GraphQLObjectType } from "graphql"
import type { Views } from "../serving/views.ts"
import type { Types } from "./building.ts"
import { selectedBelow } from "./documents/selection.ts"
import { required } from "./fixed.ts"
import type { KnownView } from "./knownViews.ts"
import { type Asked, withAnswer } from "./plans/answering.ts"
import { comparedIn, type ComparedField } from "./types/filterFields.ts"
import { nameOf } from "./types/names.ts"
import type { Fields } from "./types/outputs.ts"
import { SafeInt, scalars } from "./types/scalars.ts"
import { isGiven } from "./types/values.ts"

interface Arguments {
  readonly where?: unknown
  readonly first: number
}

/** A group as it is resolved: the values under the names of what is computed. */
interface Group {
  readonly by: Readonly<Record<string, Schema.Json>>
  readonly values: Query.GroupValues["values"]
}

const computed = ["sum", "avg", "min", "max"] as const

/** The query for groups of a view. */
export const groupsField = (
  { asking, defaultLimit, view: { name } }: KnownView,
  { names, outputs }: Types,
  views: Views
): Fields[string] => {
  const fields = new Map(comparedIn(asking.fields).map((field) => [field.name, field]))
  const typeOf = ({ of }: ComparedField): GraphQLNullableOutputType =>
    typeof of === "string" ? scalars[of] : outputs.enum(of)
  const numbers = [...fields.values()].filter(({ isNumber }) => isNumber)
  const ordered = [...fields.values()].filter(({ isOrdered }) => isOrdered)
  const group = `${nameOf(name)}Group`
  const part = (
    suffix: string,
    of: ReadonlyArray<ComparedField>,
    typeOfField: (field: ComparedField) => GraphQLNullableOutputType,
    value: (source: Group, field: string) => unknown
  ) => {
    const own = `${group}${suffix}`
    const origin = `${suffix} of the groups of ${name}`
    return names.claim(
      own,
      origin,
      origin,
      () =>
        new GraphQLObjectType<Group>({
          name: own,
          fields: Object.fromEntries(
            of.map((field) => [
              field.name,
              { type: typeOfField(field), resolve: (source: Group) => value(source, field.name) ?? null }
            ])
          )
        })
    )
  }
  const type = names.claim(group, `the groups of ${name}`, `the groups of ${name}`, () => {
    const whole = { resolve: (source: Group) => source }
    const valued = (is: (typeof computed)[number], of: ReadonlyArray<ComparedField>, isNumber: boolean) =>
      of.length === 0
        ? {}
        : {
            [is]: {
              ...required(
                part(
                  `${is.charAt(0).toUpperCase()}${is.slice(1)}`,
                  of,
                  isNumber ? () => scalars.Number : typeOf,
                  ({ values }, field) => (isNumber ? numberOf(values[`${is} ${field}`]) : values[`${is} ${field}`])
                )
              ),
              ...whole
            }
          }
    return new GraphQLObjectType<Group>({
      name: group,
      fields: {
        by: { ...required(part("By", [...fields.values()], typeOf, ({ by }, field) => by[field])), ...whole },
        count: { ...required(SafeInt), resolve: ({ values }) => values["count"] },
        ...valued("sum", numbers, true),
        ...valued("avg", numbers, true),
        ...valued("min", ordered, false),
        ...valued("max", ordered, false)
      }
    })
  })
  const config = {
    type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type))),
    description:
      "Values of groups of records: those that have the same values in the fields of `by` that are selected.",
    args: {
      ...(asking.where === undefined ? {} : { where: { type: asking.where } }),
      first: { type: new GraphQLNonNull(GraphQLInt), default: { value: defaultLimit } }
    }
  }
  return withAnswer(config, (given, { caller }, asked) => {
    const { first, where } = given as Arguments
    const { by, values } = selectedOf(fields, asked)
    const query = {
      _tag: "Groups",
      view: name,
      ...(isGiven(where) ? { where: asking.filterOf(where) } : {}),
      by: by.map(({ path }) => path),
      values,
      limit: first
    }
    return Effect.map(views.groups({ caller, view: name, query }), (found) =>
      found.map((each): Group => ({
        by: Object.fromEntries(by.map((field, i) => [field.name, each.by[i]!])),
        values: each.values
      }))
    )
  })
}

// What the operation selects: fields to group by, and values with names that say what they are.
const selectedOf = (fields: ReadonlyMap<string, ComparedField>, info: Asked) => {
  const selected = selectedBelow(info.fieldNodes, info)
  const below = (name: string) =>
    [...selectedBelow(selected.get(name) ?? [], info).keys()].flatMap((each) => {
      const field = fields.get(each)
      return field === undefined ? [] : [field]
    })
  const values: Record<string, unknown> = { count: { _tag: "count" } }
  for (const is of computed) {
    for (const field of below(is)) values[`${is} ${field.name}`] = { _tag: is, path: field.path }
  }
  return { by: below("by"), values }
}

// A sum is exact as a text. As a number of JSON it is the nearest one.
const numberOf = (text: Schema.Json | undefined): unknown => {
  const value = typeof text === "string" ? Number(text) : text
  return typeof value === "number" && !Number.isFinite(value) ? text : value
}
