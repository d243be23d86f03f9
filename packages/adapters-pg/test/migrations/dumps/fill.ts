import { EventStore, Executor, Projection, ProjectionStore, StreamId } from "@hexfold/core"
import { DateTime, Duration, Effect } from "effect"
import {
  Course,
  Courses,
  CoursesBefore,
  Enrol,
  Enrolment,
  Parking,
  Places,
  Plan,
  Skipping,
  Stopping,
  Timetables
} from "./courses.ts"
import { appendOne } from "../../support/appendOne.ts"

/** Fills empty stores with one of everything that a schema can hold. */
export const fill = Effect.gen(function* () {
  for (const [i, id] of ["ts", "sql", "ünïcödé 🎓", long].entries()) {
    yield* Executor.execute(Course, id, Plan.make({ title: `Course "${i}" \\ 'quoted'`, places: 10 + i }), {
      commandId: `plan ${i}`
    })
    yield* Projection.catchUp(Places)
  }
  yield* Projection.catchUp(CoursesBefore)
  // It has to have caught up once to answer, before it comes to the event that stops it.
  yield* Projection.catchUp(Stopping)
  for (let i = 0; i < 24; i++) {
    const course = ["ts", "sql", "ünïcödé 🎓"][i % 3]!
    const student = i === 5 || i === 18 ? `poison ${i}` : `student ${i % 7}`
    yield* enrol(course, student, i % 2 === 0 ? `enrol ${i}` : undefined)
  }
  yield* Projection.catchUp(CoursesBefore)
  yield* Projection.catchUp(Courses)
  yield* Projection.rebuild(Courses)
  yield* Projection.catchUp(Timetables, { parts: 3 })
  yield* Projection.catchUp(Parking)
  yield* Projection.catchUp(Skipping)
  yield* Effect.ignore(Projection.catchUp(Stopping))
  // A build that nobody has finished.
  const projections = yield* ProjectionStore.ProjectionStore
  yield* projections.claim({
    generation: { view: Courses.name, version: Courses.version, build: 3 },
    owner: "nobody",
    lease: Duration.zero,
    after: 7
  })
  yield* enrol("ts", "student 8", "enrol last")
  // An imported event of a stream that no view follows.
  const id = "01890a5d-ac96-774b-bcce-b302099a8057"
  const recordedAt = DateTime.makeUnsafe("2003-04-05T06:07:08.009Z")
  yield* appendOne(yield* EventStore.EventStore, {
    writes: [
      {
        streamId: StreamId.make("Archive", "1"),
        events: [{ id, type: "Archived", data: {}, metadata: { correlationId: id, causationId: id }, recordedAt }]
      }
    ],
    conditions: []
  })
  // Two versions answer. Neither counts as left when the dump is restored, long after its last lease.
  yield* Projection.catchUp(CoursesBefore)
  yield* Projection.catchUp(Courses)
})

/** So long that an index holds its digest. */
const long = "€".repeat(700)

/** Enrols a student, with a command id or without. */
export const enrol = (
  course: string,
  student: string,
  commandId?: string
): Effect.Effect<unknown, unknown, EventStore.EventStore> =>
  Executor.execute(Enrolment, Enrol.make({ course, student }), commandId === undefined ? {} : { commandId })
