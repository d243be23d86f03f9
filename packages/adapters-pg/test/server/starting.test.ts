import { createConnection, createServer, type Socket } from "node:net"
import type { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { PgEventStore } from "@hexfold/adapters-pg"
import { Deferred, Effect, Fiber, Layer, Redacted } from "effect"
import { describe } from "vitest"
import { client, newSchema, url } from "../support/database.ts"

/** What a server answers to a connection while it starts, or when it refuses it for another reason. */
const refusal = (code: string, message: string): Buffer => {
  const fields = Buffer.from(["SFATAL", "VFATAL", `C${code}`, `M${message}`, ""].map((field) => `${field}\0`).join(""))
  const header = Buffer.alloc(5)
  header.write("E")
  header.writeUInt32BE(fields.length + 4, 1)
  return Buffer.concat([header, fields])
}

const isTlsRequest = (data: Buffer): boolean => data.length === 8 && data.readUInt32BE(4) === 80_877_103

/** A server that refuses the first connections, and passes the others to the tests' server. */
const refusing = (first: number, code: string, message: string, port = 0) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: Redacted.Redacted; readonly count: () => number; readonly end: () => void }>(
      (resume) => {
        const to = new URL(Redacted.value(url()))
        const sockets = new Set<Socket>()
        let count = 0
        const server = createServer((socket) => {
          sockets.add(socket.on("error", () => socket.destroy()))
          const refuses = ++count <= first
          if (refuses) {
            socket.on("data", (data: Buffer) => {
              if (isTlsRequest(data)) socket.write("N")
              else socket.end(refusal(code, message))
            })
            return
          }
          const through = createConnection({ host: to.hostname, port: Number(to.port) })
          sockets.add(through.on("error", () => through.destroy()))
          socket.pipe(through).pipe(socket)
        })
        const end = () => {
          server.close()
          for (const socket of sockets) socket.destroy()
        }
        server.listen(port, "127.0.0.1", () => {
          const address = server.address()
          const at = new URL(to)
          at.hostname = "127.0.0.1"
          at.port = `${typeof address === "object" ? address!.port : 0}`
          resume(Effect.succeed({ url: Redacted.make(at.href), count: () => count, end }))
        })
      }
    ),
    ({ end }) => Effect.sync(end)
  )

const starting = ["57P03", "the database system is starting up"] as const

/** Makes a schema, and opens the store on it. */
const open = (url: Redacted.Redacted, options: PgEventStore.Options) =>
  Effect.scoped(Effect.asVoid(Layer.build(PgEventStore.layerUrl(url, options))))

/** The schemas of this name. */
const schemas = (sql: PgClient.PgClient, schema: string) => sql`select from pg_namespace where nspname = ${schema}`

describe("a start", () => {
  for (const migrate of [true, false]) {
    it.live(`waits for a server that is starting, migrate: ${migrate}`, () =>
      Effect.gen(function* () {
        const schema = yield* newSchema
        if (!migrate) yield* open(url(), { schema })
        const server = yield* refusing(3, ...starting)
        yield* open(server.url, { schema, migrate, startTimeout: "1 minute" })
        assert.isAbove(server.count(), 3)
        assert.lengthOf(yield* schemas(yield* client(), schema), 1)
      })
    )
  }

  it.live("waits for a server to which nobody listens yet", () =>
    Effect.gen(function* () {
      const schema = yield* newSchema
      const before = yield* refusing(0, ...starting)
      before.end()
      const failed = yield* Deferred.make<void>()
      const { port } = new URL(Redacted.value(before.url))
      const opening = yield* Effect.forkChild(open(before.url, { schema, startTimeout: "1 minute" }), {
        startImmediately: true
      })
      createConnection({ host: "127.0.0.1", port: Number(port) }).on("error", () =>
        Deferred.doneUnsafe(failed, Effect.void)
      )
      yield* Deferred.await(failed)
      const server = yield* refusing(0, ...starting, Number(port))
      yield* Fiber.join(opening)
      assert.isAbove(server.count(), 0)
    })
  )

  it.live("waits no longer than its limit, and tries again until then", () =>
    Effect.gen(function* () {
      const server = yield* refusing(Infinity, ...starting)
      const error = yield* Effect.flip(open(server.url, { startTimeout: "350 millis" }))
      assert.include(error.message, starting[1])
      assert.isTrue(error.isRetryable)
      assert.isAbove(server.count(), 1)
    })
  )

  it.live("does not wait if another reason than a start keeps it out", () =>
    Effect.gen(function* () {
      for (const [code, message] of [
        ["53300", "sorry, too many clients already"],
        ["28P01", "password authentication failed"]
      ] as const) {
        const server = yield* refusing(Infinity, code, message)
        const error = yield* Effect.flip(open(server.url, { startTimeout: "1 minute" }))
        assert.include(error.message, message)
        assert.strictEqual(server.count(), 1)
      }
    })
  )
})
