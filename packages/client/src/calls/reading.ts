/** What an API answers about records, with the types of the view. */
import { Query } from "@hexfold/core"
import { Effect, type Option, type Result, Schema } from "effect"
import type { RemoteError } from "../errors.ts"
import type { AnyVersioned } from "./calls.ts"
import { unreadable } from "./unreadable.ts"

const Page = Schema.Struct({
  rows: Schema.Array(Schema.Struct({ key: Schema.String, state: Schema.Unknown })),
  next: Schema.optionalKey(Schema.String),
  total: Schema.optionalKey(Schema.Int)
})

const decodePage = Schema.decodeUnknownResult(Page, { errors: "all" })

/** Reads the pages of a query. */
export const pagesOf = <Row>(
  view: AnyVersioned,
  query: Query.Query<Row>
): ((body: unknown) => Effect.Effect<Query.Page<Row>, RemoteError>) => {
  const decode = Query.decoder(view, query)
  return (body) =>
    Effect.gen(function* () {
      // The last page has no cursor, and JSON no undefined.
      const { next, rows, ...page } = yield* read(decodePage(body))
      const decoded: Array<Query.Row<Row>> = []
      for (const [i, row] of rows.entries()) {
        // One row at a time, so that an error can say which.
        const found = yield* read(decode({ rows: [row as Query.Row<Schema.Json>], next: undefined }), [
          "rows",
          i,
          "state"
        ])
        decoded.push(...found.rows)
      }
      return { next, ...page, rows: decoded }
    })
}

/** Reads the state of a record, as an answer of its own has it. */
export const stateOf = (view: AnyVersioned): ((body: unknown) => Effect.Effect<unknown, RemoteError>) => {
  const decode = Schema.decodeUnknownResult(Schema.Struct({ state: Schema.toCodecJson(view.schemas.state) }), {
    errors: "all"
  })
  return (body) => Effect.map(read(decode(body)), ({ state }) => state)
}

/** Reads the state of a live record. It is null while there is no record. */
export const liveStateOf = (
  view: AnyVersioned
): ((body: unknown) => Effect.Effect<Option.Option<unknown>, RemoteError>) => {
  const whole = stateOf(view)
  return (body) => (isNone(body) ? Effect.succeedNone : Effect.asSome(whole(body)))
}

const isNone = Schema.is(Schema.Struct({ state: Schema.Null }))

const read = <A>(
  decoded: Result.Result<A, Schema.SchemaError>,
  within: ReadonlyArray<PropertyKey> = []
): Effect.Effect<A, RemoteError> => Effect.mapError(Effect.fromResult(decoded), (error) => unreadable(error, within))
