/**
 * A process manager: a state machine from events to commands and timeouts, across aggregates. It is data and pure
 * functions. What runs it is `Reactor.layer`.
 *
 * A process is event-sourced itself. Each step is recorded as an event of its own stream before its commands go out. So it
 * has a history, and no place in a program: there is nothing to patch when the program changes.
 */
import type * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type * as Aggregate from "../Aggregate.ts"
import { judge } from "../json/jsonMeaning.ts"
import type { Tagged } from "../tagged.ts"
import { isChain } from "../Versions.ts"
import type { Consumer } from "../view/consumer.ts"
import type { Envelope, OnPoison, Source } from "../view/definition.ts"
import { checkedStart, consumerOf, handlersOf, type Start } from "../view/reacting.ts"
import type { EnvelopeWith, EventOf, EventWith } from "../View.ts"
import { type Log, logOf, type StateOf } from "./log.ts"
import { type Fired, Timer } from "./timers.ts"
import type { AnyBoundary, Cancelled, Ignored, Output, Sent, Step, Target, Timeout } from "./steps.ts"

export type {
  Cause,
  Fact,
  Held,
  Instance,
  Log,
  Order,
  Ordered,
  Sending,
  Settled,
  StateOf,
  Stepped,
  Waiting
} from "./log.ts"
export type { Start } from "../view/reacting.ts"
export type { Cancelled, Ignored, Output, Sent, Step, Target, Timeout } from "./steps.ts"

type TagsOf<S extends Source> = EventOf<S>["_tag"]

/** The names that a handler of an event may have: its tag, or that of one source's event. */
export type Tags<S extends Source> = S extends Source ? TagsOf<S> | `${S["name"]}/${TagsOf<S>}` : never

/** The errors for which a target rejects commands. */
export type ErrorsOf<T extends Target> = T extends {
  readonly decide: (command: never, state: never) => Result.Result<unknown, infer Error>
}
  ? Error
  : never

type TaggedErrors<T extends Target> = Extract<ErrorsOf<T>, Tagged>

/** The step of one kind of event: the process that it concerns, and what that does. */
export interface Handler<State, Event, In, To extends string, Timeouts extends string> {
  /** The key of the process. The first event with a key begins a process. */
  readonly key: (event: Event, envelope: In) => string
  readonly react: (state: State, event: Event, envelope: In) => Step<NoInfer<State>, To, Timeouts> | Ignored
}

/** A command that was rejected. */
export interface Rejection {
  /** The key of the process. */
  readonly key: string
  /** The command, as JSON. */
  readonly command: Schema.Json
  /** The name of the aggregate or boundary that has rejected it. */
  readonly target: string
  /** The id of the aggregate, as JSON; undefined for a boundary. */
  readonly id: Schema.Json | undefined
}

type RejectionHandlers<State, To extends Target, Timeouts extends string> = {
  readonly [Tag in TaggedErrors<To>["_tag"]]: (
    state: NoInfer<State>,
    error: Extract<TaggedErrors<To>, { readonly _tag: Tag }>,
    rejection: Rejection
  ) => Step<NoInfer<State>, To["name"], Timeouts> | Ignored
}

type TimeoutHandlers<State, To extends Target, Timeouts extends string> = {
  readonly [Name in Timeouts]: (
    state: NoInfer<State>,
    key: string
  ) => Step<NoInfer<State>, To["name"], Timeouts> | Ignored
}

type Needed<Handlers, Name extends string> = [keyof Handlers] extends [never]
  ? { readonly [N in Name]?: Handlers }
  : { readonly [N in Name]: Handlers }

/** What every process has, as a constraint for functions that accept them all. */
export interface Any extends Consumer {
  /** The events of its own stream: a source for views, and what `Executor.load` and `Executor.history` read. */
  readonly log: Aggregate.Any
  readonly start: Start
  readonly onPoison: OnPoison
  readonly imported: "pass" | "react"
  readonly targets: ReadonlyArray<Target>
  readonly handlers: Handlers
  readonly definition: Definition
}

