import { createConnection, createServer, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { PgEventStore, PgStores } from "@hexfold/adapters-pg"
import { EventStore, EventStoreError, StreamId } from "@hexfold/core"
import { Context, Effect, Exit, Layer, Redacted, type Scope } from "effect"
import { newSchema, url } from "../support/database.ts"
import { append } from "../support/events.ts"

/** What a server answers to a client that it does not let in. */
const refusal = (code: string, message: string): Buffer => {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`)
  const head = Buffer.alloc(5)
  head.write("E")
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}

/** A proxy to the tests' server that refuses the first connections as a server does that cannot serve yet. */
const refusing = (
  refusals: number,
  code: string,
  message: string
): Effect.Effect<{ readonly url: Redacted.Redacted; readonly connections: () => number }, never, Scope.Scope> => {
  const to = new URL(Redacted.value(url()))
  const sockets = new Set<Socket>()
  let connections = 0
  const listening = createServer((client) => {
    sockets.add(client.on("error", () => client.destroy()))
    if (++connections <= refusals) {
      client.once("data", () => client.end(refusal(code, message)))
      return
    }
    const server = createConnection({ host: to.hostname, port: Number(to.port) })
    sockets.add(server.on("error", () => server.destroy()))
    client.pipe(server).pipe(client)
    client.on("close", () => server.destroy())
  })
  return Effect.acquireRelease(
    Effect.callback((resume) => {
      listening.listen(0, "127.0.0.1", () => {
        const address = listening.address()
        const through = new URL(to)
        through.hostname = "127.0.0.1"
        through.port = `${typeof address === "object" ? address!.port : 0}`
        resume(Effect.succeed({ url: Redacted.make(through.href), connections: () => connections }))
      })
    }),
    () =>
      Effect.sync(() => {
        listening.close()
        for (const socket of sockets) socket.destroy()
      })
  )
}

const account = StreamId.make("Account", "1")
const starting = ["57P03", "the database system is starting up"] as const
const reasonOf = (exit: Exit.Exit<unknown, unknown>): string => {
  const [reason] = Exit.isFailure(exit) ? exit.cause.reasons : []
  const error = reason?._tag === "Fail" ? reason.error : undefined
  assert.instanceOf(error, EventStoreError)
  return error.reason._tag
}

describe("a layer that is opened while the server is starting", () => {
  for (const [name, layer] of [
    ["PgEventStore", PgEventStore.layerUrl],
    ["PgStores", PgStores.layerUrl]
  ] as const) {
    it.live(`waits for the server: ${name}`, () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        const server = yield* refusing(3, ...starting)
        const stores = yield* Layer.build(layer(server.url, { schema, startTimeout: "1 minute" }))
        assert.isAbove(server.connections(), 3)
        const appended = yield* append(Context.get(stores, EventStore.EventStore), account, 1)
        assert.strictEqual(appended.events[0]!.version, 1)
      })
    )
  }

  it.live("waits no longer than it may", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const server = yield* refusing(Number.POSITIVE_INFINITY, ...starting)
      const opening = Layer.build(PgEventStore.layerUrl(server.url, { schema, startTimeout: "500 millis" }))
      assert.strictEqual(reasonOf(yield* Effect.exit(opening)), "Unavailable")
      assert.isAbove(server.connections(), 1)
    })
  )

  it.live("does not wait where waiting does not help", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const server = yield* refusing(1, "28P01", "password authentication failed")
      const opening = Layer.build(PgEventStore.layerUrl(server.url, { schema, startTimeout: "1 minute" }))
      assert.strictEqual(reasonOf(yield* Effect.exit(opening)), "Rejected")
      assert.strictEqual(server.connections(), 1)
    })
  )
})
