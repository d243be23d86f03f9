/** Schedules: streams of the library that say which ticks are done, and the view of the next ones. */
import * as Schema from "effect/Schema"
import * as Aggregate from "../Aggregate.ts"
import * as Decision from "../Decision.ts"
import * as View from "../View.ts"

// Times are milliseconds. `next` is the tick that comes after `at`.
const fields = { at: Schema.Int, next: Schema.Int }

const Start = Schema.TaggedStruct("StartSchedule", fields)
const Tick = Schema.TaggedStruct("TickSchedule", { ...fields, skipped: Schema.Boolean })
const Started = Schema.TaggedStruct("ScheduleStarted", fields)
const Ticked = Schema.TaggedStruct("ScheduleTicked", { ...fields, skipped: Schema.Boolean })

/** A schedule, by its name. Its state is the time of its last tick, or of its start. */
export const Schedule = Aggregate.make("Hexfold_Schedule", {
  id: Schema.String,
  state: Schema.NullOr(Schema.Int),
  initial: null,
  commands: [Start, Tick],
  events: [Started, Ticked],
  decide: {
    StartSchedule: ({ at, next }, last) =>
      last === null ? Decision.accept({ _tag: "ScheduleStarted", at, next }) : Decision.nothing,
    TickSchedule: ({ at, next, skipped }, last) =>
      last === null || at > last ? Decision.accept({ _tag: "ScheduleTicked", at, next, skipped }) : Decision.nothing
  },
  evolve: {
    ScheduleStarted: (_, { at }) => at,
    ScheduleTicked: (_, { at }) => at
  }
})

/** The schedules by their names, with the last tick and the next one. */
export const Schedules = View.make("Hexfold_Schedules", {
  from: [Schedule],
  state: Schema.Struct({
    last: Schema.NullOr(Schema.Int),
    next: Schema.Int,
    /** The number of ticks that nobody was there for, and that were left out. */
    skipped: Schema.Int
  }),
  indexes: ["next"],
  evolve: {
    ScheduleStarted: (_, { next }) => ({ last: null, next, skipped: 0 }),
    ScheduleTicked: (record, { at, next, skipped }) => ({
      last: skipped ? (record?.last ?? null) : at,
      next,
      skipped: (record?.skipped ?? 0) + (skipped ? 1 : 0)
    })
  }
})
