import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Aggregate, Api, Decision, Executor, Policy, Projection, View } from "@hexfold/core"
import { GraphQl } from "@hexfold/server/graphql"
import { Arbitrary, Effect, Layer, Schema } from "effect"
import fc from "fast-check"
import {
  getNamedType,
  type GraphQLField,
  type GraphQLOutputType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  type GraphQLObjectType,
  type OperationDefinitionNode,
  parse
} from "graphql"
// oxlint-disable-next-line no-restricted-imports -- whether there is a plan shows from inside alone
import { plansOf } from "../../src/graphql/plans/plan.ts"
import * as bank from "../http/bank.ts"
import { counting } from "./counting.ts"
import { Kitchen, kitchen, Sink } from "./kitchen.ts"
import { serve, serveOn } from "./web.ts"

// A directive that changes nothing makes graphql execute the whole operation, as the directive may be any. So graphql says
// what every other operation must be answered with.
const byGraphql = (operation: string) => operation.replace("__typename", "... @include(if: true) { __typename }")

/** Makes selections below types, by chance: fields, aliases, fragments, the same field twice. */
const selecting = (schema: ReturnType<typeof GraphQl.schema>, chance: () => number) => {
  const pick = (most: number) => Math.floor(chance() * most)
  let aliases = 0

  const field = ({ name, type }: GraphQLField<unknown, unknown>, depth: number): string => {
    const below = isLeaf(type) ? "" : of(type, depth + 1)
    // In a union one name may stand for several types, and then every field needs a name of its own.
    return `a${aliases++}: ${name} ${below}`
  }

  const object = (type: { readonly getFields: GraphQLObjectType["getFields"] }, depth: number): string => {
    const fields = Object.values(type.getFields()).filter(
      ({ args, type }) => args.length === 0 && (depth < 5 || isLeaf(type))
    )
    const chosen = Array.from({ length: 1 + pick(4) }, () => fields[pick(fields.length)]!)
    return ["__typename", ...chosen.map((each) => field(each, depth))].join(" ")
  }

  const of = (type: GraphQLOutputType, depth: number): string => {
    const named = getNamedType(type)
    if (isAbstractType(named)) {
      const kinds = schema.getPossibleTypes(named)
      const chosen = Array.from({ length: 1 + pick(3) }, () => kinds[pick(kinds.length)]!)
      const own = isInterfaceType(named) && pick(2) === 0 ? object(named, depth) : ""
      return `{ __typename ${own} ${chosen.map((kind) => `... on ${kind.name} { ${object(kind, depth)} }`).join(" ")} }`
    }
    if (!isObjectType(named)) return ""
    const inner = object(named, depth)
    switch (pick(4)) {
      case 0:
        return `{ ... { ${inner} } ... on ${named.name} { ${object(named, depth)} } }`
      case 1:
        return `{ ${inner} ${inner} }`
      default:
        return `{ ${inner} }`
    }
  }

  return of
}

const isLeaf = (type: GraphQLOutputType) => {
  const named = getNamedType(type)
  return !isObjectType(named) && !isAbstractType(named)
}

const chances = (seed: number) => {
  const random = fc.sample(fc.infiniteStream(fc.double({ min: 0, max: 0.999_999, noNaN: true })), {
    seed,
    numRuns: 1
  })[0]!
  return () => random.next().value as number
}

