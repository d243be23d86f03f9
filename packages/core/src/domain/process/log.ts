/** The events of a process' own stream, and the instance that they make. */
import type * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import * as Aggregate from "../Aggregate.ts"
import { type Chain, isChain } from "../Versions.ts"

/** A command that has no answer yet. */
export interface Sending {
  /** The command's id. It is recorded before the command is sent, and is the same for each repetition. */
  readonly commandId: string
  /** The name of the aggregate or boundary. */
  readonly target: string
  /** The id of the aggregate, as JSON. A boundary has none. */
  readonly id?: Schema.Json
  readonly command: Schema.Json
}

/** A timeout that a process waits for. */
export interface Waiting {
  /** The id of the timer. It is another one each time that the timeout is asked for. */
  readonly timerId: string
  readonly name: string
  readonly at: DateTime.Utc
}

/** What has caused a step. */
export type Cause =
  | {
      readonly _tag: "Event"
      readonly stream: string
      readonly version: number
      readonly type: string
      readonly eventId: string
      readonly part: number
    }
  | { readonly _tag: "Rejection"; readonly commandId: string; readonly target: string; readonly error: Schema.Json }
  | { readonly _tag: "Timeout"; readonly timerId: string; readonly name: string }
  | {
      readonly _tag: "Order"
      readonly order: Order["order"]
      /** The event of the order, which says who has given it, and why. */
      readonly eventId: string
      /** The step that is taken again. It is one that an event, a rejection or a timeout has caused. */
      readonly step?: number
    }

/** What an operator orders. */
export interface Order {
  readonly order: "restart" | "cancel" | "resume"
  /** From which step the process is restarted. */
  readonly step?: number
  /** Whether commands that the step has recorded are executed again. */
  readonly commands?: "again" | "once"
  /** Who has ordered it. */
  readonly by: string
  readonly why: string
}

/** An operator has given an order. The step that carries it out comes after it. */
export interface Ordered extends Order {
  readonly _tag: "Ordered"
}

/** A step: what the process has decided. It is recorded before its commands go out. */
export interface Stepped<State> {
  readonly _tag: "Stepped"
  /** The number of the step, from 1 on. */
  readonly step: number
  readonly cause: Cause
  /** The state after the step. */
  readonly state: State
  readonly sends: ReadonlyArray<Sending>
  /** The timeouts that it asks for. */
  readonly timers: ReadonlyArray<Waiting>
  /** The ids of the timers that it takes back. */
  readonly cancels: ReadonlyArray<string>
  readonly ends: boolean
}

/** What a step has asked for was done: commands were accepted, timers were set or taken back. */
export interface Settled {
  readonly _tag: "Settled"
  readonly commandIds: ReadonlyArray<string>
  readonly timerIds: ReadonlyArray<string>
}

/** An event of the stream of a process. */
export type Fact<State> = Stepped<State> | Settled | Ordered

/** A process with a key, as its events make it. */
export interface Instance<State> {
  readonly status: "new" | "running" | "ended" | "cancelled"
  /** The number of its last step. */
  readonly step: number
  readonly state: State
  /** The commands that have no answer yet. */
  readonly sending: ReadonlyArray<Sending>
  /** The timeouts that it waits for. */
  readonly waiting: ReadonlyArray<Waiting>
  /** The timers that are not set yet. */
  readonly setting: ReadonlyArray<Waiting>
  /** The timers that are not taken back yet. */
  readonly cancelling: ReadonlyArray<string>
  /** What a process that was cancelled goes on with if it is resumed. */
  readonly held: Held | null
}

/** What a process had to do when it was cancelled. */
export interface Held {
  readonly sends: ReadonlyArray<Sending>
  readonly timers: ReadonlyArray<Waiting>
  /** Whether it had ended before. */
  readonly ended: boolean
}

/** The stream of a process, as an aggregate that nobody gives commands to. Its id is the key of the process. */
export type Log<State> = Aggregate.Aggregate<string, string, Instance<State>, never, Fact<State>, never>

/** A command as it is recorded. */
export const Send = Schema.Struct({
  commandId: Schema.String,
  target: Schema.String,
  id: Schema.optionalKey(Schema.Json),
  command: Schema.Json
})

const Timer = Schema.Struct({ timerId: Schema.String, name: Schema.String, at: Schema.DateTimeUtcFromString })

const CauseSchema = Schema.Union([
  Schema.TaggedStruct("Event", {
    stream: Schema.String,
    version: Schema.Int,
    type: Schema.String,
    eventId: Schema.String,
    part: Schema.Int
  }),
  Schema.TaggedStruct("Rejection", { commandId: Schema.String, target: Schema.String, error: Schema.Json }),
  Schema.TaggedStruct("Timeout", { timerId: Schema.String, name: Schema.String }),
  Schema.TaggedStruct("Order", {
    order: Schema.Literals(["restart", "cancel", "resume"]),
    eventId: Schema.String,
    step: Schema.optionalKey(Schema.Int)
  })
])

