/** What GraphQL alone promises. */
import { createHash } from "node:crypto"
import { assert } from "@effect/vitest"
import { ViewStore } from "@hexfold/core"
import { Context, Effect } from "effect"
import { guarded, open as everybody } from "../../http/bank.ts"
import type { Cases, Front } from "../Front.ts"
import { byPost, bySocket } from "../speaking/transports.ts"
import { filled } from "./filled.ts"

const pages = `{ accounts { nodes { key } } }`

/** The code of the first error of an answer. */
const codeOf = ({ errors }: object & { readonly errors?: unknown }): unknown =>
  (errors as ReadonlyArray<{ readonly extensions: { readonly code: unknown } }> | undefined)?.[0]?.extensions.code

const codesOf =
  ({ json }: Front) =>
  (body: object, as?: string) =>
    Effect.map(json("/graphql", { body, ...(as === undefined ? {} : { as }) }), ({ body: found, status }) => [
      status,
      codeOf(found)
    ])

const doubling = (times: number): string =>
  `{ ...F0 } ${Array.from({ length: times }, (_, i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`).join(" ")} fragment F${times} on Query { accounts(first: 1) { nodes { key } } }`

const hostile: Readonly<Record<string, string>> = {
  aliases: `{ ${Array.from({ length: 60 }, (_, i) => `a${i}: accounts(first: 100) { nodes { key } }`).join(" ")} }`,
  "a circle of fragments": `{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }`,
  "fragments in powers of two": doubling(24),
  tokens: `{ ${"a ".repeat(400_000)} }`,
  depth: `{ accounts { nodes { ${"ownerRecord { ".repeat(20)} key ${"} ".repeat(20)} } } }`,
  directives: `{ accounts ${"@skip(if: false) ".repeat(600)} { nodes { key } } }`,
  "introspection in the deep": `{ __schema { types { fields { type { fields { type { name } } } } } } }`
}

const nested = (depth: number): object =>
  Array.from({ length: depth }).reduce<object>((not) => ({ not }), { owner: { eq: "ann" } })

const filtering = `query ($where: AccountsFilter) { accounts(where: $where) { nodes { key } } }`

export const graphql: Cases = {
  "what is no result is an error with a code, and what is wrong with a command has its path": (open) =>
    Effect.gen(function* () {
      const front = yield* filled(open, guarded)
      const codes = codesOf(front)
      assert.deepStrictEqual(yield* codes({ query: pages }), [200, "UNAUTHENTICATED"])
      assert.deepStrictEqual(yield* codes({ query: pages }, "ann bob"), [401, "UNAUTHENTICATED"])
      assert.deepStrictEqual(yield* codes({ query: pages }, "away"), [503, "UNAVAILABLE"])
      assert.deepStrictEqual(yield* codes({ query: pages }, "often"), [429, "TOO_MANY_REQUESTS"])
      assert.deepStrictEqual(yield* codes({ query: `{ owners { nodes { key } } }` }, "ann"), [200, "FORBIDDEN"])
      assert.deepStrictEqual(yield* codes({ query: `{ nothing }` }, "ann"), [200, "BAD_USER_INPUT"])
      assert.deepStrictEqual(yield* codes({ query: 1 }, "ann"), [400, "BAD_USER_INPUT"])
      assert.deepStrictEqual(yield* codes([{ query: pages }], "ann"), [400, "BAD_USER_INPUT"])
      const query = `mutation { accountDeposit(id: "a", input: { cents: -1 }) { __typename } }`
      const { body } = yield* front.json("/graphql", { body: { query }, as: "eve:clerk" })
      const [error] = body["errors"] as ReadonlyArray<{ readonly path: unknown; readonly extensions: object }>
      assert.deepStrictEqual(error!.path, ["accountDeposit"])
      assert.deepInclude(error!.extensions, { code: "BAD_USER_INPUT", part: "command" })
      assert.deepInclude((error!.extensions as { readonly errors: ReadonlyArray<object> }).errors[0], {
        path: ["cents"]
      })
    }),

  "an operation is taken as JSON by POST, and no mutation is sent by an address": (open) =>
    Effect.gen(function* () {
      const { ask, json } = yield* filled(open, everybody)
      const text = { body: { query: pages }, headers: { "content-type": "text/plain" } }
      assert.strictEqual((yield* ask("/graphql", text)).status, 415)
      const large = { body: { query: pages, variables: { a: "x".repeat(2 << 20) } } }
      assert.strictEqual((yield* ask("/graphql", large)).status, 413)
      const by = (query: string) => json(`/graphql?${new URLSearchParams({ query }).toString()}`)
      const opening = `mutation { accountOpen(id: "z", input: { owner: "ann" }) { __typename } }`
      const refused = yield* by(opening)
      assert.deepStrictEqual([refused.status, refused.headers.get("allow")], [405, "POST"])
      const { body, type } = yield* by(pages)
      assert.strictEqual(type, "application/json")
      assert.deepStrictEqual(body["data"], { accounts: { nodes: [{ key: "a" }, { key: "b" }, { key: "c" }] } })
      const own = { body: { query: `{ nothing }` }, headers: { accept: "application/graphql-response+json" } }
      const standard = yield* json("/graphql", own)
      assert.deepStrictEqual([standard.status, standard.type], [400, "application/graphql-response+json"])
    }),

  "hostile documents and variables are refused, also by a socket, and others are answered": (open) =>
    Effect.gen(function* () {
      const front = yield* filled(open, everybody)
      for (const { ask, name } of [byPost(front), yield* bySocket(front)]) {
        for (const [what, query] of Object.entries(hostile)) {
          assert.strictEqual(codeOf(yield* ask({ query })), "BAD_USER_INPUT", `${name}: ${what}`)
        }
        for (const where of [nested(1_000), nested(40), { owner: Array.from({ length: 1_000 }, (_, i) => i) }]) {
          assert.strictEqual(codeOf(yield* ask({ query: filtering, variables: { where } })), "BAD_USER_INPUT", name)
        }
        const { data } = yield* ask({ query: filtering, variables: { where: nested(2) } })
        assert.deepStrictEqual(data, { accounts: { nodes: [{ key: "a" }, { key: "c" }] } })
      }
    }),

  "the schema is not told, and wrong names are not answered with similar ones": (open) =>
    Effect.gen(function* () {
      const front = yield* open(everybody)
      for (const { ask, name } of [byPost(front), yield* bySocket(front)]) {
        for (const query of [`{ __schema { types { name } } }`, `{ __type(name: "Query") { name } }`, `{ account }`]) {
          const { errors } = yield* ask({ query })
          assert.strictEqual(codeOf({ errors }), "BAD_USER_INPUT", name)
          assert.notInclude(JSON.stringify(errors), "accounts", name)
        }
        const { data } = yield* ask({ query: `{ __typename }` })
        assert.deepStrictEqual(data, { __typename: "Query" })
      }
      const { json } = yield* open(everybody, { graphql: { introspection: true } })
      const { body } = yield* json("/graphql", { body: { query: `{ __type(name: "Query") { name } }` } })
      assert.deepStrictEqual(body["data"], { __type: { name: "Query" } })
    }),

  "with a list of documents no other one is executed, by no transport": (open) =>
    Effect.gen(function* () {
      const hash = createHash("sha256").update(pages).digest("hex")
      const front = yield* filled(open, everybody, { graphql: { documents: new Map([[hash, pages]]) } })
      const answer = { accounts: { nodes: [{ key: "a" }, { key: "b" }, { key: "c" }] } }
      const persistedQuery = { version: 1, sha256Hash: hash }
      for (const body of [{ documentId: `sha256:${hash}` }, { extensions: { persistedQuery } }, { query: pages }]) {
        assert.deepStrictEqual((yield* front.json("/graphql", { body })).body["data"], answer)
      }
      const codes = codesOf(front)
      const other = `{ accounts { nodes { key owner } } }`
      for (const body of [
        { query: other },
        { documentId: "sha256:00" },
        { documentId: "__proto__" },
        { query: other, extensions: { persistedQuery } },
        { extensions: { persistedQuery: { version: 1, sha256Hash: "constructor" } } }
      ]) {
        assert.strictEqual((yield* codes(body))[1], "BAD_USER_INPUT", JSON.stringify(body))
      }
      const socket = yield* bySocket(front)
      assert.deepStrictEqual((yield* socket.ask({ query: pages })).data, answer)
      assert.strictEqual(codeOf(yield* socket.ask({ query: other })), "BAD_USER_INPUT")
    }),

  "the records of one moment to which links lead are read together": (open) =>
    Effect.gen(function* () {
      const former = yield* filled(open, everybody)
      yield* former.end
      const views = Context.get(former.stores, ViewStore.ViewStore)
      let loads = 0
      const counted = Context.add(former.stores, ViewStore.ViewStore, {
        ...views,
        load: (...asked: Parameters<typeof views.load>) => {
          loads++
          return views.load(...asked)
        }
      })
      const front = yield* open(everybody, { projected: [], stores: counted })
      const query = `{
        accounts { nodes { ownerRecord { key accounts } } }
        x: accountsByKey(key: "a") { owner } y: accountsByKey(key: "b") { owner } none: accountsByKey(key: "z") { owner }
      }`
      const { body } = yield* front.json("/graphql", { body: { query } })
      assert.deepStrictEqual(body["data"], {
        accounts: {
          nodes: [
            { ownerRecord: { key: "ann", accounts: 2 } },
            { ownerRecord: { key: "bob", accounts: 1 } },
            { ownerRecord: { key: "ann", accounts: 2 } }
          ]
        },
        x: { owner: "ann" },
        y: { owner: "bob" },
        none: null
      })
      // One for each view.
      assert.strictEqual(loads, 2)
    })
}
