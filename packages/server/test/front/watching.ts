/** Stores that count what is asked of them, and who follows them. */
import { EventStore, ProjectionStore, ViewStore } from "@hexfold/core"
import { Context, Effect, Stream } from "effect"
import type { Stores } from "./Front.ts"

/** What is counted. */
export interface Counts {
  queries: number
  followers: number
}

/** Stores whose queries and followers are counted. */
export const counted =
  (stores: Stores, counts: Counts): Stores =>
  (views) =>
    Effect.map(stores(views), (supplied) => {
      const events = Context.get(supplied, EventStore.EventStore)
      const records = Context.get(supplied, ViewStore.ViewStore)
      const counting: ViewStore.ViewStore["Service"] = {
        ...records,
        query: ((query: never, version: number) =>
          Effect.suspend(() => {
            counts.queries++
            return records.query(query, version)
          })) as typeof records.query
      }
      const followed: EventStore.EventStore["Service"] = {
        ...events,
        horizons: Stream.suspend(() => {
          counts.followers++
          return Stream.ensuring(
            events.horizons,
            Effect.sync(() => counts.followers--)
          )
        })
      }
      return Context.make(EventStore.EventStore, followed).pipe(
        Context.add(ViewStore.ViewStore, counting),
        Context.add(ProjectionStore.ProjectionStore, Context.get(supplied, ProjectionStore.ProjectionStore))
      )
    })