/** How the state of a process is declared. */
export interface Definition {
  readonly state: StateOf<unknown>
  readonly initial: unknown
}

/** The functions of a process, by the names of events, errors and timeouts. They get only what the names select. */
export interface Handlers {
  readonly on: (
    event: Tagged,
    envelope: Envelope<string, unknown>
  ) => Handler<unknown, Tagged, Envelope<string, unknown>, string, string> | undefined
  readonly onRejected: ReadonlyMap<
    string,
    (state: unknown, error: Tagged, rejection: Rejection) => Step<unknown, string, string> | Ignored
  >
  readonly onTimeout: ReadonlyMap<string, (state: unknown, key: string) => Step<unknown, string, string> | Ignored>
}

/**
 * A process, made by {@link make}: with its state, the sources of its events, what it sends to, and the names of its
 * timeouts.
 */
export interface Process<
  Name extends string,
  State,
  S extends Source,
  To extends Target,
  Timeouts extends string
> extends Omit<Any, "log" | "name"> {
  /** The name with its kind: `process/Fulfilment`. */
  readonly name: `process/${Name}`
  readonly log: Log<State>
  /** The sources of its events. */
  readonly from: ReadonlyArray<S>
  readonly targets: ReadonlyArray<To>
  readonly timeouts: ReadonlyArray<Timeouts>
}

type On<State, S extends Source, To extends Target, Timeouts extends string> = {
  readonly [Tag in Tags<S>]?: Handler<State, EventWith<Tag, S>, EnvelopeWith<Tag, S>, To["name"], Timeouts>
}

type NoOther<Handled, S extends Source> = {
  readonly [Tag in Exclude<keyof Handled, Tags<S>>]: `no source has an event with the tag ${Tag & string}`
}

/**
 * Makes a process.
 *
 * `on` has one handler for each kind of event that matters: the tag of the event, or `"Order/Placed"` where two sources
 * have events of the same tag. `key` names the process that the event concerns; the first event with a key begins a
 * process. `react` takes the state and the event, and returns with {@link next} the next state and what is to be done:
 * {@link send} a command, ask for a {@link timeout}, or {@link cancel} one. {@link end} ends the process, and
 * {@link ignore} leaves an event out: nothing is recorded.
 *
 * `to` names the aggregates and boundaries to which it sends. Each error for which they reject commands needs a handler in
 * `onRejected`, and each timeout one in `onTimeout`. A missing one does not compile, nor does a command to another target.
 * A rejection and a timeout are recorded, even if the handler returns {@link ignore}.
 *
 * Events of one process are handled one after the other, in the order of the log. Those of different streams may come in
 * any order.
 *
 * A command that fails for another reason than the domain's parks the key of the process, unless `onPoison` says
 * otherwise: the later events of the key wait.
 *
 * The state is JSON that is stored with each step. When it changes, `state` is a chain of its versions. `version` and `keyVersion` are
 * for the definition, as for a reactor.
 *
 * @example
 * ```ts
 * import { type Aggregate, Process } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * type Placed = { readonly _tag: "Placed"; readonly cents: number }
 * type Cancel = { readonly _tag: "Cancel"; readonly why: string }
 * declare const Order: Aggregate.Aggregate<"Order", string, string, Cancel, Placed, never>
 * type Charged = { readonly _tag: "Charged"; readonly order: string }
 * type Charge = { readonly _tag: "Charge"; readonly cents: number }
 * type Declined = { readonly _tag: "Declined"; readonly why: string }
 * declare const Payment: Aggregate.Aggregate<"Payment", string, number, Charge, Charged, Declined>
 *
 * const Fulfilment = Process.make("Fulfilment", {
 *   from: [Order, Payment],
 *   to: [Order, Payment],
 *   timeouts: ["unpaid"],
 *   start: "beginning",
 *   state: Schema.Struct({ paid: Schema.Boolean }),
 *   initial: { paid: false },
 *   on: {
 *     Placed: {
 *       key: (_, { id }) => id,
 *       react: (state, { cents }, { id }) =>
 *         Process.next(
 *           state,
 *           Process.send(Payment, id, { _tag: "Charge", cents }),
 *           Process.timeout("unpaid", { after: "30 minutes" })
 *         )
 *     },
 *     Charged: { key: ({ order }) => order, react: () => Process.end({ paid: true }, Process.cancel("unpaid")) }
 *   },
 *   onRejected: {
 *     Declined: (state, { why }, { key }) => Process.end(state, Process.send(Order, key, { _tag: "Cancel", why }))
 *   },
 *   onTimeout: {
 *     unpaid: (state, key) => Process.end(state, Process.send(Order, key, { _tag: "Cancel", why: "not paid" }))
 *   }
 * })
 *
 * Fulfilment.name // "process/Fulfilment"
 * ```
 */
