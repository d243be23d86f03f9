/** The domain of the dumps. A dump holds its events and records, so a change here may make the former dumps unreadable. */
import { Aggregate, Boundary, Decision, View } from "@hexfold/core"
import { Schema } from "effect"

const Planned = Schema.TaggedStruct("CoursePlanned", { title: Schema.String, places: Schema.Int })
const Joined = Schema.TaggedStruct("StudentJoined", { student: Schema.String })
const Counted = Schema.TaggedStruct("CourseCounted", { course: Schema.String })

export const Plan = Schema.TaggedStruct("Plan", { title: Schema.String, places: Schema.Int })
export const Enrol = Schema.TaggedStruct("Enrol", { course: Schema.String, student: Schema.String })
const Join = Schema.TaggedStruct("Join", { student: Schema.String })
const Count = Schema.TaggedStruct("Count", { course: Schema.String })

export const Course = Aggregate.make("Course", {
  id: Schema.String,
  state: Schema.Struct({ title: Schema.String, places: Schema.Int, students: Schema.Array(Schema.String) }),
  initial: { title: "", places: 0, students: [] },
  commands: [Plan, Join],
  events: [Planned, Joined],
  errors: [],
  decide: {
    Plan: ({ places, title }) => Decision.accept(Planned.make({ title, places })),
    Join: ({ student }) => Decision.accept(Joined.make({ student }))
  },
  evolve: {
    CoursePlanned: (state, { places, title }) => ({ ...state, title, places }),
    StudentJoined: (state, { student }) => ({ ...state, students: [...state.students, student] })
  }
})

const Student = Aggregate.make("Student", {
  id: Schema.String,
  state: Schema.Struct({ courses: Schema.Array(Schema.String) }),
  initial: { courses: [] },
  commands: [Count],
  events: [Counted],
  errors: [],
  decide: { Count: ({ course }) => Decision.accept(Counted.make({ course })) },
  evolve: { CourseCounted: ({ courses }, { course }) => ({ courses: [...courses, course] }) }
})

/** A command on two streams. */
export const Enrolment = Boundary.make("Enrolment", {
  command: Enrol,
  participants: ({ course, student }) => ({ course: Course.at(course), student: Student.at(student) }),
  decide: ({ course, student }, states) =>
    Decision.all({
      course: Course.decide(Join.make({ student }), states.course),
      student: Student.decide(Count.make({ course }), states.student)
    })
})

const summary = Schema.Struct({ title: Schema.String, students: Schema.Int })

const courses = (version: number) =>
  View.make("Courses", {
    from: [Course],
    version,
    state: summary,
    indexes: ["title", ["students", "title"]],
    evolve: {
      CoursePlanned: (state: { readonly title: string; readonly students: number } | undefined, { title }) => ({
        title,
        students: state?.students ?? 0
      }),
      StudentJoined: (state: { readonly title: string; readonly students: number } | undefined) => ({
        title: state?.title ?? "",
        students: (state?.students ?? 0) + version
      })
    }
  })

/** Version 2 stands beside version 1. Its build 1 was replaced by build 2. */
export const [CoursesBefore, Courses] = [courses(1), courses(2)] as const

/** Divided into three parts. */
export const Timetables = View.make("Timetables", {
  from: [Course, Student],
  state: Schema.Array(Schema.String),
  key: (event, { id }) =>
    event._tag === "StudentJoined" ? event.student : event._tag === "CourseCounted" ? event.course : id,
  evolve: {
    StudentJoined: (entries: ReadonlyArray<string> = [], _, { id }) => [...entries, id],
    CourseCounted: (entries: ReadonlyArray<string> = [], _, { id }) => [...entries, id]
  }
})

/** Maintained by the appends. */
export const Places = View.make("Places", {
  from: [Course],
  consistency: "inline",
  state: Schema.Struct({ free: Schema.Int }),
  evolve: {
    CoursePlanned: (_: { readonly free: number } | undefined, { places }) => ({ free: places }),
    StudentJoined: (state: { readonly free: number } | undefined) => ({ free: (state?.free ?? 0) - 1 })
  }
})

const careful = <Name extends string>(name: Name, onPoison: View.OnPoison) =>
  View.make(name, {
    from: [Course],
    onPoison,
    state: Schema.Struct({ students: Schema.Array(Schema.String) }),
    evolve: {
      StudentJoined: (state: { readonly students: ReadonlyArray<string> } | undefined, { student }) => {
        if (student.startsWith("poison")) throw new Error(`no place for ${student}`)
        return { students: [...(state?.students ?? []), student] }
      }
    }
  })

/** Has a parked key, with an event that waits for it. */
export const Parking = careful("Parking", "park")

/** Has left events out. */
export const Skipping = careful("Skipping", "skip")

/** Has stopped at an event. */
export const Stopping = careful("Stopping", "stop")
