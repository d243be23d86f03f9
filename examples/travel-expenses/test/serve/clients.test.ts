/** Clients that know nothing of Hexfold use the program that `npm run serve` starts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema, Stream } from "effect"
import { GraphQL, GraphQLClient, GraphQLGroup, GraphQLProtocol } from "effect/graphql"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { createClient } from "graphql-ws"
import { curl, curlUntil, isInstalled } from "./curl.ts"
import { started } from "./program.ts"

if (!isInstalled) console.warn("SKIPPED: curl is not installed, so the example is not asked by it")

const at = "2026-11-27T12:00:00Z"
const claim = { step: 1, at, cents: 98_765, budget: "budget-1" }
const as = (name: string) => ({ authorization: `Bearer demo-${name}` })

describe.skipIf(!isInstalled)("curl", () => {
  it.live("executes commands, is told typed errors, and reads what it has done", () =>
    Effect.gen(function* () {
      const { url } = yield* started()
      const submitting = { headers: { ...as("emma"), prefer: "wait=60", "idempotency-key": "k" }, json: claim }
      const command = `${url}/aggregates/Declaration/by-curl/Submit`
      const submitted = yield* curl(command, submitting)
      assert.deepInclude(submitted, { status: 200, etag: '"1"' })
      assert.deepInclude(submitted.body, { streamId: "Declaration-by-curl", version: 1, repeated: false })
      assert.deepInclude((yield* curl(command, submitting)).body, { version: 1, repeated: true })

      const giveUp = { headers: as("emma"), json: { step: 2, at } }
      const rejected = yield* curl(`${url}/aggregates/Declaration/by-curl/GiveUp`, giveUp)
      assert.deepInclude(rejected, { status: 422, type: "application/problem+json" })
      assert.deepInclude(rejected.body, {
        type: "/problems/Declaration/NotRejected",
        // The error has a field with the name of one that problem details have.
        error: { _tag: "NotRejected", status: "submitted" }
      })

      const approve = { headers: { ...as("sue"), "if-match": '"0"' }, json: { step: 2, at } }
      const conflict = yield* curl(`${url}/aggregates/Declaration/by-curl/ApproveFinally`, approve)
      assert.deepInclude(conflict, { status: 412, etag: '"1"' })

      const record = yield* curl(`${url}/views/Declarations/by-curl`, { headers: as("bob") })
      assert.deepInclude(record.body, { key: "by-curl" })
      const steps = new URLSearchParams({
        where: JSON.stringify({ _tag: "Compare", path: ["declaration"], is: "eq", value: "by-curl" }),
        orderBy: "step",
        with: "declarationRecord"
      })
      const { rows } = (yield* curl(`${url}/views/Histories?${steps.toString()}`, { headers: as("ada") })).body as {
        readonly rows: ReadonlyArray<object>
      }
      assert.lengthOf(rows, 1)
      assert.nestedPropertyVal(rows[0], "state.by", "emma")
      assert.nestedPropertyVal(rows[0], "links.declarationRecord.state.status", "submitted")
    })
  )

  it.live("follows results and events, and goes on after the last event that it has seen", () =>
    Effect.gen(function* () {
      const { url } = yield* started()
      const live = yield* curlUntil(`${url}/live/Declarations?orderBy=-cents&limit=1`, as("emma"), "event: page")
      assert.include(live, '"key":"declaration-5"')
      const events = `${url}/events?types=DeclarationSubmitted`
      const idIn = (frames: string) => /^id: (.*)$/m.exec(frames)![1]!
      const [, first, second] = (yield* curlUntil(events, as("carl"), "\nid: ", 2)).split("\nid: ")
      const seen = { ...as("carl"), "last-event-id": first!.split("\n")[0]! }
      const next = idIn(yield* curlUntil(events, seen, "\n\n", 2))
      assert.strictEqual(next, second!.split("\n")[0])
    })
  )
})

const sockets = (url: string, name: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      createClient({
        url: `${url.replace("http", "ws")}/graphql/ws`,
        connectionParams: as(name),
        retryAttempts: 0
      })
    ),
    (client) => Effect.promise(async () => client.dispose())
  )

const submitted = `{ declarations(where: { status: { eq: submitted } }, orderBy: [{ field: since, direction: DESC }]) {
  totalCount nodes { key cents } } }`

describe("graphql-ws", () => {
  it.live("follows a page, and executes a command that changes it", () =>
    Effect.gen(function* () {
      const { url } = yield* started()
      const client = yield* sockets(url, "emma")
      const live = client.iterate({ query: `subscription ${submitted}` })
      const next = Effect.promise(async () => (await live.next()).value?.data as unknown)
      const before = { key: "declaration-2", cents: 4_822 }
      assert.deepStrictEqual(yield* next, { declarations: { totalCount: 1, nodes: [before] } })
      const submit = client.iterate({
        query: `mutation ($input: DeclarationSubmitInput!) {
          declarationSubmit(id: "by-socket", input: $input) { __typename ... on Rejection { message } } }`,
        variables: { input: claim }
      })
      const { data } = (yield* Effect.promise(() => submit.next())).value!
      assert.deepStrictEqual(data as unknown, { declarationSubmit: { __typename: "DeclarationReceipt" } })
      assert.deepStrictEqual(yield* next, {
        declarations: { totalCount: 2, nodes: [{ key: "by-socket", cents: 98_765 }, before] }
      })
      yield* Effect.promise(async () => void (await live.return!()))
    })
  )
})

const Submit = GraphQL.mutation("Submit", {
  document: `mutation Submit($id: String!, $input: DeclarationSubmitInput!) {
    declarationSubmit(id: $id, input: $input, waitFor: [Declarations]) {
      __typename
      ... on DeclarationReceipt { version }
      ... on StepOutOfOrder { step last }
      ... on Rejection { message }
    } }`,
  variables: Schema.Struct({ id: Schema.String, input: Schema.Unknown }),
  result: Schema.Struct({
    declarationSubmit: Schema.Union([
      Schema.Struct({ __typename: Schema.Literal("DeclarationReceipt"), version: Schema.Int }),
      Schema.Struct({ __typename: Schema.Literal("StepOutOfOrder"), step: Schema.Int, last: Schema.Int }),
      Schema.Struct({ __typename: Schema.String, message: Schema.String })
    ])
  })
})

const Page = Schema.Struct({
  declarations: Schema.Struct({
    totalCount: Schema.Int,
    nodes: Schema.Array(Schema.Struct({ key: Schema.String, cents: Schema.Int }))
  })
})
const Read = GraphQL.query("Read", { document: `query Read ${submitted}`, result: Page })
const Follow = GraphQL.subscription("Follow", { document: `subscription Follow ${submitted}`, result: Page })

const Protocol = (url: string, name: string) =>
  GraphQLProtocol.layerHttp({ url: `${url}/graphql` }).pipe(
    Layer.provide(
      Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, HttpClient.mapRequest(HttpClientRequest.setHeaders(as(name))))
      )
    ),
    Layer.provide(FetchHttpClient.layer)
  )

describe("Effect's client of GraphQL", () => {
  it.live("reads, executes commands with typed results, and follows a page by server-sent events", () =>
    Effect.gen(function* () {
      const { url } = yield* started()
      const program = Effect.gen(function* () {
        const client = yield* GraphQLClient.make(GraphQLGroup.make(Submit, Read, Follow))
        const submit = client.Submit({ id: "by-effect", input: claim })
        const { declarations: before } = yield* client.Read()
        assert.strictEqual(before.totalCount, 1)
        const counts: Array<number> = []
        yield* client.Follow().pipe(
          Stream.map(({ declarations }) => declarations.totalCount),
          Stream.takeUntil((count) => count === 2),
          Stream.runForEach((count) =>
            Effect.gen(function* () {
              counts.push(count)
              if (count !== 1) return
              const { declarationSubmit } = yield* submit
              assert.deepStrictEqual(declarationSubmit, { __typename: "DeclarationReceipt", version: 1 })
            })
          )
        )
        assert.deepStrictEqual(counts, [1, 2])
        // The domain rejects the same step, and its error has its own type and fields.
        const { declarationSubmit: again } = yield* submit
        assert.deepStrictEqual(again, { __typename: "StepOutOfOrder", step: 1, last: 1 })
      })
      yield* Effect.provide(program, Protocol(url, "emma"))
    })
  )
})
