import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Schema, Stream } from "effect"
import { GraphQL, GraphQLClient, GraphQLGroup, GraphQLProtocol } from "effect/graphql"
import { FetchHttpClient } from "effect/http"
import { type Client, createClient } from "graphql-ws"
import { guarded, open } from "../http/bank.ts"
import { counting, until } from "./counting.ts"
import { connect, listening, listeningOn } from "./sockets.ts"
import type { Result } from "./web.ts"

const iterate = (client: Client, query: string, variables?: Record<string, unknown>) => {
  const results = client.iterate({ query, ...(variables === undefined ? {} : { variables }) })
  return {
    next: Effect.promise(async () => (await results.next()).value as Result | undefined),
    failure: Effect.promise(async () => {
      try {
        await results.next()
        return undefined
      } catch (error) {
        return error as { readonly code?: number } & ReadonlyArray<{ readonly extensions: { readonly code: string } }>
      }
    }),
    stop: Effect.promise(async () => void (await results.return!()))
  }
}

const opening = `mutation ($id: String!, $owner: String!) { accountOpen(id: $id, input: { owner: $owner }, waitFor: [Accounts]) { __typename } }`

describe("GraphQL by WebSocket", () => {
  it.live("answers mutations and queries, and follows results", () =>
    Effect.gen(function* () {
      const host = yield* listening(open)
      const { client } = yield* connect(host)
      const record = iterate(client, `subscription { accountsByKey(key: "a") { owner balance } }`)
      assert.deepStrictEqual((yield* record.next)?.data, { accountsByKey: null })
      const opened = iterate(client, opening, { id: "a", owner: "ann" })
      assert.deepStrictEqual((yield* opened.next)?.data, { accountOpen: { __typename: "AccountReceipt" } })
      assert.deepStrictEqual((yield* record.next)?.data, { accountsByKey: { owner: "ann", balance: 0 } })
      yield* iterate(client, `mutation { accountDeposit(id: "a", input: { cents: 5 }) { __typename } }`).next
      assert.deepStrictEqual((yield* record.next)?.data, { accountsByKey: { owner: "ann", balance: 5 } })
      yield* record.stop
      const read = iterate(client, `{ accounts { nodes { key } } }`)
      assert.deepStrictEqual((yield* read.next)?.data, { accounts: { nodes: [{ key: "a" }] } })
    })
  )

  it.live("refuses what HTTP refuses", () =>
    Effect.gen(function* () {
      const host = yield* listening(guarded)
      const often = yield* connect(host, "often")
      assert.strictEqual((yield* iterate(often.client, `{ accounts { nodes { key } } }`).failure)?.code, 1013)
      const { client } = yield* connect(host, "ann")
      const refused = yield* iterate(client, `{ nothing }`).failure
      assert.strictEqual(refused?.[0]?.extensions.code, "BAD_USER_INPUT")
      const hidden = yield* iterate(client, `subscription { accounts { nodes { balance } } }`).next
      assert.strictEqual(hidden?.errors?.[0]?.extensions["code"], "FORBIDDEN")
      const deep = yield* iterate(
        client,
        `{ accounts { nodes ${"{ ownerRecord ".repeat(20)}{ key } ${"} ".repeat(20)} } }`
      ).failure
      assert.strictEqual(deep?.[0]?.extensions.code, "BAD_USER_INPUT")
      const unknown = yield* connect(host)
      const nobody = yield* iterate(unknown.client, `subscription { accounts { nodes { key } } }`).next
      assert.strictEqual(nobody?.errors?.[0]?.extensions["code"], "UNAUTHENTICATED")
      const forged = yield* connect(host, "ann bob")
      assert.strictEqual((yield* iterate(forged.client, `{ accounts { nodes { key } } }`).failure)?.code, 4401)
    })
  )

  it.live("leaves nobody behind that follows the log, whether clients complete or go", () =>
    Effect.gen(function* () {
      const { seen, stores } = yield* counting
      const host = yield* listeningOn(open, {}, Layer.succeedContext(stores))
      const { client } = yield* connect(host)
      yield* iterate(client, opening, { id: "a", owner: "ann" }).next
      const before = seen.followers
      const followed = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (first) =>
        connect(host).pipe(
          Effect.map(({ client }) => ({
            client,
            live: iterate(client, `subscription { accounts(first: ${first}) { nodes { key } } }`)
          })),
          Effect.tap(({ live }) => live.next)
        )
      )
      assert.isAbove(seen.most, before)
      for (const [i, { client, live }] of followed.entries()) {
        yield* i % 2 === 0 ? live.stop : Effect.sync(() => client.terminate())
      }
      yield* until(() => seen.followers === before)
    })
  )

  it.live("is closed when the token ends", () =>
    Effect.gen(function* () {
      const host = yield* listening(guarded)
      const end = (yield* Clock.currentTimeMillis) + 300
      const { client, closings } = yield* connect(host, `ann~${end}`)
      const live = iterate(client, `subscription { accounts { nodes { key } } }`)
      assert.deepStrictEqual((yield* live.next)?.data, { accounts: { nodes: [] } })
      assert.strictEqual((yield* live.failure)?.code, 4401)
      yield* until(() => closings.length === 1)
    })
  )

  it.live("is closed with the front", () =>
    Effect.gen(function* () {
      const live = yield* Effect.scoped(
        Effect.gen(function* () {
          const host = yield* listening(open)
          const { client } = createClientFor(host)
          const live = iterate(client, `subscription { accounts { nodes { key } } }`)
          yield* live.next
          return live
        })
      )
      assert.strictEqual((yield* live.failure)?.code, 1001)
    })
  )

  it.live("takes no page of another site, no long message, and not too many operations", () =>
    Effect.gen(function* () {
      const host = yield* listening(open, { maxMessageBytes: 1_000, maxOperations: 2 })
      const status = (headers: Record<string, string>) =>
        Effect.promise(async () => {
          const response = await fetch(`http://${host}/graphql/ws`, { headers })
          return response.status
        })
      assert.strictEqual(yield* status({ origin: "https://other.example" }), 403)
      assert.strictEqual(yield* status({}), 426)
      const { client, closings } = yield* connect(host)
      const query = `subscription { accounts { nodes { key } } }`
      const followed = [iterate(client, query), iterate(client, query)]
      for (const each of followed) yield* each.next
      assert.strictEqual((yield* iterate(client, query).failure)?.[0]?.extensions.code, "BAD_USER_INPUT")
      const long = iterate(client, query, { text: "x".repeat(2_000) })
      assert.strictEqual((yield* long.failure)?.code, 1009)
      yield* until(() => closings.length === 1)
    })
  )
})

