/** What the OpenAPI document promises: two validators take it, and the server does what it says. */
import { readFileSync } from "node:fs"
import SwaggerParser from "@apidevtools/swagger-parser"
import { assert, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import type { Api } from "@hexfold/core"
import { GraphQl } from "@hexfold/server/graphql"
import { HttpDocs } from "@hexfold/server/http/docs"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Effect, Layer } from "effect"
import { printSchema, validateSchema } from "graphql"
import openapiTS, { astToString } from "openapi-typescript"
import { describe, expect } from "vitest"
import { guarded } from "../../http/bank.ts"
import { started } from "../Front.ts"
import { things } from "../things.ts"
import { use } from "./client.ts"
import { hotel, travelExpenses } from "./examples.ts"

const apis: Readonly<Record<string, Api.Any>> = { guarded, things, hotel, "travel-expenses": travelExpenses }

const stores = (views: Parameters<Parameters<typeof started>[0]>[0]) => Layer.build(MemoryStores.layer({ views }))

/** How a caller says who is asking. */
const security = { token: { type: "http", scheme: "bearer" } } as const

/** What the document says of an operation, as far as it is asked here. */
interface Operation {
  readonly parameters?: ReadonlyArray<{ readonly in: string; readonly name: string }>
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>
}

/** What the document says of a problem. */
interface Problem {
  readonly properties: { readonly title: { readonly enum: ReadonlyArray<string> } }
}

const documentOf = (api: Api.Any) =>
  JSON.parse(JSON.stringify(HttpDocs.document(api, { security }))) as Record<string, Record<string, unknown>>

const operationsOf = (api: Api.Any) =>
  Object.entries(
    HttpDocs.document(api).paths as unknown as Readonly<Record<string, Readonly<Record<string, Operation>>>>
  ).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ method, operation, path })))

/** The titles of the problems that an answer may be. */
const titlesIn = (api: Api.Any) => {
  const { components } = documentOf(api) as {
    readonly components: { readonly schemas: Readonly<Record<string, Problem>> }
  }
  return (answer: Operation["responses"][string]): ReadonlyArray<string> =>
    Array.from(JSON.stringify(answer).matchAll(/"#\/components\/schemas\/([^"]+)"/g), ([, name]) => name!).flatMap(
      (name) => components.schemas[name]!.properties.title.enum
    )
}

describe.each(Object.entries(apis))("the OpenAPI document of %s", (name, api) => {
  it("is the same as before", async () => {
    const text = `${JSON.stringify(documentOf(api), null, 2)}\n`
    await expect(text).toMatchFileSnapshot(`./data/${name}.openapi.json`)
  })

  it("is valid by two validators", async () => {
    const { errors, valid } = await new Validator().validate(documentOf(api))
    assert.deepStrictEqual([valid, errors], [true, undefined])
    await SwaggerParser.validate(documentOf(api) as never)
  })

  it("says how a caller says who is asking, in each operation", () => {
    const { components, paths } = documentOf(api)
    assert.deepStrictEqual(components!["securitySchemes"], security)
    for (const item of Object.values(paths!)) {
      for (const operation of Object.values(item as Readonly<Record<string, { readonly security: unknown }>>)) {
        assert.deepStrictEqual(operation.security, [{}, { token: [] }])
      }
    }
  })

  it.live("has only addresses that are served, with the answers that it names", () =>
    Effect.gen(function* () {
      const { ask } = yield* started(stores, api)
      const operations = operationsOf(api)
      const titles = titlesIn(api)
      assert.isAbove(operations.length, 5)
      for (const { method, operation, path } of operations) {
        const sent = method === "post" ? { body: {} } : {}
        for (const as of [undefined, "ann", "eve:auditor,clerk"]) {
          const response = yield* ask(path.replaceAll(/\{\w+\}/g, "a"), as === undefined ? sent : { ...sent, as })
          const type = response.headers.get("content-type")?.split(";")[0]
          const where = `${method} ${path} as ${as}: ${response.status} ${type}`
          const documented = operation.responses[String(response.status)]
          assert.isDefined(documented, where)
          assert.include(Object.keys(documented!.content ?? {}), type, where)
          if (response.status < 400) yield* Effect.promise(async () => response.body?.cancel())
          else {
            const { title } = (yield* Effect.promise(() => response.json())) as { readonly title: string }
            assert.include(titles(documented!), title, where)
          }
        }
      }
    })
  )
})

describe.each(Object.entries(apis))("the GraphQL schema of %s", (name, api) => {
  it("is valid, and the same as before", async () => {
    const schema = GraphQl.schema(api)
    assert.deepStrictEqual(validateSchema(schema), [])
    await expect(`${printSchema(schema)}\n`).toMatchFileSnapshot(`./data/${name}.graphql`)
  })
})

describe("a client that is generated from the document", () => {
  // `tsc` compiles client.ts against these types.
  it("has the types of the document", async () => {
    const types = astToString(await openapiTS(documentOf(guarded) as never))
    await expect(types).toMatchFileSnapshot("./data/guarded.ts")
    assert.include(readFileSync(new URL("client.ts", import.meta.url), "utf8"), "./data/guarded.ts")
  })

  it.live("executes commands, and reads states and views", () =>
    Effect.gen(function* () {
      const { url } = yield* started(stores, guarded)
      const found = yield* Effect.promise(() => use(url, "ann"))
      assert.deepStrictEqual(found, {
        opened: { version: 1, etag: '"1"' },
        refused: { status: 409, title: "AlreadyOpen" },
        mistakes: [["owner"]],
        state: { owner: "ann", balance: 0 },
        keys: ["a"],
        record: "a",
        missing: 404
      })
    })
  )
})
