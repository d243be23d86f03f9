/**
 * Does something for each event: executes commands, sends a mail, calls another system.
 *
 * An event is handled at least once. Events of one key are handled in order, and those of different keys side by side.
 * Each command that a handler executes has an id that is derived from the reactor, the event and the command's place
 * among those of the handler. So a repetition has no second effect in the store. For what leaves the store, {@link key}
 * is the same in each repetition.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { Tagged } from "../../domain/tagged.ts"
import type { Consumer } from "../../domain/view/consumer.ts"
import type { Envelope, OnPoison, Source } from "../../domain/view/definition.ts"
import { checkedStart, consumerOf, handlersOf } from "../../domain/view/reacting.ts"
import type { EnvelopeOf, EnvelopeWith, EventOf, EventWith } from "../../domain/View.ts"
import type * as Aggregate from "../../domain/Aggregate.ts"
import type { DeadLetter, DeadLetterOptions } from "../../ports/deadLetter.ts"
import type { EventStoreError, ViewStoreError } from "../../ports/errors.ts"
import type { ProjectionStore } from "../../ports/ProjectionStore.ts"
import type { ViewStore } from "../../ports/ViewStore.ts"
import type { DefinitionDiffers } from "../views/errors.ts"
import type * as Process from "../../domain/process/Process.ts"
import { hasTimers } from "../../domain/process/timers.ts"
import type { EventStore } from "../../ports/EventStore.ts"
import type { KeysDiffer } from "./errors.ts"
import * as Delivery from "./consuming/delivery.ts"
import { soon, working } from "./consuming/driving.ts"
import { type Failure, type Options, settingsOf } from "./consuming/options.ts"
import type { Start } from "./consuming/start.ts"
import { reactionOf } from "./processes/running.ts"
import * as Firing from "./timers/firing.ts"
import * as Retrying from "./consuming/retrying.ts"
import * as Worker from "./consuming/worker.ts"

export type { Failure, Options } from "./consuming/options.ts"
export type { Start } from "./consuming/start.ts"
export type { Stores } from "./consuming/worker.ts"

/** What every reactor has, as a constraint for functions that accept them all. */
export interface Any extends Consumer {
  readonly start: Start
  readonly onPoison: OnPoison
  readonly imported: "pass" | "react"
  /** When a handler that has failed is run again; undefined for what the options of `layer` say. */
  readonly retry: Schedule.Schedule<unknown, unknown> | undefined
  readonly handle: (event: never, envelope: never) => Effect.Effect<unknown, unknown, unknown>
}

/** A reactor, made by {@link make}. `R` is what its handlers need. */
export interface Reactor<
  Name extends string,
  Event extends Aggregate.Tagged,
  In extends Envelope<string, unknown>,
  R
> extends Any {
  /** The name with its kind: `reactor/SendMail`. So a view may have the same name. */
  readonly name: `reactor/${Name}`
  /** Handles an event. It does nothing for one without a handler. */
  readonly handle: (event: Event, envelope: In) => Effect.Effect<unknown, unknown, R>
}

/** What the handlers of a reactor need. */
export type Services<A> = A extends {
  readonly handle: (event: never, envelope: never) => Effect.Effect<unknown, unknown, infer R>
}
  ? R
  : never

/** One handler for each name; `Rs` has what each of them needs. */
export type Handlers<Rs, S extends Source> = {
  readonly [Tag in keyof Rs]: (
    event: EventWith<Tag, S>,
    envelope: EnvelopeWith<Tag, S>
  ) => Effect.Effect<unknown, unknown, Rs[Tag]>
}

type TagsOf<S extends Source> = EventOf<S>["_tag"]

type NoOther<Tags extends PropertyKey, S extends Source> = {
  readonly [
    Tag in Exclude<Tags, "*" | (S extends Source ? TagsOf<S> | `${S["name"]}/${TagsOf<S>}` : never)>
  ]: `no source has an event with the tag ${Tag & string}`
}

