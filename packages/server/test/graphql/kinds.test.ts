import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Executor, Projection } from "@hexfold/core"
import { GraphQl } from "@hexfold/server/graphql"
import { Arbitrary, Effect, Layer, Option, Result, Schema } from "effect"
import {
  getNamedType,
  getNullableType,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isInputObjectType,
  isListType,
  isObjectType,
  isUnionType
} from "graphql"
import { fields, jsonFields, Kitchen, kitchen, Sink } from "./kitchen.ts"
import { serveOn } from "./web.ts"

const schema = GraphQl.schema(kitchen)

/** Everything below a type. A field with one name and several types in a union needs an alias. */
const selection = (type: GraphQLOutputType, depth = 0): string => {
  const named = getNamedType(type)
  if (isUnionType(named)) {
    const members = named.getTypes().map((member) => `... on ${member.name} ${selection(member, depth)}`)
    return `{ __typename ${members.join(" ")} }`
  }
  if (!isObjectType(named)) return ""
  const inner = Object.values(named.getFields())
    .filter(({ name, type }) => name !== "children" || depth < 6 || !isObjectType(getNamedType(type)))
    .map(({ name, type }) => `${name} ${selection(type, depth + 1)}`)
  return `{ ${inner.join(" ")} }`
}

/** What was answered, as the input that says the same. */
const inputOf = (answer: unknown, output: GraphQLOutputType, input: GraphQLInputType): unknown => {
  const [from, to] = [getNullableType(output), getNullableType(input)]
  if (answer === null) return null
  if (isListType(from) && isListType(to)) {
    return (answer as ReadonlyArray<unknown>).map((each) => inputOf(each, from.ofType, to.ofType))
  }
  if (!isInputObjectType(to)) return answer
  const given = answer as Readonly<Record<string, unknown>>
  if (isUnionType(from)) {
    const member = schema.getType(given["__typename"] as string) as GraphQLObjectType
    const [name, field] = Object.entries(to.getFields()).find(([name]) =>
      member.name.toLowerCase().endsWith(name.toLowerCase())
    )!
    return { [name]: inputOf(given, member, field.type) }
  }
  const object = isObjectType(from) ? from.getFields() : {}
  return Object.fromEntries(
    Object.entries(to.getFields()).map(([name, field]) => [name, inputOf(given[name], object[name]!.type, field.type)])
  )
}

const stateType = () => {
  const state = schema.getType("KitchenStateLast")
  if (!isObjectType(state)) throw new Error("there is no type of the state")
  return state
}

const inputType = () => {
  const input = schema.getType("KitchenPutInput")
  if (!isInputObjectType(input)) throw new Error("there is no type of the input")
  return input
}

const codec = Schema.toCodecJson(Sink)

/** The JSON of a value. GraphQL does not tell a key that is missing from one that is undefined. */
const jsonOf = (value: typeof Sink.Type): unknown => {
  const { optional, ...rest } = JSON.parse(JSON.stringify(Schema.encodeSync(codec)(value)))
  return optional === null || optional === undefined ? rest : { ...rest, optional }
}

