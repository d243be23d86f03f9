import { assert, describe, it } from "@effect/vitest"
import { MemoryStores } from "@hexfold/adapters-memory"
import { EventStore, ViewStore } from "@hexfold/core"
import { Authenticator } from "@hexfold/server"
import { GraphQlWs } from "@hexfold/server/graphql/ws"
import { Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { Socket } from "effect/socket"
import { TestClock } from "effect/testing"
import { open } from "../http/bank.ts"
import { counting, until } from "./counting.ts"
import { listening, listeningOn } from "./sockets.ts"

interface Message {
  readonly type: string
  readonly id?: string
  readonly payload?: ReadonlyArray<{ readonly message: string }>
}

/** A socket that sends what it is told to, until the scope closes. */
const raw = (host: string) =>
  Effect.gen(function* () {
    const received: Array<Message> = []
    const codes: Array<number> = []
    const socket = yield* Effect.acquireRelease(
      Effect.promise(
        () =>
          new Promise<WebSocket>((resolve, reject) => {
            const socket = new WebSocket(`ws://${host}/graphql/ws`, "graphql-transport-ws")
            socket.onmessage = ({ data }) => received.push(JSON.parse(String(data)) as Message)
            socket.onclose = ({ code }) => codes.push(code)
            socket.onopen = () => resolve(socket)
            socket.onerror = () => reject(new Error("the socket does not open"))
          })
      ),
      (socket) => Effect.sync(() => socket.close())
    )
    const send = (message: object) => socket.send(JSON.stringify(message))
    const subscribe = (id: string, query: string) => send({ id, type: "subscribe", payload: { query } })
    const greet = Effect.suspend(() => {
      send({ type: "connection_init" })
      return until(() => received.some(({ type }) => type === "connection_ack"))
    })
    return { codes, greet, received, send, socket, subscribe }
  })

/** Stores whose queries and reads of streams have no answer, and say how many wait for one. */
const silent = Effect.gen(function* () {
  const waiting = { queries: 0, reads: 0 }
  const never = (kind: keyof typeof waiting) =>
    Effect.suspend(() => {
      waiting[kind]++
      return Effect.onInterrupt(Effect.never, () => Effect.sync(() => void waiting[kind]--))
    })
  const { stores } = yield* counting
  return {
    waiting,
    stores: stores.pipe(
      Context.add(ViewStore.ViewStore, {
        ...Context.get(stores, ViewStore.ViewStore),
        query: () => never("queries")
      }),
      Context.add(EventStore.EventStore, {
        ...Context.get(stores, EventStore.EventStore),
        readStreams: () => never("reads")
      })
    )
  }
})

const query = `{ accounts { nodes { key } } }`

describe("what one socket may ask", () => {
  it.live("counts an operation until it has ended, also one that the client has completed", () =>
    Effect.gen(function* () {
      const { stores, waiting } = yield* silent
      const host = yield* listeningOn(open, { maxOperations: 2 }, Layer.succeedContext(stores))
      const { greet, received, send, subscribe } = yield* raw(host)
      yield* greet
      for (const id of ["1", "2"]) {
        subscribe(id, query)
        yield* until(() => waiting.queries === Number(id))
        send({ id, type: "complete" })
      }
      subscribe("3", query)
      yield* until(() => received.some(({ id }) => id === "3"))
      const answer = received.find(({ id }) => id === "3")
      assert.strictEqual(answer?.type, "error")
      assert.strictEqual(answer?.payload?.[0]?.message, "a socket has up to 2 operations")
      assert.strictEqual(waiting.queries, 2)
    })
  )

  it.live("has room for an operation again when one has ended, however it ended", () =>
    Effect.gen(function* () {
      const host = yield* listening(open, { maxOperations: 1 })
      const { greet, received, send, subscribe } = yield* raw(host)
      yield* greet
      const typesOf = (asked: string) => received.filter(({ id }) => id === asked).map(({ type }) => type)
      const live = `subscription { accounts { nodes { key } } }`
      const operations = [
        query,
        "{ nothing }",
        live,
        `subscription { accounts(first: 0) { nodes { key } } }`,
        live,
        query
      ]
      for (const [id, each] of operations.entries()) {
        subscribe(`${id}`, each)
        yield* until(() => typesOf(`${id}`).length > 0)
        if (each === live) send({ id: `${id}`, type: "complete" })
        else yield* until(() => typesOf(`${id}`).at(-1) !== "next")
      }
      assert.deepStrictEqual(
        operations.map((_, id) => typesOf(`${id}`)),
        [["next", "complete"], ["error"], ["next"], ["next", "complete"], ["next"], ["next", "complete"]]
      )
    })
  )

  it.live("is interrupted when the socket closes, whoever closes it", () =>
    Effect.gen(function* () {
      const { stores, waiting } = yield* silent
      const host = yield* listeningOn(open, {}, Layer.succeedContext(stores))
      const asking = Effect.gen(function* () {
        const asked = yield* raw(host)
        yield* asked.greet
        asked.subscribe("1", query)
        asked.subscribe("2", `mutation { accountDeposit(id: "a", input: { cents: 5 }) { __typename } }`)
        yield* until(() => waiting.queries === 1 && waiting.reads === 1)
        return asked
      })
      const leaving = yield* asking
      leaving.socket.close()
      yield* until(() => waiting.queries === 0 && waiting.reads === 0)
      const refused = yield* asking
      refused.socket.send("no message")
      yield* until(() => waiting.queries === 0 && waiting.reads === 0)
      yield* until(() => refused.codes.length === 1)
      assert.deepStrictEqual(refused.codes, [4400])
    })
  )

  it.effect("lasts as long as its client answers pings", () =>
    Effect.gen(function* () {
      const host = yield* listening(open, { keepAlive: "12 seconds" })
      const [answering, silent, beside] = [yield* raw(host), yield* raw(host), yield* raw(host)]
      answering.socket.addEventListener("message", ({ data }) => {
        if (String(data).includes(`"ping"`)) answering.send({ type: "pong" })
      })
      for (const { greet } of [answering, silent, beside]) yield* greet
      const count = (of: typeof beside, type: string) => of.received.filter((message) => message.type === type).length
      for (let second = 1; second <= 60; second++) {
        yield* TestClock.adjust("1 second")
        // The clock waits until another socket has sent a message and has its answer. A pong arrives in this time.
        beside.send({ type: "ping" })
        yield* until(() => count(beside, "pong") === second)
      }
      yield* until(() => silent.codes.length === 1)
      assert.deepStrictEqual(silent.codes, [1013])
      assert.deepStrictEqual(answering.codes, [])
      assert.isAtLeast(count(answering, "ping"), 4)
    })
  )

  it.live("is counted in bytes", () =>
    Effect.gen(function* () {
      const host = yield* listening(open, { maxMessageBytes: 1_000 })
      const { codes, greet, received, send } = yield* raw(host)
      yield* greet
      send({ type: "ping", payload: { text: "x".repeat(900) } })
      yield* until(() => received.some(({ type }) => type === "pong"))
      send({ type: "ping", payload: { text: "\u20ac".repeat(400) } })
      yield* until(() => codes.length === 1)
      assert.deepStrictEqual(codes, [1009])
    })
  )

  it.live("begins soon", () =>
    Effect.gen(function* () {
      // It has been opened first, and its server waits longer.
      const patient = yield* raw(yield* listening(open, { connectionInitTimeout: "1 minute" }))
      const { codes } = yield* raw(yield* listening(open, { connectionInitTimeout: "20 millis" }))
      yield* until(() => codes.length === 1)
      assert.deepStrictEqual(codes, [4408])
      assert.deepStrictEqual(patient.codes, [])
    })
  )

  it.live("is not read while a client that reads nothing has messages in work", () =>
    Effect.gen(function* () {
      let read = 0
      const ping = JSON.stringify({ type: "ping" })
      const socket = Socket.make({
        reader: Effect.succeed({
          pull: Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => {
              read++
              return [ping] as const
            })
          ),
          upgrade: () => Effect.never
        }),
        writer: Effect.succeed({ write: () => Effect.never, writeAll: () => Effect.never })
      })
      const request = HttpServerRequest.fromWeb(
        new Request("http://bank.example/graphql/ws", {
          headers: { "sec-websocket-protocol": "graphql-transport-ws" }
        })
      )
      const routes = GraphQlWs.layer(open, { maxOperations: 4 }).pipe(
        Layer.provide([Authenticator.layerNobody, MemoryStores.layer({ views: open.views })])
      )
      const app = yield* HttpRouter.toHttpEffect(routes)
      const opened = new Proxy(request, {
        get: (target, name) => (name === "upgrade" ? Effect.succeed(socket) : Reflect.get(target, name, target))
      })
      yield* Effect.forkScoped(Effect.provideService(app, HttpServerRequest.HttpServerRequest, opened))
      yield* until(() => read === 21)
      for (let turn = 0; turn < 100; turn++) yield* Effect.promise(() => new Promise((resume) => setImmediate(resume)))
      assert.strictEqual(read, 21)
    })
  )
})