/**
 * Makes a reactor.
 *
 * `on` has one handler for each kind of event that matters, named as in a view: the tag of the event, or `"Post/Created"`
 * where several sources have events of the same tag, or `"*"`. A handler is an Effect. What it needs is asked for by the
 * type of {@link layer}. An event is done when its handler succeeds.
 *
 * `start` says where the reactor begins when it is run for the first time. Later it begins where it has ended.
 *
 * `key` puts events into an order: those of one key are handled one after the other. It is typed for all events of the
 * sources, and asked for those that have a handler. By default the key is the event's stream.
 *
 * A handler that fails is run again by the Schedule `retry`, which is given the error. Without it the `retry` of the
 * options of {@link layer} counts. While a store cannot be reached, a handler is run again however long that takes. When the schedule ends, `onPoison` decides: `stop` (the default) ends the reactor before the event, `skip`
 * leaves a dead letter and goes on, and `park` keeps the event and all later events of its key for `retryParked`.
 *
 * Events that an import has moved here are passed, unless `imported` is `react`.
 *
 * Raise the `version` when the reactor is to handle other events, or by another key. A process of the higher version
 * takes the work over at its start, and goes on after what the lower one has done: no event is handled again. A process of
 * the lower version goes on after that only when no process of the higher one has worked for the duration of a lease.
 * Under one version another definition does not work. With several parts and a `key`, a higher version works only when
 * all parts have ended at one position, because its keys may be others. Versions with the same `keyVersion` have the same
 * keys, and follow each other at any time.
 *
 * A name that an aggregate may not have, a version that is not a whole number from 1 on, and a handler of no event are
 * mistakes in the program and throw an `Error`.
 *
 * @example
 * ```ts
 * import { Aggregate, Executor, Reactor } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * type CourseEvent = { readonly _tag: "PlaceFreed" } | { readonly _tag: "Filled" }
 * declare const Course: Aggregate.Aggregate<"Course", string, number, never, CourseEvent, never>
 * type Invite = { readonly _tag: "Invite" }
 * declare const WaitingList: Aggregate.Aggregate<"WaitingList", string, number, Invite, never, never>
 *
 * const MoveUp = Reactor.make("MoveUp", {
 *   from: [Course],
 *   start: "beginning",
 *   on: {
 *     PlaceFreed: (_, { id }) => Executor.execute(WaitingList, id, { _tag: "Invite" })
 *   }
 * })
 *
 * MoveUp.name // "reactor/MoveUp"
 * ```
 */
export const make = <
  const Name extends string,
  const S extends Source,
  const Rs extends { readonly [Tag in keyof Rs]: unknown }
>(
  name: Name,
  definition: {
    readonly from: ReadonlyArray<S>
    readonly start: Start
    readonly version?: number
    readonly key?: (event: EventOf<NoInfer<S>>, envelope: EnvelopeOf<NoInfer<S>>) => string
    readonly keyVersion?: number
    readonly retry?: Schedule.Schedule<unknown, unknown>
    readonly onPoison?: OnPoison
    readonly imported?: "pass" | "react"
    readonly on: Handlers<Rs, S> & NoOther<keyof Rs, S>
  }
): Reactor<Name, EventOf<S>, EnvelopeOf<S>, Rs[keyof Rs]> => {
  const { from, imported = "pass", key, keyVersion, on, onPoison = "stop", retry, start, version = 1 } = definition
  type Made = Reactor<Name, Tagged, Envelope<string, unknown>, Rs[keyof Rs]>
  // A handler is only called with the events that its name selects.
  const handlers = new Map(Object.entries<unknown>(on)) as ReadonlyMap<string, Made["handle"]>
  const consumer = consumerOf({
    kind: "reactor",
    name,
    version,
    sources: from,
    handlers: [...handlers.keys()],
    key: key as ((event: Tagged, envelope: Envelope<string, unknown>) => string) | undefined,
    keyVersion
  })
  const handlerOf = handlersOf(name, from, handlers)
  const reactor: Made = {
    ...consumer,
    name: `reactor/${name}`,
    start: checkedStart(name, start),
    onPoison,
    imported,
    retry,
    handle: (event, envelope) => handlerOf(event, envelope)?.(event, envelope) ?? Effect.void
  }
  return reactor
}

/**
 * The key of the handling that runs: the same each time that this reactor handles this event, and no other handling has
 * it. Give it to a system outside that leaves out what it has done already. It is at most 300 characters long. Outside of a
 * handler it is a defect.
 *
 * @example
 * ```ts
 * import { Reactor } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const send: (mail: { readonly to: string; readonly idempotencyKey: string }) => Effect.Effect<void>
 *
 * const confirm = (to: string) => Effect.flatMap(Reactor.key, (idempotencyKey) => send({ to, idempotencyKey }))
 * ```
 */