const createClientFor = (host: string) => ({
  client: createClient({ url: `ws://${host}/graphql/ws`, retryAttempts: 0 })
})

describe("Effect's client of GraphQL", () => {
  const Open = GraphQL.mutation("Open", {
    document: `mutation Open($id: String!) { accountOpen(id: $id, input: { owner: "ann" }, waitFor: [Accounts]) { __typename ... on AlreadyOpen { message } } }`,
    variables: Schema.Struct({ id: Schema.String }),
    result: Schema.Struct({ accountOpen: Schema.Struct({ __typename: Schema.String }) })
  })
  const Live = GraphQL.subscription("Live", {
    document: `subscription Live { accounts { nodes { key } } }`,
    result: Schema.Struct({
      accounts: Schema.Struct({ nodes: Schema.Array(Schema.Struct({ key: Schema.String })) })
    })
  })
  const Group = GraphQLGroup.make(Open, Live)

  it.live("executes commands, and follows results over server-sent events and a socket", () =>
    Effect.gen(function* () {
      const host = yield* listening(open)
      const url = `http://${host}/graphql`
      const program = (id: string, before: number) =>
        Effect.gen(function* () {
          const client = yield* GraphQLClient.make(Group)
          const counts: Array<number> = []
          yield* client.Live().pipe(
            Stream.map(({ accounts }) => accounts.nodes.length),
            Stream.tap((count) =>
              Effect.gen(function* () {
                counts.push(count)
                if (count === before) {
                  const { accountOpen } = yield* client.Open({ id })
                  assert.strictEqual(accountOpen.__typename, "AccountReceipt")
                }
              })
            ),
            Stream.takeUntil((count) => count > before),
            Stream.runDrain
          )
          return counts
        })
      const overEvents = GraphQLProtocol.layerHttp({ url }).pipe(Layer.provide(FetchHttpClient.layer))
      assert.deepStrictEqual(yield* Effect.provide(program("a", 0), overEvents), [0, 1])
    })
  )
})
