import { PgClient } from "@effect/sql-pg"
import { EmbeddedPostgres, PgStores } from "@hexfold/adapters-pg"
import type { View } from "@hexfold/core"
import { Context, Effect, Layer, Redacted, type Scope } from "effect"

export interface Database {
  readonly name: string
  readonly url: Redacted.Redacted
}

/** The server of the tests. */
export class Server extends Context.Service<
  Server,
  {
    /** Makes a new database, empty or a copy of a database without connections. It is removed with the scope. */
    readonly newDatabase: (template?: Database) => Effect.Effect<Database, never, Scope.Scope>
  }
>()("Server") {}

const serverAt = (url: Redacted.Redacted) =>
  Layer.effect(
    Server,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      let made = 0
      const create = (template: string) =>
        Effect.gen(function* () {
          const name = `travel_${process.pid}_${Date.now()}_${++made}`
          yield* sql.unsafe(`create database ${name} template ${template}`)
          const own = new URL(Redacted.value(url))
          own.pathname = `/${name}`
          return { name, url: Redacted.make(own.href) }
        })
      return {
        newDatabase: (template) =>
          Effect.acquireRelease(Effect.orDie(create(template?.name ?? "template1")), ({ name }) =>
            Effect.orDie(sql.unsafe(`drop database ${name} with (force)`))
          )
      }
    })
  ).pipe(Layer.provide(PgClient.layer({ url })))

const given = process.env["HEXFOLD_TEST_DATABASE_URL"]

/** The server that HEXFOLD_TEST_DATABASE_URL names, or an embedded one. */
export const server =
  given === undefined || given === ""
    ? Layer.unwrap(Effect.map(EmbeddedPostgres.EmbeddedPostgres, ({ url }) => serverAt(url))).pipe(
        Layer.provide(EmbeddedPostgres.layer())
      )
    : serverAt(Redacted.make(given))

/** The stores in a database. */
export const storesIn = ({ url }: Pick<Database, "url">, views: ReadonlyArray<View.Any> = []) =>
  PgStores.layer({ views }).pipe(Layer.provide(PgClient.layer({ url })))