describe("a plan", () => {
  it.live("answers what graphql answers, to whatever is selected of whatever kind", () =>
    Effect.gen(function* () {
      const stores = yield* Layer.build(
        Layer.provideMerge(Projection.layer(kitchen.views), MemoryStores.layer({ views: kitchen.views }))
      )
      const values = yield* Arbitrary.sampleEffect(Arbitrary.schema(Sink), { count: 20, seed: 7 })
      for (const [floor, value] of values.entries()) {
        yield* Executor.execute(Kitchen, { house: "h", floor }, { _tag: "Put", ...value }).pipe(
          Projection.waitFor(kitchen.views),
          Effect.provideContext(stores),
          // A text that no store keeps.
          Effect.ignore
        )
      }
      const { send } = yield* serveOn(kitchen, stores)
      const schema = GraphQl.schema(kitchen)
      for (let seed = 0; seed < 150; seed++) {
        const below = selecting(schema, chances(seed))
        const records = (page: string) => {
          const record = (schema.getType(page) as GraphQLObjectType).getFields()["nodes"]!.type
          // One field that is selected twice has what both select.
          return `{ nodes ${below(record, 0)} pageInfo { endCursor } nodes ${below(record, 0)} }`
        }
        const operation = `{ __typename kitchens(first: 4) ${records("KitchensConnection")} shapes(first: 9) ${records("ShapesConnection")} }`
        const [planned, executed] = [yield* answerTo(send(operation)), yield* answerTo(send(byGraphql(operation)))]
        assert.strictEqual(planned, executed, operation)
        assert.match(planned, /^\{"data":/, operation)
      }
    })
  )

  it.live("answers what graphql answers, when something is wrong", () =>
    Effect.gen(function* () {
      const { data, send } = yield* serve(bank.open)
      yield* data(`mutation { accountOpen(id: "a", input: { owner: "anna" }, waitFor: [Accounts]) { __typename } }`)
      const wrong = [
        `{ accounts(after: "nonsense") { nodes { key } } b: accounts { nodes { key } } }`,
        `{ b: accounts { nodes { key } } accounts(after: "nonsense") { nodes { key } } }`,
        `query ($first: Int!) { accounts(first: $first) { nodes { key } } }`,
        `{ accountsByKey(key: "none") { key } accounts(where: { owner: { eq: "anna" } }) { nodes { owner } } }`,
        `{ __proto__: accounts { nodes { key } } accounts { nodes { __proto__: owner key } } }`,
        `mutation { a: accountOpen(id: "a", input: { owner: "x" }) { __typename ... on AlreadyOpen { message } } b: accountOpen(id: "", input: { owner: "x" }) { __typename } c: accountDeposit(id: "a", input: { cents: 1 }) { __typename } }`
      ]
      for (const each of wrong) {
        const operation = each.replace("{", "{ __typename ")
        const [planned, executed] = [yield* answerTo(send(operation)), yield* answerTo(send(byGraphql(operation)))]
        assert.deepStrictEqual(withoutPlaces(planned), withoutPlaces(executed), operation)
      }
    })
  )

  it.live("executes each command once, whatever goes wrong behind it", () =>
    Effect.gen(function* () {
      const { data, gql } = yield* serve(bank.open)
      const open = `mutation { accountOpen(id: "a", input: { owner: "anna" }, waitFor: [Accounts]) { __typename } }`
      yield* data(open)
      const { errors } = yield* gql(
        `mutation { first: accountDeposit(id: "a", input: { cents: 5 }) { __typename } second: accountDeposit(id: "", input: { cents: 5 }) { __typename } third: accountDeposit(id: "a", input: { cents: 5 }, waitFor: [Accounts]) { __typename } }`
      )
      assert.deepStrictEqual(
        errors?.map(({ path }) => path),
        [["second"]]
      )
      yield* data(`mutation { accountDeposit(id: "a", input: { cents: 1 }, waitFor: [Accounts]) { __typename } }`)
      const { accountsByKey } = yield* data(`{ accountsByKey(key: "a") { balance } }`)
      assert.strictEqual(accountsByKey.balance, 6)
    })
  )

  it.live("asks a rule on a field for what this request selects, and not for what another has", () =>
    Effect.gen(function* () {
      const { data, gql } = yield* serve(guarded)
      const open = `mutation { drawingDraw(id: "a", input: { radius: 3 }, waitFor: [Drawings]) { __typename } }`
      yield* data(open, { as: "ann" })
      const ask = (as: string, shows: boolean) =>
        gql(
          `query ($shows: Boolean!) { drawings { nodes { shape { __typename ... on Round { radius @include(if: $shows) } } } } }`,
          { as, variables: { shows } }
        )
      for (const order of [
        [true, false],
        [false, true]
      ]) {
        for (const shows of order) {
          const [boss, ann] = [yield* ask("boss:boss", shows), yield* ask("ann", shows)]
          assert.isUndefined(boss.errors)
          assert.deepStrictEqual(ann.errors?.[0]?.extensions["code"], shows ? "FORBIDDEN" : undefined)
        }
      }
    })
  )

  it.live("reads the records of one operation together, and answers the fields of a query at the same time", () =>
    Effect.gen(function* () {
      const { seen, stores } = yield* counting
      const { data } = yield* serveOn(bank.open, stores)
      yield* data(`mutation { accountOpen(id: "a", input: { owner: "anna" }, waitFor: [Accounts]) { __typename } }`)
      const before = seen.loads
      const found = yield* data(`{ a: accountsByKey(key: "a") { owner } b: accountsByKey(key: "b") { owner } }`)
      assert.deepStrictEqual(found, { a: { owner: "anna" }, b: null })
      assert.strictEqual(seen.loads - before, 1)
    })
  )

  it.live("is not made for more fields than its text can name", () =>
    Effect.gen(function* () {
      const { answering, data } = yield* serve(bank.open)
      yield* answering(`{ accounts { nodes { key } } }`)
      const names = Array.from({ length: 16 }, (_, i) => `a${i}`)
      const operation = `fragment P on AccountsConnection { ${names.map((name) => `${name}: nodes { ...R }`).join(" ")} }
        fragment R on AccountsRecord { ${names.map((name) => `${name}: key`).join(" ")} }
        { __typename ${names.map((name) => `${name}: accounts(first: 1) { ...P }`).join(" ")} }`
      const schema = GraphQl.schema(bank.open)
      const document = parse(operation)
      const last = document.definitions.at(-1)
      assert.isUndefined(plansOf(schema)(document, last as OperationDefinitionNode))
      assert.strictEqual((yield* data(operation)).__typename, "Query")
    })
  )
})

/** Drawings, of which not everybody sees how large they are. */
class Draw extends Schema.TaggedClass<Draw>()("Draw", { radius: Schema.Int }) {}
class Drawn extends Schema.TaggedClass<Drawn>()("Drawn", { radius: Schema.Int }) {}
class Round extends Schema.TaggedClass<Round>()("Round", { radius: Schema.Int }) {}
class Flat extends Schema.TaggedClass<Flat>()("Flat", { width: Schema.Int }) {}
const Drawing = Aggregate.make("Drawing", {
  id: Schema.String,
  state: Schema.Int,
  initial: 0,
  commands: [Draw],
  events: [Drawn],
  errors: [],
  decide: { Draw: ({ radius }) => Decision.accept(new Drawn({ radius })) },
  evolve: { Drawn: (_, { radius }) => radius }
})
const Drawings = View.make("Drawings", {
  from: [Drawing],
  state: Schema.Struct({
    shape: Schema.Union([Round, Flat])
  }),
  evolve: { Drawn: (_, { radius }) => ({ shape: new Round({ radius }) }) }
})
const guarded = Api.make("drawings", {
  aggregates: [Drawing],
  views: [Drawings],
  policies: {
    Drawing: { Draw: "anyone" },
    Drawings: { read: "anyone", fields: { "shape.radius": Policy.role("boss") } }
  }
})

const answerTo = (response: Effect.Effect<Response>) =>
  Effect.flatMap(response, (each) => Effect.promise(() => each.text()))

// The directive moves what stands behind it.
const withoutPlaces = (answer: string): unknown =>
  JSON.parse(answer, (name, value: unknown) => (name === "locations" ? undefined : value))
