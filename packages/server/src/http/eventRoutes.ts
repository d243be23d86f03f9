/** The route of recorded events: the feed of all as they come, and the pages of one conversation. */
import type { Api } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { HttpServerRequest } from "effect/http"
import { eventsOf, placeOf, positionIn } from "../serving/events.ts"
import { framed } from "./live.ts"
import { identified } from "../web/identity.ts"
import { encoded } from "../web/liveStreams.ts"
import { checkParams, invalid, numberOf } from "./requests.ts"
import { json, type Route } from "./routes.ts"

/** The route of events, if the policies let somebody read them. */
export const eventRoutes = (api: Api.Any): ReadonlyArray<Route> => {
  if (api.rules.events.size === 0) return []
  const { conversation, feed } = eventsOf(api)
  return [
    {
      method: "GET",
      path: "/events",
      hasParameters: true,
      handle: (request) =>
        Effect.gen(function* () {
          const { caller, until } = yield* identified(request)
          const params = yield* HttpServerRequest.ParsedSearchParams
          const isConversation = Object.hasOwn(params, "correlationId")
          const known = ["after", "aggregates", "types", ...(isConversation ? ["correlationId", "limit"] : ["from"])]
          yield* checkParams(params, known)
          const { aggregates, correlationId, from, limit, types } = params
          const wanted = { caller, ...listed("aggregates", aggregates), ...listed("types", types) }
          if (isConversation) {
            if (typeof correlationId !== "string") return yield* invalid("correlationId", "it can be given only once")
            const after = params["after"] === undefined ? {} : { after: yield* positionOf(params["after"]) }
            const most = limit === undefined ? {} : { limit: yield* numberOf("limit", limit) }
            const { events, next } = yield* conversation({ ...wanted, ...after, ...most, correlationId })
            return json({ events, ...(next === undefined ? {} : { next: placeOf(next) }) })
          }
          if (from !== undefined && from !== "now") return yield* invalid("from", "it can only be now")
          // A client that comes again says with its header where it was.
          const place = request.headers["last-event-id"] ?? params["after"]
          const after = place === undefined ? undefined : yield* positionOf(place)
          const steps = yield* feed({
            ...wanted,
            ...(after === undefined ? {} : { after }),
            ...(from === undefined || after !== undefined ? {} : { from: "now" as const })
          })
          const frames = Stream.map(steps, ({ event, resume }) => {
            const id = `id: ${placeOf(resume)}\n`
            // A place without an event is remembered by the client, and shown to nobody.
            return encoded(
              event === undefined ? `${id}\n` : `${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
            )
          })
          return yield* framed(frames, until)
        })
    }
  ]
}

const listed = (name: "aggregates" | "types", value: string | ReadonlyArray<string> | undefined) =>
  value === undefined ? {} : { [name]: [value].flat().flatMap((text) => text.split(",")) }

const positionOf = (place: string | ReadonlyArray<string>) =>
  typeof place === "string" ? positionIn(place) : invalid("after", "it can be given only once")