/** The fields of an order. */
export const orderFields = {
  order: Schema.Literals(["restart", "cancel", "resume"]),
  step: Schema.optionalKey(Schema.Int),
  commands: Schema.optionalKey(Schema.Literals(["again", "once"])),
  by: Schema.NonEmptyString,
  why: Schema.NonEmptyString
}

const OrderedSchema = Schema.TaggedStruct("Ordered", orderFields)

/** What a recorded step says besides the state, whichever version that has. */
export const StepHead = Schema.TaggedStruct("Stepped", {
  step: Schema.Int,
  cause: CauseSchema,
  sends: Schema.Array(Send)
})

/** What says that commands and timers of a process are done. */
export const SettledSchema = Schema.TaggedStruct("Settled", {
  commandIds: Schema.Array(Schema.String),
  timerIds: Schema.Array(Schema.String)
})

const stepped = <State>(state: Schema.Codec<State, unknown>) =>
  Schema.TaggedStruct("Stepped", {
    step: Schema.Int,
    cause: CauseSchema,
    state,
    sends: Schema.Array(Send),
    timers: Schema.Array(Timer),
    cancels: Schema.Array(Schema.String),
    ends: Schema.Boolean
  })

const instanceOf = <State>(state: Schema.Codec<State, unknown>) =>
  Schema.Struct({
    status: Schema.Literals(["new", "running", "ended", "cancelled"]),
    step: Schema.Int,
    state,
    sending: Schema.Array(Send),
    waiting: Schema.Array(Timer),
    setting: Schema.Array(Timer),
    cancelling: Schema.Array(Schema.String),
    held: Schema.NullOr(
      Schema.Struct({ sends: Schema.Array(Send), timers: Schema.Array(Timer), ended: Schema.Boolean })
    )
  })

/** The instance after an event of its stream. */
const evolve = {
  Stepped: <State>(before: Instance<State>, event: Stepped<State>): Instance<State> => {
    const { cancels, cause, ends, sends, state, step, timers } = event
    const answered = cause._tag === "Rejection" ? cause.commandId : undefined
    const over = new Set([...cancels, ...(cause._tag === "Timeout" ? [cause.timerId] : [])])
    const order = cause._tag === "Order" ? cause.order : undefined
    const isCancelled = order === "cancel"
    return {
      status: isCancelled ? "cancelled" : ends ? "ended" : "running",
      step,
      state,
      // What was sent before an order has no answer that counts.
      sending: [
        ...(order === undefined ? before.sending.filter(({ commandId }) => commandId !== answered) : []),
        ...sends
      ],
      waiting: [...before.waiting.filter(({ timerId }) => !over.has(timerId)), ...timers],
      setting: [...before.setting, ...timers],
      cancelling: [...before.cancelling, ...cancels],
      held: isCancelled ? { sends: before.sending, timers: before.waiting, ended: before.status === "ended" } : null
    }
  },
  Settled: <State>(before: Instance<State>, { commandIds, timerIds }: Settled): Instance<State> => {
    const accepted = new Set(commandIds)
    const done = new Set(timerIds)
    return {
      ...before,
      sending: before.sending.filter(({ commandId }) => !accepted.has(commandId)),
      setting: before.setting.filter(({ timerId }) => !done.has(timerId)),
      cancelling: before.cancelling.filter((timerId) => !done.has(timerId))
    }
  },
  Ordered: <State>(before: Instance<State>): Instance<State> => before
}

/** How the state of a process is declared: by a schema, or by the chain of its versions. */
export type StateOf<State> = Schema.Codec<State, unknown> | Chain<Schema.Codec<State, unknown>>

/** What an aggregate needs that is the stream of a process. */
export const declarationOf = <State>(state: StateOf<State>, initial: State) => {
  const current = isChain<Schema.Codec<State, unknown>>(state) ? state.current : state
  const fresh: Instance<State> = {
    status: "new",
    step: 0,
    state: initial,
    sending: [],
    waiting: [],
    setting: [],
    cancelling: [],
    held: null
  }
  return {
    id: Schema.String,
    state: instanceOf(current),
    initial: fresh,
    events: [isChain(state) ? chainOf(state) : stepped(current), SettledSchema, OrderedSchema] as const,
    evolve
  }
}

// Each version of the state makes a version of the step that records it.
const chainOf = <State>(state: Chain<Schema.Codec<State, unknown>>) => {
  const chain = {
    current: stepped(state.current),
    version: state.version,
    versions: state.versions.map(({ schema, step }) => ({
      schema: stepped(schema),
      step: step && ((event: Stepped<never>): Stepped<unknown> => ({ ...event, state: step(event.state) }))
    }))
  }
  // The event of a chain is there for the type checker only.
  return chain as unknown as Chain<ReturnType<typeof stepped<State>>>
}

/** The stream of the process with this name. */
export const logOf = <State>(name: string, state: StateOf<State>, initial: State): Log<State> =>
  Aggregate.make(`Process_${name}`, declarationOf(state, initial)) as Log<State>
