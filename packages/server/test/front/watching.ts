/** Stores that count what is asked of them, and who follows them. */
import { EventStore, ProjectionStore, ViewStore } from "@hexfold/core"
import { Context, Effect, Metric, Schedule, Stream } from "effect"
import type { Front, Stores } from "./Front.ts"

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

/** Waits until something holds. The limit of the test ends what never does. */
export const until = <E, R>(holds: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.asVoid(Effect.repeat(holds, { until: (does) => does, schedule: Schedule.spaced("20 millis") }))

/** The open connections of a server. */
export const connections = ({ node }: Front) =>
  Effect.promise(
    () =>
      new Promise<number>((resolve, reject) =>
        node.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
      )
  )

/** The fibers of this process that run now. */
export const fibers = Effect.map(Metric.snapshot, (all) => {
  const found = all.find(({ id }) => id === "child_fibers_active")
  return Number((found?.state as { readonly value: number | bigint } | undefined)?.value ?? 0)
})