export const make = <
  const Name extends string,
  const S extends Source,
  const To extends Target,
  State,
  const Handled extends On<State, S, To, Timeouts>,
  const Timeouts extends string = never
>(
  name: Name,
  definition: {
    readonly from: ReadonlyArray<S>
    readonly to: ReadonlyArray<To>
    readonly timeouts?: ReadonlyArray<Timeouts>
    readonly start: Start
    readonly version?: number
    readonly keyVersion?: number
    readonly state: StateOf<State>
    readonly initial: NoInfer<State>
    readonly onPoison?: OnPoison
    readonly imported?: "pass" | "react"
    readonly on: Handled & NoOther<Handled, S>
  } & Needed<RejectionHandlers<NoInfer<State>, NoInfer<To>, NoInfer<Timeouts>>, "onRejected"> &
    Needed<TimeoutHandlers<NoInfer<State>, NoInfer<To>, NoInfer<Timeouts>>, "onTimeout">
): Process<Name, State, S, To, Timeouts> => {
  const {
    from,
    imported = "pass",
    initial,
    keyVersion,
    on,
    onPoison = "park",
    start,
    state,
    timeouts = [],
    to,
    version = 1
  } = definition
  judge(`${name}, state`, isChain<Schema.Codec<State, unknown>>(state) ? state.current : state)
  // A handler is only called with what its name selects.
  const handlers = new Map(Object.entries<unknown>(on)) as ReadonlyMap<string, NonNullable<ReturnType<Handlers["on"]>>>
  const names = [...handlers.keys()]
  const handlerOf = handlersOf(name, from, handlers)
  const given = definition as unknown as {
    readonly onRejected?: Readonly<Record<string, never>>
    readonly onTimeout?: Readonly<Record<string, never>>
  }
  const onTimeout = new Map(Object.entries(given.onTimeout ?? {}))
  const hasTimeouts = onTimeout.size > 0
  const log = logOf(name, state, initial)
  const ordered = `${log.name}/Ordered`
  const consumer = consumerOf({
    kind: "process",
    name,
    version,
    sources: [...from, ...(hasTimeouts ? [Timer] : []), log],
    handlers: [...names, ...(hasTimeouts ? [fired] : []), ordered],
    keyVersion,
    key: {
      ...Object.fromEntries(names.map((each) => [each, handlers.get(each)!.key])),
      ...(hasTimeouts ? { [fired]: keyOfTimeout(`process/${name}`) } : {}),
      [ordered]: keyOfOrder
    }
  })
  const targets = new Set<string>()
  for (const { name: target } of to) {
    if (targets.has(target)) throw new Error(`${name}: two of its targets are called "${target}"`)
    targets.add(target)
  }
  return {
    ...consumer,
    name: `process/${name}`,
    log,
    start: checkedStart(name, start),
    onPoison,
    imported,
    from,
    targets: to,
    timeouts,
    handlers: {
      on: handlerOf,
      onRejected: new Map(Object.entries(given.onRejected ?? {})),
      onTimeout
    },
    definition: { state, initial }
  }
}

