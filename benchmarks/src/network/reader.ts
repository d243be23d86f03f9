/**
 * A process that reads the feed of events over HTTP, and writes each down. Whenever the stream ends it goes on with the id
 * that it has written last, at the other server.
 *   node reader.ts ORIGINS FOLDER
 */
import { Effect, Schedule, Stream } from "effect"
import { Sse } from "effect/encoding"
import { FetchHttpClient, HttpClient } from "effect/http"
import { join } from "node:path"
import { read, write } from "../kills/lines.ts"
import "../rounds/endWithParent.ts"
import type { FeedLine } from "./check.ts"

const [origins, folder] = process.argv.slice(2) as [string, string]
const file = join(folder, "feed.jsonl")
const servers = origins.split(",")

let last = read<FeedLine>(file).at(-1)?.feed
let attempt = 0

const once = Effect.gen(function* () {
  const client = yield* HttpClient.HttpClient
  const headers = { authorization: "Bearer auditor:auditor", ...(last === undefined ? {} : { "last-event-id": last }) }
  const response = yield* client.get(`${servers[attempt++ % servers.length]}/events`, { headers })
  if (response.status !== 200) return yield* Effect.fail(`the feed has answered ${response.status}`)
  yield* response.stream.pipe(
    Stream.decodeText,
    Stream.pipeThroughChannel(Sse.decode()),
    Stream.runForEach(({ data, event, id }) =>
      Effect.sync(() => {
        if (event === "error" || id === undefined) return
        const {
          data: fields,
          position,
          streamId
        } = JSON.parse(data) as {
          readonly position: number
          readonly streamId: string
          readonly data: { readonly n: number; readonly token: string }
        }
        write(file, { feed: id, position, stream: streamId, n: fields.n, token: fields.token } satisfies FeedLine)
        last = id
      })
    )
  )
})

// The end of a stream is no failure: it is one more reason to ask again.
const forever = Effect.repeat(Effect.ignore(once), Schedule.spaced("50 millis"))

await Effect.runPromise(Effect.provide(forever, FetchHttpClient.layer))
