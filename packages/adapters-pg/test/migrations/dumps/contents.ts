import { EventStore, Projection, ViewStore } from "@hexfold/core"
import { DateTime, Effect, Stream } from "effect"
import { Courses, Parking, Places, Skipping, Stopping, Timetables } from "./courses.ts"

/** The views that answer queries. */
export const views = [Courses, Timetables, Places, Parking, Skipping, Stopping]

/** What the stores hold as plain JSON, to compare what is there before and after. */
export const contents = Effect.gen(function* () {
  const events = yield* EventStore.EventStore
  const records = yield* ViewStore.ViewStore
  const log = yield* Stream.runCollect(events.readAll())
  return {
    events: log.map(({ recordedAt, schemaVersion, ...event }) => ({
      ...event,
      // Dumps of earlier libraries do not name the version of a schema, which was always 1.
      ...(schemaVersion === 1 ? {} : { schemaVersion }),
      recordedAt: DateTime.formatIso(recordedAt)
    })),
    records: yield* Effect.forEach(views, ({ name, version }) =>
      Effect.map(records.query({ _tag: "Records", view: name, orderBy: [] }, version), ({ rows }) => ({
        view: name,
        rows
      }))
    ),
    deadLetters: (yield* Effect.forEach(views, (view) =>
      Effect.map(Stream.runCollect(Projection.deadLetters(view)), (letters) =>
        letters.map(({ error = null, key, parked, position }) => ({ view: view.name, key, parked, position, error }))
      )
    )).flat(),
    generations: (yield* records.status).map(({ build, inline, parts, replaced, serves, version, view }) => ({
      view,
      version,
      build,
      serves,
      replaced,
      inline,
      parts: parts.map(({ failure, position }) => ({ position, failed: failure !== undefined }))
    }))
  }
})