const fired = `${Timer.name}/TimerFired`

// Timers of other processes, and those of commands, do not concern the process.
const keyOfTimeout =
  (process: string) =>
  (event: Tagged): string | ReadonlyArray<string> => {
    const { for: purpose } = event as Fired
    return purpose._tag === "Timeout" && purpose.process === process ? purpose.key : []
  }

// The orders of operators are in the process' own stream.
const keyOfOrder = (_event: Tagged, { id }: Envelope<string, unknown>): string => String(id)

/**
 * Sends a command to an aggregate with an id, or to a boundary.
 *
 * @example
 * ```ts
 * import { type Aggregate, Process } from "@hexfold/core"
 *
 * type Cancel = { readonly _tag: "Cancel"; readonly why: string }
 * declare const Order: Aggregate.Aggregate<"Order", string, string, Cancel, never, never>
 *
 * Process.send(Order, "17", { _tag: "Cancel", why: "not paid" })
 * ```
 */
export const send: {
  <A extends Aggregate.Any>(
    aggregate: A,
    id: NoInfer<Aggregate.IdOf<A>>,
    command: NoInfer<Aggregate.CommandOf<A>>
  ): Sent<A["name"]>
  <B extends AnyBoundary>(boundary: B, command: NoInfer<B["command"]["Type"]>): Sent<B["name"]>
} = (target: Target, ...given: ReadonlyArray<unknown>): Sent<never> => ({
  _tag: "Send",
  to: target.name as never,
  target,
  id: given.length === 2 ? given[0] : undefined,
  command: given.at(-1) as Tagged
})

/**
 * Asks for an event of the process at a later time: `after` a duration, counted from the time of the event that is
 * handled, or at a `time`. A process has one timeout of a name: asked for again, the former one is taken back.
 *
 * Without a time that a calendar has, such as after an infinite duration, the step fails, and nothing is recorded.
 *
 * @example
 * ```ts
 * import { Process } from "@hexfold/core"
 *
 * Process.timeout("unpaid", { after: "30 minutes" })
 * ```
 */
export const timeout = <const Name extends string>(name: Name, at: Timeout<Name>["at"]): Timeout<Name> => ({
  _tag: "Timeout",
  name,
  at
})

/**
 * Takes a timeout back. If it is not asked for, nothing happens.
 *
 * @example
 * ```ts
 * import { Process } from "@hexfold/core"
 *
 * Process.cancel("unpaid")
 * ```
 */
export const cancel = <const Name extends string>(name: Name): Cancelled<Name> => ({ _tag: "Cancel", name })

/**
 * The step to a state, with what is to be done.
 *
 * @example
 * ```ts
 * import { Process } from "@hexfold/core"
 *
 * Process.next({ paid: true }, Process.cancel("unpaid"))
 * ```
 */
export const next = <const State, const To extends string = never, const Name extends string = never>(
  state: State,
  ...outputs: ReadonlyArray<Output<To, Name>>
): Step<State, To, Name> => ({ _tag: "Step", state, outputs, ends: false })

/**
 * The last step of the process. Its timeouts are taken back, and later events do nothing. The commands of the step go
 * out; if one of them is rejected, its handler in `onRejected` still decides.
 *
 * @example
 * ```ts
 * import { Process } from "@hexfold/core"
 *
 * Process.end({ paid: true })
 * ```
 */
export const end = <const State, const To extends string = never, const Name extends string = never>(
  state: State,
  ...outputs: ReadonlyArray<Output<To, Name>>
): Step<State, To, Name> => ({ _tag: "Step", state, outputs, ends: true })

/**
 * What a handler returns if an event does not concern the process: nothing is recorded.
 *
 * In `onRejected` and `onTimeout` nothing follows and the state stays, but the rejection or the timeout is recorded as a
 * step: it has happened, and must not happen again. In a `ProcessScenario` that is `then({})`.
 */
export const ignore: Ignored = { _tag: "Ignored" }