export const key: Effect.Effect<string> = Effect.flatMap(Delivery.Current, (delivered) =>
  delivered === undefined
    ? Effect.die(new Error("Reactor.key is asked for outside of a handler of a reactor"))
    : Effect.succeed(delivered.key)
)

/**
 * Runs reactors in the background for as long as the layer lives. Its type asks for what the handlers need.
 *
 * Any number of processes may run a reactor. One of them works on each part, and another one takes over when its lease
 * ends. When the layer is closed, handlers that run may end within a limit; then what is done is written, and the parts
 * are released. If a reactor stops at an event, it logs an error; the others go on.
 *
 * Throws if two of the reactors have the same name, and for options that are not valid.
 *
 * @example
 * ```ts
 * import { Reactor } from "@hexfold/core"
 * import { Context, Effect, Layer } from "effect"
 *
 * class Mails extends Context.Service<Mails, { readonly send: (to: string) => Effect.Effect<void> }>()("Mails") {}
 * declare const SendMail: Reactor.Reactor<"SendMail", { readonly _tag: "Freed" }, never, Mails>
 * declare const stores: Layer.Layer<Reactor.Stores>
 * declare const mails: Layer.Layer<Mails>
 *
 * const live = Reactor.layer([SendMail], { concurrency: 8 }).pipe(Layer.provide([stores, mails]))
 * ```
 */
export const layer = <const Rs extends ReadonlyArray<Any | Process.Any>>(
  reactors: Rs,
  options: Options = {}
): Layer.Layer<never, never, Services<Rs[number]> | Worker.Stores> => {
  const settings = settingsOf(options)
  const names = new Set<string>()
  for (const { name } of reactors) {
    if (names.has(name))
      throw new Error(`Reactor.layer: two reactors are called ${name}: one version runs in a process`)
    names.add(name)
  }
  const running = Effect.forEach(
    reactors,
    (reactor) =>
      Effect.flatMap(begun(reactor), (begun) =>
        working({
          name: reactor.name,
          run: Effect.tapCause(Worker.run(begun, settings), (cause) => logStop(reactor, cause)),
          once: Worker.catchUp(begun, { ...settings, pause: Duration.min(settings.pause, soon) })
        })
      ),
    { discard: true }
  )
  const firing = working({ name: "timers", run: Firing.run(settings), once: Firing.once(soon), next: Firing.next })
  return Layer.effectDiscard(reactors.some(hasTimers) ? Effect.andThen(firing, running) : running)
}

/**
 * Makes what the stores keep for reactors and processes, and handles nothing. It is for a job before a deployment, where
 * the role of the application may not create tables. It can be run again.
 *
 * @example
 * ```ts
 * import { Reactor } from "@hexfold/core"
 *
 * declare const SendMail: Reactor.Any
 *
 * const job = Reactor.prepare([SendMail])
 * ```
 */
export const prepare = (
  reactors: ReadonlyArray<Any | Process.Any>
): Effect.Effect<void, EventStoreError | ViewStoreError, Worker.Stores> =>
  Effect.gen(function* () {
    yield* Effect.forEach(reactors, (reactor) => Worker.prepare(reactor, reactor.start), { discard: true })
    if (reactors.some(hasTimers)) yield* Firing.prepare
  })

/**
 * Handles all events up to the store's present horizon, and ends. If another process works on the reactor, it waits until
 * that one has come so far. It is meant for jobs and tests. Gives the position that is reached.
 *
 * Fails with a `ReactionFailed` if an event stops the reactor, with a `DefinitionDiffers` if another definition of the same
 * version works, and with a `KeysDiffer` if the parts of a version with other keys have not ended at one position. Errors of
 * the stores are passed on.
 *
 * @example
 * ```ts
 * import { Reactor } from "@hexfold/core"
 *
 * declare const SendMail: Reactor.Reactor<"SendMail", { readonly _tag: "Freed" }, never, never>
 *
 * const job = Reactor.catchUp(SendMail)
 * ```
 */
export const catchUp = <const A extends Any | Process.Any>(
  reactor: A,
  options: Options = {}
): Effect.Effect<number, Failure | DefinitionDiffers | KeysDiffer, Services<A> | Worker.Stores> =>
  Effect.flatMap(begun(reactor), (begun) => Worker.catchUp(begun, settingsOf(options)))

