/** Calls of an API over HTTP. */
import { Effect, Option, Stream } from "effect"
import type { Calls, ExecuteOptions } from "./calls.ts"
import { encoded } from "./commands.ts"
import { followed } from "./following.ts"
import { liveStateOf, pagesOf, stateOf } from "./reading.ts"
import { answerOf, isBoundary, type Known } from "./receipts.ts"
import { type Connection, jsonOf, problemOf, send } from "./requests.ts"
import { addressOf, headersOf, keyOf } from "./sending.ts"

/** Calls of an API over HTTP. Receipts of boundaries have the events of the aggregates that are known. */
export const httpCalls = (connection: Connection, known: Known): Calls => ({
  execute: (target, id, command, options: ExecuteOptions<number>) =>
    Effect.gen(function* () {
      const body = yield* encoded(target, command)
      const { path, stream } = isBoundary(target)
        ? { path: `/commands/${target.name}`, stream: target.name }
        : yield* addressOf(target, id, body)
      const response = yield* send(connection, { path, body, headers: yield* headersOf(options) })
      return yield* answerOf({ target, stream }, known, yield* jsonOf(response))
    }),

  query: (view, query) =>
    Effect.gen(function* () {
      const { body, status } = yield* jsonOf(yield* send(connection, { path: `/views/${view.name}`, body: query }))
      return status === 200 ? yield* pagesOf(view, query)(body) : yield* problemOf(status, body)
    }),

  record: (view, key) =>
    Effect.gen(function* () {
      const path = `/views/${view.name}/${yield* keyOf(key)}`
      const { body, status } = yield* jsonOf(yield* send(connection, { path }))
      // An address that the API does not have has another answer.
      if (status === 404 && body["title"] === "NotFound") return Option.none()
      return status === 200 ? Option.some(yield* stateOf(view)(body)) : yield* problemOf(status, body)
    }),

  live: (view, query) =>
    Stream.mapEffect(followed(connection, { path: `/live/${view.name}`, body: query }, "page"), pagesOf(view, query)),

  liveRecord: (view, key) =>
    Stream.unwrap(
      Effect.map(keyOf(key), (last) =>
        Stream.mapEffect(followed(connection, { path: `/live/${view.name}/${last}` }, "record"), liveStateOf(view))
      )
    )
})
