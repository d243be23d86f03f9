import { connect, type Socket } from "node:net"
import { assert, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { Effect, Layer, Metric } from "effect"
import { describe } from "vitest"
import { open } from "../http/bank.ts"
import { filled } from "./cases/filled.ts"
import { started, type Stores } from "./Front.ts"
import { framesOf } from "./frames.ts"
import { things } from "./things.ts"
import { connections, type Counts, counted, fibers, until } from "./watching.ts"

const memory: Stores = (views) => Layer.build(MemoryStores.layer({ views }))

const watchers = 1_000
const events = 20

describe("a live query that a thousand clients watch", () => {
  it.live("asks the store at most twice an event, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const counts: Counts = { queries: 0, followers: 0 }
      const front = yield* filled((api, options) => started(counted(memory, counts), api, options), open)
      // The questions that wait for the views have ended.
      yield* until(Effect.sync(() => counts.followers <= open.views.length))
      const before = { followers: counts.followers, fibers: yield* fibers, listeners: front.node.eventNames().length }
      const path = `${front.url}/live/Accounts?orderBy=-balance&limit=1`
      const aborting = new AbortController()
      const watching = yield* Effect.promise(() =>
        Promise.all(
          Array.from({ length: watchers }, async () => framesOf(await fetch(path, { signal: aborting.signal })))
        )
      )
      yield* Effect.forEach(watching, ({ data }) => data, { concurrency: "unbounded", discard: true })
      assert.strictEqual(counts.followers, before.followers + 1)
      assert.isAtLeast(yield* fibers, before.fibers + watchers)
      counts.queries = 0
      for (let i = 0; i < events; i++) {
        const { status } = yield* front.json("/aggregates/Account/a/Deposit", { body: { cents: 1 } })
        assert.strictEqual(status, 200)
      }
      const balanceOf = ({ rows }: { readonly rows: ReadonlyArray<{ readonly state: unknown }> }) =>
        (rows[0]!.state as { readonly balance: number }).balance
      // However many results each of them gets, the last one is the latest.
      yield* Effect.forEach(
        watching,
        ({ data }) => Effect.repeat(data, { until: (page) => balanceOf(page) === events }),
        { concurrency: "unbounded", discard: true }
      )
      assert.isAtLeast(counts.queries, 1)
      assert.isAtMost(counts.queries, 2 * events)
      aborting.abort()
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
})

const records = 100
const changes = 60
const bytes = 30_000

const thing = (label: string) => ({
  owner: "ann",
  isShared: true,
  label,
  count: 0,
  rate: 0,
  tags: [],
  note: null,
  part: { name: "", cost: 0 },
  secret: ""
})

/** The texts of the frames with data that a socket gets. */
const dataOf = (text: string) => text.split("\n").flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : []))

describe("a client that does not read", () => {
  it.live("costs a bounded memory, and gets the latest result when it reads on", () =>
    Effect.gen(function* () {
      const front = yield* started(memory, things)
      const sockets: Array<Socket> = []
      front.node.on("connection", (socket: Socket) => sockets.push(socket))
      const put = (id: number, label: string) =>
        front.json(`/aggregates/Thing/${String(id).padStart(3, "0")}/Put`, {
          body: thing(label),
          headers: { prefer: "wait=60" }
        })
      yield* Effect.forEach(Array.from({ length: records }), (_, i) => put(i, "x".repeat(bytes)), {
        concurrency: 10,
        discard: true
      })
      const page = records * bytes
      const already = sockets.length
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => connect(Number(new URL(front.url).port), "127.0.0.1")),
        (socket) => Effect.sync(() => socket.destroy())
      )
      let text = ""
      client.setEncoding("utf8").on("data", (part: string) => {
        text += part
        if (!text.includes(": it begins")) return
        client.pause()
      })
      client.write("GET /live/Things?limit=100 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer eve:auditor\r\n\r\n")
      yield* until(Effect.sync(() => text.includes(": it begins")))
      let most = 0
      for (let i = 0; i < changes; i++) {
        yield* put(i, `${i}`)
        most = Math.max(most, ...sockets.slice(already).map(({ writableLength }) => writableLength))
      }
      // What waits in the process for this client is the frame that is being sent, and not one for each change.
      assert.isAtMost(most, 2 * page)
      client.removeAllListeners("data").on("data", (part: string) => {
        text += part
      })
      client.resume()
      const isLatest = (data: string) => data.includes(`"label":"${changes - 1}"`)
      yield* until(Effect.sync(() => dataOf(text).some((data) => isLatest(data) && data.endsWith("}"))))
      assert.isBelow(dataOf(text).length, changes)
    })
  )
})