/**
 * The dead letters of a reactor, by position and key: the events that were skipped, those that are parked, and the later
 * events of parked keys. They are read page by page, each page as it is at that moment.
 *
 * @example
 * ```ts
 * import { Reactor } from "@hexfold/core"
 * import { Effect, Stream } from "effect"
 *
 * declare const SendMail: Reactor.Any
 *
 * const program = Reactor.deadLetters(SendMail, { parked: true }).pipe(
 *   Stream.runForEach(({ error, key, position }) => Effect.log(`${key}, event at ${position}: ${error?.cause}`))
 * )
 * ```
 */
export const deadLetters = (
  reactor: Any | Process.Any,
  options: Omit<DeadLetterOptions, "limit"> = {}
): Stream.Stream<DeadLetter, ViewStoreError, ProjectionStore | ViewStore> => Retrying.deadLetters(reactor, options)

/** Which keys to try again. */
export interface RetryOptions {
  /** The keys to try again. By default all parked keys are. */
  readonly keys?: ReadonlyArray<string>
}

/** What {@link retryParked} did. */
export interface Retried {
  /** The number of events that were handled. */
  readonly handled: number
  /** The event that fails now, for each key that is still parked. */
  readonly parked: ReadonlyArray<DeadLetter>
}

/**
 * Handles the parked events of a reactor again, each key's in order. A key whose events are all handled is no longer
 * parked. This may run in any process and at any time, also while the reactor works.
 *
 * Keys are independent of each other. Fails with `CommitConflict` if every try met a commit of another process, and with
 * `DefinitionDiffers` if another definition of the reactor works. Errors of a store are passed on. After a failure it can
 * be run again.
 *
 * @example
 * ```ts
 * import { Reactor } from "@hexfold/core"
 * import { Effect } from "effect"
 *
 * declare const SendMail: Reactor.Reactor<"SendMail", { readonly _tag: "Freed" }, never, never>
 *
 * const program = Reactor.retryParked(SendMail).pipe(
 *   Effect.flatMap(({ handled, parked }) => Effect.log(`handled ${handled} events, ${parked.length} keys still wait`))
 * )
 * ```
 */
export const retryParked = <const A extends Any | Process.Any>(
  reactor: A,
  options: RetryOptions = {}
): Effect.Effect<Retried, Retrying.RetryFailure, Services<A> | Worker.Stores> =>
  Effect.gen(function* () {
    const { reaction } = yield* begun(reactor)
    const keys = new Set(options.keys)
    if (options.keys === undefined) {
      yield* Stream.runForEach(deadLetters(reactor, { parked: true }), ({ key }) => Effect.sync(() => keys.add(key)))
    }
    const retried = yield* Effect.forEach(keys, (key) => Retrying.retryKey(reaction, key, settingsOf({})))
    return {
      handled: retried.reduce((sum, { handled }) => sum + handled, 0),
      parked: retried.flatMap(({ failed }) => failed ?? [])
    }
  })

/** A reactor or a process with what its handlers need. */
const begun = <const A extends Any | Process.Any>(
  of: A
): Effect.Effect<Worker.Begun, never, Services<A> | EventStore> =>
  "handlers" in of
    ? Effect.map(reactionOf(of), (reaction) => ({ reaction, start: of.start }))
    : (begunReactor(of) as Effect.Effect<Worker.Begun, never, Services<A>>)

const begunReactor = <const A extends Any>(reactor: A): Effect.Effect<Worker.Begun, never, Services<A>> =>
  Effect.contextWith((context: Context.Context<Services<A>>) => {
    const { imported, onPoison, retry, start } = reactor
    const handle = reactor.handle as (
      event: Tagged,
      envelope: Envelope<string, unknown>
    ) => Effect.Effect<unknown, unknown, Services<A>>
    return Effect.succeed({
      reaction: {
        consumer: reactor,
        onPoison,
        retry,
        reactsToImported: imported === "react",
        // What is provided for the event comes after the context of the layer.
        handle: (event, envelope) =>
          Effect.updateContext(handle(event, envelope), (inner: Context.Context<never>) =>
            Context.merge(context, inner)
          )
      },
      start
    })
  })

const logStop = ({ name, version }: Any | Process.Any, cause: Cause.Cause<Failure>) => {
  const text = `${name}, version ${version}: the reactor has stopped`
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined) return Effect.logError(text, cause)
  const advice =
    error._tag === "ReactionFailed"
      ? 'Correct the handler or its events and restart the process, or let the reactor go on with `onPoison: "skip"` or "park"'
      : "Remove the cause and restart the process"
  return Effect.logError(`${text}: ${error.message}. ${advice}.`)
}
