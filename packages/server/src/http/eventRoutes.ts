/** The route of the feed of events. */
import type { Api, EventStore } from "@hexfold/core"
import { Effect, Stream } from "effect"
import { HttpServerRequest } from "effect/http"
import { InvalidRequest } from "../errors.ts"
import { eventsOf } from "../serving/events.ts"
import { framed } from "./live.ts"
import { identified, type Route } from "./routes.ts"

/** The route of the feed, if the policies let somebody read events. */
export const eventRoutes = (api: Api.Any): ReadonlyArray<Route> => {
  if (api.rules.events.size === 0) return []
  const { feed } = eventsOf(api)
  return [
    {
      method: "GET",
      path: "/events",
      handle: (request) =>
        Effect.gen(function* () {
          const { caller, until } = yield* identified(request)
          const params = yield* HttpServerRequest.ParsedSearchParams
          const { from, ...given } = params
          const unknown = Object.keys(given).find((name) => !["after", "aggregates", "types"].includes(name))
          if (unknown !== undefined) return yield* invalid(unknown, "there is no such parameter")
          if (from !== undefined && from !== "now") return yield* invalid("from", "it can only be now")
          // A client that comes again says with its header where it was.
          const place = request.headers["last-event-id"] ?? given["after"]
          const after = place === undefined ? undefined : yield* positionOf(place)
          const steps = yield* feed({
            caller,
            ...(after === undefined ? {} : { after }),
            ...(from === undefined || after !== undefined ? {} : { from: "now" as const }),
            ...listed("aggregates", given["aggregates"]),
            ...listed("types", given["types"])
          })
          const frames = Stream.map(steps, ({ event, resume }) => {
            const id = `id: ${resume.history}-${resume.position}\n`
            // A place without an event is remembered by the client, and shown to nobody.
            return event === undefined ? `${id}\n` : `${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
          })
          return yield* framed(frames, until)
        })
    }
  ]
}

const listed = (name: "aggregates" | "types", value: string | ReadonlyArray<string> | undefined) =>
  value === undefined ? {} : { [name]: [value].flat().flatMap((text) => text.split(",")) }

const positionOf = (place: string | ReadonlyArray<string>): Effect.Effect<EventStore.Position, InvalidRequest> => {
  const found = typeof place === "string" ? /^(\d{1,15})-(\d{1,15})$/.exec(place) : null
  return found === null
    ? invalid("after", "it is no history and position, such as 1-42")
    : Effect.succeed({ history: Number(found[1]), position: Number(found[2]) })
}

const invalid = (part: string, detail: string): Effect.Effect<never, InvalidRequest> =>
  Effect.fail(new InvalidRequest({ part, detail }))
