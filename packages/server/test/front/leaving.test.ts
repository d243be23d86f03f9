/** Subscriptions whose clients have gone, by each of their transports. */
import { assert, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Effect, Exit, Layer, Metric, Scope } from "effect"
import { describe } from "vitest"
import { open } from "../http/bank.ts"
import { filled } from "./cases/filled.ts"
import { type Front, started, type Stores } from "./Front.ts"
import { socketClient } from "./speaking/transports.ts"
import { connections, type Counts, counted, fibers, until } from "./watching.ts"
import { framesOf } from "./frames.ts"

const memory: Stores = (views) => Layer.build(MemoryStores.layer({ views }))

const documents = [
  `subscription { accounts { nodes { key owner } } }`,
  `subscription { accounts(first: 3) { nodes { key ownerRecord { accounts } } } }`,
  `subscription { accountsByKey(key: "a") { owner } }`,
  `subscription { events { meta { type } } }`
]

/** Follows a document until the scope closes: then the client goes without a word. */
type Follows = (front: Front, document: string) => Effect.Effect<unknown, never, Scope.Scope>

const byEvents: Follows = ({ url }, query) =>
  Effect.gen(function* () {
    const leaving = new AbortController()
    yield* Effect.addFinalizer(() => Effect.sync(() => leaving.abort()))
    const response = yield* Effect.promise(() =>
      fetch(`${url}/graphql`, {
        method: "POST",
        body: JSON.stringify({ query }),
        headers: { "content-type": "application/json", accept: "text/event-stream" },
        signal: leaving.signal
      })
    )
    return yield* framesOf(response).next
  })

const bySocket: Follows = ({ url }, query) =>
  Effect.gen(function* () {
    const client = socketClient(url, undefined)
    yield* Effect.addFinalizer(() => Effect.sync(() => client.terminate()))
    return yield* Effect.promise(() => client.iterate({ query }).next())
  })

const completing: Follows = ({ url }, query) =>
  Effect.gen(function* () {
    const client = socketClient(url, undefined)
    yield* Effect.addFinalizer(() => Effect.promise(async () => client.dispose()))
    const results = client.iterate({ query })
    yield* Effect.addFinalizer(() => Effect.promise(() => results.return!()))
    return yield* Effect.promise(() => results.next())
  })

describe("subscriptions of GraphQL whose clients have gone", () => {
  for (const [title, follow] of Object.entries({
    "by server-sent events": byEvents,
    "by a socket, without a word": bySocket,
    "by a socket that completes them": completing
  })) {
    it.live(`leave no fiber, connection, listener or follower behind: ${title}`, () =>
      Effect.gen(function* () {
        const counts: Counts = { queries: 0, followers: 0 }
        const front = yield* filled((api, options) => started(counted(memory, counts), api, options), open)
        yield* until(Effect.sync(() => counts.followers <= open.views.length))
        const before = { followers: counts.followers, fibers: yield* fibers, listeners: front.node.eventNames().length }
        const scope = yield* Scope.make()
        yield* Effect.forEach(
          Array.from({ length: 40 }, (_, i) => documents[i % documents.length]!),
          (document) => follow(front, document),
          { concurrency: "unbounded", discard: true }
        ).pipe(Scope.provide(scope))
        assert.isAbove(counts.followers, before.followers)
        assert.isAtLeast(yield* fibers, before.fibers + 40)
        yield* Scope.close(scope, Exit.void)
        yield* until(Effect.sync(() => counts.followers === before.followers))
        yield* until(Effect.map(fibers, (now) => now <= before.fibers))
        // Connections that are kept for the next request may stay.
        yield* until(Effect.map(connections(front), (now) => now <= 2))
        assert.strictEqual(front.node.eventNames().length, before.listeners)
      }).pipe(
        Effect.provideService(Metric.FiberRuntimeMetrics, Metric.FiberRuntimeMetricsImpl),
        Effect.provideService(Metric.MetricRegistry, new Map())
      )
    )
  }
})
