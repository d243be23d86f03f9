import { createConnection, createServer, type Socket } from "node:net"
import { PgClient } from "@effect/sql-pg"
import { PgEventStore, PgViewStore } from "@hexfold/adapters-pg"
import { ProjectionContract } from "@hexfold/testing/contracts"
import { Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { client, newSchema, url } from "./database.ts"

/** A way to the server that can be cut: the server sees its clients go, they hear nothing and notice a second later. */
const wire = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly cut: () => void; readonly end: () => void }>((resume) => {
    const to = new URL(Redacted.value(url()))
    const clients = new Set<Socket>()
    const servers = new Set<Socket>()
    let isCut = false
    const listening = createServer((client) => {
      clients.add(client.on("error", () => client.destroy()))
      if (isCut) return
      const server = createConnection({ host: to.hostname, port: Number(to.port) })
      servers.add(server.on("error", () => server.destroy()))
      server.on("data", (data) => client.write(data))
      client.on("data", (data) => server.write(data))
      client.on("close", () => server.destroy())
      server.on("close", () => isCut || client.destroy())
    })
    const end = () => {
      isCut = true
      listening.close()
      for (const socket of [...servers, ...clients]) socket.destroy()
    }
    const cut = () => {
      isCut = true
      for (const server of servers) server.destroy()
      setTimeout(end, 1_000)
    }
    listening.listen(0, "127.0.0.1", () => {
      const address = listening.address()
      resume(Effect.succeed({ port: typeof address === "object" ? address!.port : 0, cut, end }))
    })
  }),
  ({ end }) => Effect.sync(end)
)

ProjectionContract.suite(
  "Postgres",
  Layer.effect(
    ProjectionContract.Backend,
    Effect.map(newSchema, (schema) => ({
      open: Effect.gen(function* () {
        const { cut, end, port } = yield* wire
        const through = new URL(Redacted.value(url()))
        through.hostname = "127.0.0.1"
        through.port = `${port}`
        const sql = yield* client({ url: Redacted.make(through.href) })
        // Before the client ends, which else waits for answers.
        yield* Effect.addFinalizer(() => Effect.sync(end))
        // Polls so seldom that a projection which is not woken makes its case time out.
        const events = yield* PgEventStore.make({ schema, pollInterval: "1 hour" }).pipe(
          Effect.provideService(PgClient.PgClient, sql),
          Effect.provideService(SqlClient.SqlClient, sql)
        )
        const views = yield* Effect.provideService(PgViewStore.make({ schema }), SqlClient.SqlClient, sql)
        return {
          events,
          views,
          cut: Effect.sync(cut),
          transaction: (effect) =>
            sql
              .withTransaction(effect)
              .pipe(
                Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL READ COMMITTED"),
                Effect.catchTag("SqlError", Effect.die)
              )
        } satisfies ProjectionContract.Pair
      })
    }))
  )
)
