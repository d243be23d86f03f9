import { readdirSync, readFileSync } from "node:fs"
import { assert, it } from "@effect/vitest"
import { PgMigrations } from "@hexfold/adapters-pg"
import {
  EventStore,
  Executor,
  Projection,
  ProjectionStore,
  Records,
  Snapshots,
  SnapshotStore,
  ViewStore
} from "@hexfold/core"
import { Effect, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { describe } from "vitest"
import { uncommented } from "../support/comments.ts"
import { newDatabase, storesOn } from "../support/database.ts"
import { contents, views } from "./dumps/contents.ts"
import { Course, Courses, CoursesBefore, Parking, Places, Skipping, Stopping, Timetables } from "./dumps/courses.ts"
import { restore } from "./dumps/dump.ts"
import { enrol } from "./dumps/fill.ts"

const folder = new URL("dumps/", import.meta.url)
const dumps = readdirSync(folder).flatMap((name) => (name.endsWith(".sql") ? [name.slice(0, -".sql".length)] : []))
const read = (name: string) => readFileSync(new URL(name, folder), "utf8")

describe("a dump of a filled database", () => {
  it("is there for this version of the schema", () => {
    assert.include(dumps, `version${PgMigrations.latest}`)
  })

  it.live.each(dumps)("%s is migrated, keeps all that it holds, and is worked with", (dump) =>
    Effect.gen(function* () {
      const sql = yield* newDatabase(dump)
      yield* restore(sql, read(`${dump}.sql`))
      yield* Effect.provideService(PgMigrations.run(), SqlClient.SqlClient, sql)
      assert.deepStrictEqual(yield* uncommented(sql, "hexfold"), [])
      const { events, projections, records, snapshots } = yield* storesOn(sql, { views: [Places] })
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(JSON.parse(JSON.stringify(yield* contents)), JSON.parse(read(`${dump}.json`)))
        const before = (yield* Stream.runCollect(events.readAll())).length

        // A snapshot of the dump, if it has one, is still the state of its stream.
        const loading = Executor.load(Course, "ts")
        const kept = yield* Effect.provide(loading, Snapshots.layer({ every: 1, of: [Course] })).pipe(
          Effect.provideService(SnapshotStore.SnapshotStore, snapshots)
        )
        assert.deepStrictEqual(kept, yield* loading)
        assert.lengthOf(yield* sql.unsafe("select version from hexfold.snapshots"), 1)

        // A repeated command is recognized, a new one is appended to both streams.
        yield* enrol("ts", "student 0", "enrol 0")
        assert.strictEqual((yield* Stream.runCollect(events.readAll())).length, before)
        yield* enrol("ts", "student 9", "enrol 9")
        const log = yield* Stream.runCollect(events.readAll())
        assert.deepStrictEqual(
          log.slice(before).map(({ position, streamId }) => [streamId, position]),
          [
            ["Course-ts", log[before - 1]!.position + 1],
            ["Student-student 9", log[before - 1]!.position + 2]
          ]
        )

        // The append has maintained the inline view, projections go on with the others.
        assert.isTrue((yield* records.status).find(({ view }) => view === Places.name)?.inline)
        for (const view of [Courses, Parking, Skipping]) yield* Projection.catchUp(view)
        // The version that does not answer, because it was replaced or because it was left, answers beside the other one.
        const former = (yield* records.status).find(({ version, view }) => view === Courses.name && version === 1)
        assert.isFalse(former?.serves)
        yield* Projection.catchUp(CoursesBefore)
        const [one, two] = yield* Effect.forEach([CoursesBefore, Courses], (view) => Records.getMany(view, ["ts"]))
        // Version 2 counts each student twice.
        assert.strictEqual(2 * one!.get("ts")!.students, two!.get("ts")!.students)
        yield* Projection.catchUp(Timetables, { parts: 3 })
        assert.strictEqual((yield* Effect.flip(Projection.catchUp(Stopping)))._tag, "ProjectionFailed")
        assert.deepStrictEqual((yield* Records.getMany(Timetables, ["student 9"])).get("student 9"), ["ts"])
        for (const view of views) {
          const { compared, different } = yield* Projection.verify(view)
          assert.deepStrictEqual([different, compared > 0], [0, true], view.name)
        }
        assert.strictEqual((yield* Projection.rebuild(Courses)).build, 4)
        const parts = (yield* records.status).reduce((sum, status) => sum + status.parts.length, 0)
        assert.lengthOf(
          yield* sql.unsafe("select view, records from hexfold.projections where records is not null"),
          parts
        )
        assert.lengthOf(yield* sql.unsafe("select version, data from hexfold.stream('Student-student 9')"), 1)
      }).pipe(
        Effect.provideService(EventStore.EventStore, events),
        Effect.provideService(ViewStore.ViewStore, records),
        Effect.provideService(ProjectionStore.ProjectionStore, projections)
      )
    })
  )
})
