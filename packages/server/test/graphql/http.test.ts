import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { ViewStore } from "@hexfold/core"
import { Context, Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import { guarded, open } from "../http/bank.ts"
import { kitchen } from "./kitchen.ts"
import { type Result, serve, serveOn } from "./web.ts"

const query = `{ accounts { nodes { key } } }`
const post = (body: string, type = "application/json", accept = "*/*"): RequestInit => ({
  method: "POST",
  body,
  headers: { "content-type": type, accept }
})

const bodyOf = (response: Response): Effect.Effect<Result> =>
  Effect.promise(async () => (await response.json()) as Result)

describe("GraphQL over HTTP", () => {
  it.live("takes JSON by POST alone, and answers in the media type that is asked for", () =>
    Effect.gen(function* () {
      const { ask } = yield* serve(open)
      const plain = yield* ask(post(JSON.stringify({ query })))
      assert.deepStrictEqual([plain.status, plain.headers.get("content-type")], [200, "application/json"])
      const own = yield* ask(post(JSON.stringify({ query }), "application/json", "application/graphql-response+json"))
      assert.deepStrictEqual([own.status, own.headers.get("content-type")], [200, "application/graphql-response+json"])
      const wrong = JSON.stringify({ query: "{ nothing }" })
      assert.strictEqual((yield* ask(post(wrong))).status, 200)
      assert.strictEqual((yield* ask(post(wrong, "application/json", "application/graphql-response+json"))).status, 400)
      for (const type of [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/graphql"
      ]) {
        assert.strictEqual((yield* ask(post(JSON.stringify({ query }), type))).status, 415, type)
      }
      for (const body of [
        "",
        "{",
        "[]",
        "1",
        "{}",
        `{"query":1}`,
        `{"query":"{a}","variables":[]}`,
        `[{"query":"{a}"}]`
      ]) {
        const refused = yield* ask(post(body))
        assert.strictEqual(refused.status, 400, body)
        assert.strictEqual((yield* bodyOf(refused)).errors![0]!.extensions["code"], "BAD_USER_INPUT")
      }
      const large = yield* ask(post(JSON.stringify({ query, variables: { a: "x".repeat(2 << 20) } })))
      assert.strictEqual(large.status, 413)
    })
  )

  it.live("takes queries by GET, and no mutation", () =>
    Effect.gen(function* () {
      const { answering, ask } = yield* serve(open)
      yield* answering(query)
      const get = (params: Record<string, string>) =>
        ask({ method: "GET" }, `/graphql?${new URLSearchParams(params).toString()}`)
      const read = yield* get({
        query: "query ($n: Int!) { accounts(first: $n) { nodes { key } } }",
        variables: `{"n":3}`
      })
      assert.deepStrictEqual((yield* bodyOf(read)).data, { accounts: { nodes: [] } })
      const changed = yield* get({ query: `mutation { accountOpen(id: "a", input: { owner: "ann" }) { __typename } }` })
      assert.deepStrictEqual([changed.status, changed.headers.get("allow")], [405, "POST"])
      assert.strictEqual((yield* get({ query, variables: "{" })).status, 400)
      assert.strictEqual((yield* get({})).status, 400)
    })
  )

  it.live("executes the operation that is named", () =>
    Effect.gen(function* () {
      const { answering, ask } = yield* serve(open)
      yield* answering(`{ owners { nodes { key } } }`)
      const two = `query A { accounts { nodes { key } } } query B { owners { nodes { key } } }`
      const named = yield* ask(post(JSON.stringify({ query: two, operationName: "B" })))
      assert.deepStrictEqual((yield* bodyOf(named)).data, { owners: { nodes: [] } })
      const none = yield* ask(post(JSON.stringify({ query: two })))
      assert.strictEqual((yield* bodyOf(none)).errors![0]!.extensions["code"], "BAD_USER_INPUT")
    })
  )

  it.live("hides its schema, unless it is told not to", () =>
    Effect.gen(function* () {
      const closed = yield* serve(open)
      const asking = [`{ __schema { types { name } } }`, `{ __type(name: "Query") { name } }`]
      for (const each of asking) assert.strictEqual(yield* closed.code(each), "BAD_USER_INPUT")
      const misspelt = yield* closed.gql(`{ account { nodes { key } } }`)
      assert.notInclude(JSON.stringify(misspelt.errors), "accounts")
      const variable = yield* closed.gql(`query ($o: AccountsOrder!) { accounts(orderBy: [$o]) { nodes { key } } }`, {
        variables: { o: { field: "ownr" } }
      })
      assert.notInclude(JSON.stringify(variable.errors), '"owner')
      const opened = yield* serve(open, { introspection: true })
      for (const each of asking) assert.isUndefined(yield* opened.code(each))
      assert.include(JSON.stringify((yield* opened.gql(`{ account { nodes { key } } }`)).errors), "accounts")
    })
  )

  it.live("takes known documents alone, if there are some", () =>
    Effect.gen(function* () {
      const hash = createHash("sha256").update(query).digest("hex")
      const { answering, ask } = yield* serve(open, { documents: new Map([[hash, query]]) })
      yield* answering(query)
      const sent = (body: object) => Effect.flatMap(ask(post(JSON.stringify(body))), bodyOf)
      const data = { accounts: { nodes: [] } }
      assert.deepStrictEqual(yield* sent({ documentId: `sha256:${hash}` }), { data })
      assert.deepStrictEqual(yield* sent({ extensions: { persistedQuery: { version: 1, sha256Hash: hash } } }), {
        data
      })
      assert.deepStrictEqual(yield* sent({ query }), { data })
      for (const body of [
        { query: `{ accounts { nodes { key owner } } }` },
        { documentId: "sha256:00" },
        { documentId: "__proto__" }
      ]) {
        assert.strictEqual((yield* sent(body)).errors![0]!.extensions["code"], "BAD_USER_INPUT")
      }
    })
  )

  it.live("says nothing of the inside", () =>
    Effect.gen(function* () {
      const broken = {
        ...guarded,
        rules: {
          ...guarded.rules,
          views: new Map([
            ...guarded.rules.views,
            [
              "Accounts",
              {
                read: "anyone",
                publicRows: () => {
                  throw new Error("the secret of the house")
                }
              } as never
            ]
          ])
        }
      }
      const { gql } = yield* serve(broken)
      const { errors } = yield* gql(query)
      assert.deepStrictEqual(errors![0]!.extensions, { code: "INTERNAL" })
      assert.notInclude(JSON.stringify(errors), "secret")
    })
  )
})

describe("an answer that cannot be made", () => {
  it.live("says nothing of what is stored", () =>
    Effect.gen(function* () {
      const stores = yield* Layer.build(MemoryStores.layer({ views: open.views }))
      const views = Context.get(stores, ViewStore.ViewStore)
      const rows = [{ key: "a", state: { owner: null, balance: "the secret of the house" } }]
      const broken = Context.add(stores, ViewStore.ViewStore, {
        ...views,
        query: (() => Effect.succeed({ rows, next: undefined })) as never
      })
      const { gql } = yield* serveOn(open, broken)
      const { data, errors } = yield* gql(`{ accounts { nodes { owner } } }`)
      assert.isNull(data)
      assert.deepInclude(errors![0], { message: "the service has failed", extensions: { code: "INTERNAL" } })
    })
  )
})

describe("hostile documents", () => {
  const doubling = (times: number) =>
    `{ ...F0 } ${Array.from({ length: times }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`).join(" ")} fragment F${times} on Query { accounts(first: 1) { nodes { key } } }`
  const deep = (depth: number) =>
    `{ accounts { nodes { ${"ownerRecord { ".repeat(depth)} key ${"} ".repeat(depth)} } } }`

  const hostile: ReadonlyArray<readonly [what: string, query: string]> = [
    [
      "aliases",
      `{ ${Array.from({ length: 60 }, (_, i) => `a${i}: accounts(first: 100) { nodes { key } }`).join(" ")} }`
    ],
    ["a circle of fragments", `{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }`],
    ["fragments in powers of two", doubling(24)],
    ["10⁶ tokens", `{ ${"a ".repeat(500_000)} }`],
    ["comments", `{ ${"#\n".repeat(400_000)} a }`],
    ["depth", deep(20)],
    ["lists of lists", `{ accounts(where: { in: ${"[".repeat(900)}${"]".repeat(900)} }) { nodes { key } } }`],
    ["many directives", `{ accounts ${"@skip(if: false) ".repeat(600)} { nodes { key } } }`],
    ["no name for a fragment", `{ ...Nothing }`],
    ["deep introspection", `{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }`],
    ["the schema's language", `type Query { a: Int }`],
    ["an empty document", ``],
    ["two subscriptions", `subscription { accounts { nodes { key } } owners { nodes { key } } }`]
  ]

  it.live("are refused before they are checked, and are told why", () =>
    Effect.gen(function* () {
      const { gql } = yield* serve(kitchen)
      const message = (query: string, variables = {}) =>
        Effect.map(gql(query, { variables }), ({ errors }) => errors?.[0]?.message ?? "")
      const tree = (depth: number) =>
        `{ kitchens { nodes { tree { ${"children { ".repeat(depth)} name ${"} ".repeat(depth)} } } } }`
      assert.match(yield* message(tree(9)), /nested 13 deep, and 12 are allowed/)
      assert.notMatch(yield* message(tree(8)), /nested/)
      assert.match(
        yield* message(`{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }`),
        /contains itself/
      )
      assert.match(yield* message(doubling(24)), /costs \d+, and 5000 are allowed/)
      const nested = Array.from({ length: 70 }).reduce<object>((not) => ({ not }), {})
      const filtered = `query ($where: KitchensFilter) { kitchens(where: $where) { nodes { key } } }`
      assert.match(yield* message(filtered, { where: nested }), /variables are nested too deep/)
    })
  )

  it.live("are refused", () =>
    Effect.gen(function* () {
      const { code } = yield* serve(open, { maxBodyBytes: 4 << 20 })
      for (const [what, query] of hostile) assert.strictEqual(yield* code(query), "BAD_USER_INPUT", what)
    })
  )

  it.live("are refused with hostile variables too, and what is allowed is answered", () =>
    Effect.gen(function* () {
      const { answering, ask, code } = yield* serve(open)
      yield* answering(`{ accounts { nodes { key } } owners { nodes { key } } }`)
      const paged = `query ($n: Int!) { a: accounts(first: $n) { nodes { key owner balance } } b: accounts(first: $n) { nodes { ...R } } }
        fragment R on AccountsRecord { ownerRecord { key accounts } owner balance key }`
      assert.isUndefined(yield* code(paged, { variables: { n: 100 } }))
      assert.strictEqual(yield* code(paged, { variables: { n: 100_000 } }), "BAD_USER_INPUT")
      assert.strictEqual(yield* code(paged, { variables: { n: null } }), "BAD_USER_INPUT")
      const filtered = `query ($where: AccountsFilter) { accounts(where: $where) { nodes { key } } }`
      const nested = `${'{"not":'.repeat(100_000)}{}${"}".repeat(100_000)}`
      const answer = yield* ask(post(`{"query":${JSON.stringify(filtered)},"variables":{"where":${nested}}}`))
      assert.strictEqual((yield* bodyOf(answer)).errors![0]!.extensions["code"], "BAD_USER_INPUT")
      const wrong = { where: { owner: Array.from({ length: 1_000 }, (_, i) => i) } }
      assert.strictEqual(yield* code(filtered, { variables: wrong }), "BAD_USER_INPUT")
      const proto = yield* ask(post(`{"query":${JSON.stringify(filtered)},"variables":{"__proto__":{"where":{}}}}`))
      assert.deepStrictEqual((yield* bodyOf(proto)).data, { accounts: { nodes: [] } })
    })
  )
})
