import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  execute,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLNullableOutputType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLUnionType,
  parse,
  type OperationDefinitionNode
} from "graphql"
// oxlint-disable-next-line no-restricted-imports -- how a value is copied shows from inside alone: an API gives no wrong ones
import { operationOf } from "../../src/graphql/context.ts"
// oxlint-disable-next-line no-restricted-imports -- as above
import { withAnswer } from "../../src/graphql/plans/answering.ts"
// oxlint-disable-next-line no-restricted-imports -- as above
import { plansOf } from "../../src/graphql/plans/plan.ts"

const Named = new GraphQLInterfaceType({ name: "Named", fields: { a: { type: GraphQLInt } } })
const Thing = new GraphQLObjectType<{ readonly kind?: unknown }>({
  name: "Thing",
  interfaces: [Named],
  isTypeOf: (value) => value.kind !== "Foreign",
  fields: {
    a: { type: GraphQLInt },
    must: { type: new GraphQLNonNull(GraphQLInt) },
    throws: {
      type: GraphQLInt,
      resolve: () => {
        throw new Error("it throws")
      }
    }
  }
})
const Other = new GraphQLObjectType({ name: "Other", isTypeOf: () => false, fields: { b: { type: GraphQLInt } } })
// A scalar that has no value for zero.
const Positive = new GraphQLScalarType({ name: "Positive", coerceOutputValue: (value) => (value === 0 ? null : value) })
const ByName = new GraphQLUnionType({
  name: "ByName",
  types: [Thing],
  resolveType: (value) => (value as { readonly kind?: string }).kind
})
const ByType = new GraphQLUnionType({ name: "ByType", types: [Other, Thing] })

const values: ReadonlyArray<unknown> = [
  undefined,
  null,
  0,
  1.5,
  "text",
  true,
  [],
  [1, null],
  [undefined],
  new Error("an error"),
  [new Error("an error")],
  {},
  { a: 1 },
  { a: null, must: null },
  { a: 1, must: 2, kind: "Thing" },
  { a: 1, must: 2, kind: "Nothing" },
  { a: 1, must: 2, kind: 5 },
  { a: 1, must: 2, kind: "Foreign" },
  { a: "text", must: 2, kind: "Thing" },
  [{ a: 1, must: 2, kind: "Thing" }, null],
  [{ a: 1, kind: "Thing" }],
  Object.assign(new Error("an error"), { a: 1, must: 2, kind: "Thing" })
]

const members = "{ a must }"
const types: ReadonlyArray<readonly [GraphQLNullableOutputType, selection: string]> = [
  [GraphQLInt, ""],
  [Positive, ""],
  [Thing, members],
  [Thing, "{ a throws }"],
  [ByName, `{ __typename ... on Thing ${members} }`],
  [ByType, `{ __typename ... on Thing ${members} ... on Named { first: a } }`],
  [Named, "{ a ... on Thing { must } }"]
]

const wrapped = (type: GraphQLNullableOutputType): ReadonlyArray<GraphQLOutputType> => [
  type,
  new GraphQLNonNull(type),
  new GraphQLList(type),
  new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)))
]

describe("what is selected of a value", () => {
  it.effect("is copied as graphql copies it, or not at all", () =>
    Effect.gen(function* () {
      let [copied, left] = [0, 0]
      for (const [type, selection] of types) {
        for (const each of wrapped(type)) {
          for (const value of values) {
            const schema = new GraphQLSchema({
              query: new GraphQLObjectType({
                name: "Query",
                fields: { value: withAnswer({ type: each }, () => Effect.succeed(value)) }
              }),
              types: [Thing, Other]
            })
            const document = parse(`{ value ${selection} }`)
            const operation = () =>
              operationOf({
                caller: undefined,
                correlationId: undefined,
                services: undefined as never,
                signal: undefined
              })
            const plan = plansOf(schema)(document, document.definitions[0] as OperationDefinitionNode)
            const data = yield* plan!.run({}, operation()) as Effect.Effect<unknown>
            const contextValue = { ...operation(), outcomes: new Map([["value", { value }]]) }
            const executed = yield* Effect.promise(async () => execute({ schema, document, contextValue }))
            const what = `${String(each)} of ${JSON.stringify(value) ?? String(value)}`
            if (data === undefined) {
              left++
              assert.isDefined(executed.errors, what)
            } else {
              copied++
              assert.isUndefined(executed.errors, what)
              assert.strictEqual(JSON.stringify(data), JSON.stringify(executed.data), what)
            }
          }
        }
      }
      assert.isAbove(copied, 50)
      assert.isAbove(left, 50)
    })
  )
})
