/** What is declared beside something changes nothing of its types. */
import { assert, it } from "@effect/vitest"
import { Api } from "@hexfold/core"
import { GraphQl } from "@hexfold/server/graphql"
import { HttpDocs } from "@hexfold/server/http/docs"
import fc from "fast-check"
import { isObjectType, printType } from "graphql"
import { describe } from "vitest"
import { open as bank } from "../../http/bank.ts"
import { things } from "../things.ts"
import { hotel, travelExpenses } from "./examples.ts"

const all = [bank, things, hotel, travelExpenses] as ReadonlyArray<Api.Any>

/** What can be declared. A boundary comes with the aggregates that take part in it. */
const parts = all.flatMap(({ aggregates, boundaries, views }) => [
  ...aggregates.map((each) => ({ aggregates: [each] })),
  ...boundaries.map((each) => ({ aggregates, boundaries: [each] })),
  ...views.map((each) => ({ views: [each] }))
])

type Declared = Partial<Pick<Api.Any, "aggregates" | "boundaries" | "views">>

const apiOf = (chosen: ReadonlyArray<Declared>): Api.Any =>
  Api.make("declared", {
    aggregates: [...new Set(chosen.flatMap(({ aggregates = [] }) => aggregates))],
    boundaries: chosen.flatMap(({ boundaries = [] }) => boundaries),
    views: chosen.flatMap(({ views = [] }) => views),
    policies: "open"
  })

/** Texts by the names of types, as an API has them. */
type Types = ReadonlyMap<string, string>

/** Types that list what is declared. */
const lists = new Set(["Query", "Mutation", "Subscription", "ViewName", "RecordedEvent"])

/** It is there as long as there is nothing else to ask for. */
const placeholder = "Query.apiVersion"

const openApiOf = (api: Api.Any): Types => {
  const { components, paths } = JSON.parse(JSON.stringify(HttpDocs.document(api))) as {
    readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
    readonly paths: Readonly<Record<string, unknown>>
  }
  return new Map(
    Object.entries({ ...components.schemas, ...paths }).map(([name, described]) => [name, JSON.stringify(described)])
  )
}

const graphQlOf = (api: Api.Any): Types =>
  new Map(
    Object.entries(GraphQl.schema(api).getTypeMap()).flatMap(([name, type]): ReadonlyArray<[string, string]> => {
      if (!lists.has(name) || !isObjectType(type)) return [[name, printType(type)]]
      return Object.values(type.getFields()).map((field) => {
        // Without a view there is nothing to wait for.
        const args = field.args
          .filter(({ name }) => name !== "waitFor")
          .map((arg) => `${arg.name}: ${String(arg.type)}`)
        return [`${name}.${field.name}`, `(${args.join(", ")}): ${String(field.type)}`]
      })
    })
  )

describe.each(Object.entries({ OpenAPI: openApiOf, GraphQL: graphQlOf }))("what %s says of a declaration", (_, of) => {
  it("is the same whatever else is declared", () => {
    const known = of(apiOf(parts))
    const numbers = fc.subarray(
      parts.map((_, i) => i),
      { minLength: 1 }
    )
    fc.assert(
      fc.property(numbers, (chosen) => {
        for (const [name, text] of of(apiOf(chosen.map((i) => parts[i]!)))) {
          if (!lists.has(name) && name !== placeholder) assert.strictEqual(text, known.get(name), name)
        }
      }),
      { numRuns: 15 }
    )
  })
})