// Types of one view, one event and one state have names of their own.
const namelessly = (answer: unknown): unknown =>
  JSON.parse(JSON.stringify(answer).replaceAll(/"__typename":"(Kitchens|KitchenStateLast)/g, '"__typename":"'))

const heightOf = ({ children }: typeof Sink.Type.tree): number => 1 + Math.max(0, ...children.map(heightOf))

const kitchenId = (floor: number) => ({ house: "a/b", floor })

describe("every kind of value", () => {
  it.live("comes back as it was: from the domain to GraphQL, and from there to the domain", () =>
    Effect.gen(function* () {
      const stores = yield* Layer.build(
        Layer.provideMerge(Projection.layer(kitchen.views), MemoryStores.layer({ views: kitchen.views }))
      )
      const { data } = yield* serveOn(kitchen, stores)
      const values = yield* Arbitrary.sampleEffect(Arbitrary.schema(Sink), { count: 100, seed: 16 })
      let floor = 0
      // An operation has a depth, and so has what it can read of a tree.
      for (const value of values.filter(({ tree }) => heightOf(tree) <= 4)) {
        const first = kitchenId(floor++)
        const executed = yield* Effect.result(
          Executor.execute(Kitchen, first, { _tag: "Put", ...value }).pipe(
            Projection.waitFor(kitchen.views),
            Effect.provideContext(stores)
          )
        )
        // A text that no store keeps.
        if (Result.isFailure(executed)) continue
        const key = JSON.stringify({ floor: first.floor, house: first.house })
        const { kitchensByKey } = yield* data(
          `query ($key: ID!) { kitchensByKey(key: $key) ${selection(schema.getQueryType()!.getFields()["kitchensByKey"]!.type)} }`,
          { variables: { key } }
        )
        const { _key, key: recordKey, ...shown } = kitchensByKey
        assert.strictEqual(recordKey, key)
        const input = inputOf({ ...shown, key: _key }, stateType(), inputType())
        const second = kitchenId(floor++)
        const { kitchenPut } = yield* data(
          `mutation ($id: KitchenIdInput!, $input: KitchenPutInput!) { kitchenPut(id: $id, input: $input) {
            ... on KitchenReceipt { events { ... on KitchenWasPut ${selection(schema.getType("KitchenWasPut") as never)} } state { last ${selection(stateType())} } } } }`,
          { variables: { id: second, input } }
        )
        assert.deepStrictEqual(namelessly(kitchenPut.state.last), namelessly({ ...shown, key: _key }))
        const loaded = yield* Effect.provideContext(Executor.load(Kitchen, second), stores)
        assert.deepStrictEqual(jsonOf(loaded.state.last!), jsonOf(value))
      }
      assert.isAbove(floor, 80)
    })
  )

  it("for which GraphQL has no type is JSON, and is told", () => {
    const places = GraphQl.jsonPlaces(kitchen)
    for (const name of Object.keys(jsonFields)) {
      for (const place of ["Kitchens", "Kitchen, command Put", "Kitchen, state.last", "Kitchen, event WasPut"]) {
        assert.isTrue(
          places.some((each) => each.startsWith(`${place}.${name}: `)),
          `${place}.${name}`
        )
      }
    }
    assert.strictEqual(places.length, 4 * Object.keys(jsonFields).length)
    const { pair } = inputType().getFields()
    assert.strictEqual(String(pair!.type), "JSON")
  })

  it("has the type that its schema says", () => {
    const own = stateType().getFields()
    const types = Object.fromEntries(
      Object.entries(own).flatMap(([name, { type }]) => (name in fields ? [[name, String(type)]] : []))
    )
    assert.deepInclude(types, {
      template: "String!",
      int: "SafeInt!",
      small: "Int!",
      bounded: "Int!",
      finite: "Float!",
      number: "Number!",
      big: "BigInt!",
      at: "DateTime!",
      option: "SafeInt",
      optionAsNull: "String",
      nullable: "BigInt",
      optionalKey: "String",
      defaulted: "SafeInt!",
      money: "Money!",
      some: "[SafeInt!]!",
      maybes: "[SafeInt]!",
      tree: "Tree!"
    })
    const sent = Object.fromEntries(
      Object.entries(inputType().getFields()).map(([name, { type }]) => [name, String(type)])
    )
    assert.deepInclude(sent, {
      defaulted: "SafeInt",
      optional: "SafeInt",
      shape: "KitchenPutShapeInput!",
      tree: "TreeInput!",
      tags: "[KitchenPutTagsEntryInput!]!"
    })
    assert.notProperty(sent, "constant")
    const shape = schema.getType("KitchenPutShapeInput")
    assert.isTrue(isInputObjectType(shape) && shape.isOneOf)
  })

  it.live("may be left out where it may be nothing, and is taken in the other forms that it has", () =>
    Effect.gen(function* () {
      const stores = yield* Layer.build(
        Layer.provideMerge(Projection.layer(kitchen.views), MemoryStores.layer({ views: kitchen.views }))
      )
      const { code, data } = yield* serveOn(kitchen, stores)
      const least = `text: "", branded: "", template: "n-1", int: 3000000000, small: 1, bounded: 1, finite: 1, number: 1, big: 12,
        flag: true, at: "2026-01-31T10:00:00+01:00", colour: BUDGET_OWNER, size: _3_5, direction: Down, key: "", and: "", meta: 1,
        message: 1, with_dash: false, nested: { deep: { text: "" }, flag: true }, money: { cents: 1, currency: US_ }, lines: [],
        some: [1], matrix: [], maybes: [null, 1], shape: { Point: {} }, animal: { big_dog: { barks: true } }, tags: [], moneys: [],
        tree: { name: "", children: [] }, pair: [1, "a"], json: { a: [null, 1.5] }, bytes: "AAE=", mixed: 1`
      const put = (more: string) =>
        `mutation { kitchenPut(id: { house: "a", floor: 1 }, input: { ${least} ${more} }) { ... on KitchenReceipt { state { last {
          at big colour option optional optionalKey defaulted maybes shape { __typename } animal { ... on KitchenStateLastAnimalBig_dog { kind barks } } json mixed number tags { key value } } } } } }`
      const { kitchenPut } = yield* data(put(""))
      assert.deepStrictEqual(kitchenPut.state.last, {
        at: "2026-01-31T09:00:00.000Z",
        big: "12",
        colour: "BUDGET_OWNER",
        option: null,
        optional: null,
        optionalKey: null,
        defaulted: 7,
        maybes: [null, 1],
        shape: { __typename: "Point" },
        animal: { kind: "big dog", barks: true },
        json: { a: [null, 1.5] },
        mixed: 1,
        number: 1,
        tags: []
      })
      const loaded = yield* Effect.provideContext(Executor.load(Kitchen, { house: "a", floor: 1 }), stores)
      assert.deepStrictEqual(loaded.state.last!.option, Option.none())
      assert.notProperty(loaded.state.last!, "optionalKey")
      assert.strictEqual(loaded.state.last!.constant, "always")
      const nulls = yield* data(put(`optionalKey: null, defaulted: null, option: null`))
      assert.deepInclude(nulls.kitchenPut.state.last, { optionalKey: null, defaulted: 7, option: null })
      for (const wrong of [
        `tags: [{ key: "a", value: 1 }, { key: "a", value: 2 }]`,
        `shape: { Point: {}, Circle: { radius: 1 } }`,
        `at: "today"`
      ]) {
        const query = put("")
          .replace(new RegExp(`${wrong.split(":")[0]!}: [^,]*(,|$)`), "")
          .replace("input: {", `input: { ${wrong}, `)
        assert.strictEqual(yield* code(query), "BAD_USER_INPUT", wrong)
      }
      const { kitchenClear } = yield* data(
        `mutation { kitchenClear(id: { house: "new", floor: 1 }) { ... on Refused { message amount _message } } }`
      )
      assert.deepStrictEqual(kitchenClear, { message: "Refused", amount: "12", _message: 5 })
    })
  )
})
