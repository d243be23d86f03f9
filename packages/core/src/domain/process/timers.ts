/** Timers: streams of the library, and the view of those that wait. */
import * as Schema from "effect/Schema"
import * as Aggregate from "../Aggregate.ts"
import * as Decision from "../Decision.ts"
import * as View from "../View.ts"
import type { Consumer } from "../view/consumer.ts"

/** What a timer is for: a timeout of a process, or a command to an aggregate or a boundary. */
const Purpose = Schema.Union([
  Schema.TaggedStruct("Timeout", { process: Schema.String, key: Schema.String, name: Schema.String }),
  Schema.TaggedStruct("Command", {
    target: Schema.String,
    id: Schema.optionalKey(Schema.Json),
    command: Schema.Json
  })
])

// A time is kept in milliseconds, so that the view finds the next ones by an index.
const fields = { at: Schema.Int, for: Purpose }

const SetTimer = Schema.TaggedStruct("SetTimer", fields)
const FireTimer = Schema.TaggedStruct("FireTimer", {})
const CancelTimer = Schema.TaggedStruct("CancelTimer", {})
const TimerSet = Schema.TaggedStruct("TimerSet", fields)
const TimerFired = Schema.TaggedStruct("TimerFired", fields)
const TimerCancelled = Schema.TaggedStruct("TimerCancelled", {})

/** The event of a timer whose time has come. */
export type Fired = typeof TimerFired.Type

const State = Schema.Struct({
  status: Schema.Literals(["none", "waiting", "fired", "cancelled"]),
  timer: Schema.NullOr(Schema.Struct(fields))
})

/**
 * A timer. It is set once, and then it fires or is cancelled: whichever comes first in its stream wins, and the other
 * one does nothing.
 */
export const Timer = Aggregate.make("Hexfold_Timer", {
  id: Schema.String,
  state: State,
  initial: { status: "none", timer: null },
  commands: [SetTimer, FireTimer, CancelTimer],
  events: [TimerSet, TimerFired, TimerCancelled],
  begins: ["SetTimer"],
  decide: {
    SetTimer: ({ at, for: purpose }, { status }) =>
      status === "none" ? Decision.accept({ _tag: "TimerSet", at, for: purpose }) : Decision.nothing,
    FireTimer: (_, { status, timer }) =>
      status === "waiting" ? Decision.accept({ _tag: "TimerFired", ...timer! }) : Decision.nothing,
    CancelTimer: (_, { status }) =>
      status === "waiting" ? Decision.accept({ _tag: "TimerCancelled" }) : Decision.nothing
  },
  evolve: {
    TimerSet: (_, { at, for: purpose }) => ({ status: "waiting", timer: { at, for: purpose } }),
    TimerFired: ({ timer }) => ({ status: "fired", timer }),
    TimerCancelled: ({ timer }) => ({ status: "cancelled", timer })
  }
})

/** Whether a consumer is given timers. */
export const hasTimers = ({ sources }: Pick<Consumer, "sources">): boolean =>
  sources.some(({ name }) => name === Timer.name)

/** The timers that wait, by their ids, with what has caused them. */
export const WaitingTimers = View.make("Hexfold_WaitingTimers", {
  from: [Timer],
  state: Schema.Struct({ ...fields, correlationId: Schema.String }),
  indexes: ["at"],
  evolve: {
    TimerSet: (_, { at, for: purpose }, { metadata: { correlationId } }) => ({ at, for: purpose, correlationId }),
    TimerFired: () => undefined,
    TimerCancelled: () => undefined
  }
})
