// Starts an embedded Postgres with as many databases as the argument says, writes their URLs as one line of JSON, and
// stops the server when its input ends. Runs on the sources of the packages: node --conditions=@hexfold/source.
import { once } from "node:events"
import { EmbeddedPostgres } from "@hexfold/adapters-pg"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"

const count = Number(process.argv[2])

const program = Effect.gen(function* () {
  const { url } = yield* EmbeddedPostgres.EmbeddedPostgres
  const sql = yield* SqlClient.SqlClient
  const urls = yield* Effect.forEach(
    Array.from({ length: count }, (_, i) => `docs_${i + 1}`),
    (name) =>
      Effect.map(sql.unsafe(`create database ${name}`), () => {
        const database = new URL(Redacted.value(url))
        database.pathname = `/${name}`
        return database.href
      })
  )
  console.log(JSON.stringify(urls))
  process.stdin.resume()
  yield* Effect.promise(() => once(process.stdin, "end"))
})

const parameters = { max_connections: 200, fsync: "off" }
await Effect.runPromise(Effect.provide(program, EmbeddedPostgres.layerClient({ parameters })))
