/**
 * A read model written as pure functions: which records an event touches, and
 * what becomes of the state of each.
 *
 * Nothing here runs an effect or keeps a record. A view is tested with
 * {@link fold}, or by calling its functions.
 */
import * as DateTime from "effect/DateTime"
import type * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type * as Aggregate from "./Aggregate.ts"
import { InvalidKey } from "./errors.ts"
import type { Metadata } from "./metadata.ts"
import type { Equatable, PathTo } from "./query/fields.ts"
import * as StreamId from "./StreamId.ts"
import { idProblem } from "./texts.ts"

/** What is known about an event besides its content. */
export interface Envelope<out Name extends string, out Id> {
  /** The name of the event's aggregate. */
  readonly aggregate: Name
  /** The id of the event's aggregate. */
  readonly id: Id
  readonly streamId: StreamId.StreamId
  readonly eventId: string
  /** Its 1-based place in the stream. */
  readonly version: number
  /** Its place among all events of the store. */
  readonly position: number
  /** When the store recorded it. */
  readonly recordedAt: DateTime.Utc
  readonly metadata: Metadata
}

/** A read model with a name, made by {@link make}. */
export interface View<
  Name extends string,
  State,
  Event extends Aggregate.Tagged,
  In extends Envelope<string, unknown>
> {
  readonly name: Name
  /** The generation of its records. */
  readonly version: number
  readonly schemas: {
    /** The schema of a record's state. */
    readonly state: Schema.Codec<State, unknown>
  }
  /** The aggregates whose events it follows. */
  readonly sources: ReadonlyArray<Source>
  /** The tags of the events that it has handlers for. */
  readonly types: ReadonlyArray<string>
  /** The fields of the state by which records are looked for. */
  readonly indexes: ReadonlyArray<Index>
  readonly consistency: Consistency
  readonly onPoison: OnPoison
  /** Whether events of one stream only can touch a record. */
  readonly perStream: boolean
  /** Whether it has a handler for events with this tag. */
  readonly handles: (tag: string) => boolean
  /** The keys of the records that an event touches, each once: none for an event without a handler. */
  readonly keysOf: (event: Event, envelope: In) => Result.Result<ReadonlyArray<string>, InvalidKey>
  /** The state of a record after an event; `undefined` stands for no record. */
  readonly evolve: (state: State | undefined, event: Event, envelope: In) => State | undefined
}

/** What every view has, as a constraint for functions that accept them all. */
export interface Any {
  readonly name: string
  readonly version: number
  readonly schemas: { readonly state: Schema.Codec<unknown, unknown> }
  readonly sources: ReadonlyArray<Source>
  readonly types: ReadonlyArray<string>
  readonly indexes: ReadonlyArray<Index>
  readonly consistency: Consistency
  readonly onPoison: OnPoison
  readonly perStream: boolean
  readonly keysOf: (event: never, envelope: never) => Result.Result<ReadonlyArray<string>, InvalidKey>
  readonly evolve: (state: never, event: never, envelope: never) => unknown
}

/** What a view needs of an aggregate, as a constraint that every aggregate meets. */
export interface Source extends Aggregate.Any {
  readonly idOf: (streamId: StreamId.StreamId) => Option.Option<unknown>
  readonly schemas: { readonly events: ReadonlyMap<string, Schema.Codec<unknown, Aggregate.Tagged>> }
}

/**
 * Who applies events: `async`, a projection soon after they are committed;
 * `inline`, the append itself in its own transaction. Stores that were not given
 * the view's definition cannot, and its projection fails with a `ViewStoreError`
 * then. A view in several parts stays async.
 */
export type Consistency = "async" | "inline"

/**
 * What a projection does about an event that cannot be applied: `stop` before
 * it; `skip` it and leave a dead letter; `park` it with all later events of the same
 * key, until they are retried.
 */
export type OnPoison = "stop" | "skip" | "park"

/** The path to a field of the state, its names joined by dots, or several such paths. */
export type Index = string | ReadonlyArray<string>

/** An index over the fields of a state that queries compare. */
export type IndexOf<State> = PathTo<State, Equatable> | ReadonlyArray<PathTo<State, Equatable>>

/** The envelopes of an aggregate's events; for several aggregates a union that `aggregate` tells apart. */
export type EnvelopeOf<S extends Source> = S extends Source ? Envelope<S["name"], Aggregate.IdOf<S>> : never

/** The events with a tag, of whichever aggregate. */
export type EventWith<Tag, S extends Source> = Extract<Aggregate.EventOf<S>, { readonly _tag: Tag }>

/** The envelopes of the events with a tag. */
export type EnvelopeWith<Tag, S extends Source> = S extends Source
  ? Tag extends Aggregate.EventOf<S>["_tag"]
    ? EnvelopeOf<S>
    : never
  : never

/** One handler for each of the tags; it returns the next state, or `undefined` for no record. */
export type Handlers<Tags extends string, S extends Source, State, Next> = {
  readonly [Tag in Tags]: (
    state: State | undefined,
    event: EventWith<Tag, S>,
    envelope: EnvelopeWith<Tag, S>
    // `Next` keeps the literals of a state that is written as a plain object.
  ) => NoInfer<State> | Next | undefined
}

type NoOther<Tags extends string, S extends Source> = {
  readonly [Tag in Exclude<Tags, Aggregate.EventOf<S>["_tag"]>]: `no source has an event with the tag ${Tag}`
}

/**
 * Makes a view.
 *
 * `evolve` has handlers for the events that matter, by tag; others are ignored.
 * A handler gets the state of the record, or `undefined` if there is none, the
 * event and its {@link Envelope}. It returns the next state, or `undefined` to
 * delete the record. A handler for an event that no source has does not
 * compile, nor does one that returns anything but a state.
 *
 * `key` names the record or the records that an event touches; an empty list
 * ignores it. Without `key` there is one record for each aggregate: its key is
 * the text of the id, or the whole stream id if there are several sources.
 * {@link perEvent} makes one record for each event.
 *
 * A new `version` is a new generation: its records are built from the first
 * event on. `consistency` and `onPoison` may be changed without one; they are
 * `async` and `stop` if not given. Another `key` or `evolve` under the same
 * version leaves the records as they are that were made before.
 *
 * The name must be one that an aggregate may have, sources must differ, and the
 * version is a whole number from 1 on. Anything else is a mistake in the
 * program and throws.
 *
 * @example
 * ```ts
 * import { Aggregate, View } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * type AccountEvent =
 *   | { readonly _tag: "Opened"; readonly owner: string }
 *   | { readonly _tag: "Deposited"; readonly amount: number }
 *   | { readonly _tag: "Closed" }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, never, AccountEvent, never>
 *
 * const AccountSummary = View.make("AccountSummary", {
 *   from: [Account],
 *   state: Schema.Struct({ owner: Schema.String, deposits: Schema.Int }),
 *   evolve: {
 *     Opened: (_, { owner }) => ({ owner, deposits: 0 }),
 *     Deposited: (summary) => summary && { ...summary, deposits: summary.deposits + 1 },
 *     Closed: () => undefined
 *   }
 * })
 *
 * AccountSummary.types // ["Opened", "Deposited", "Closed"]
 * ```
 */
export const make = <
  const Name extends string,
  const S extends Source,
  State,
  const Tags extends string,
  const Next extends State | undefined
>(
  name: Name,
  definition: {
    readonly from: ReadonlyArray<S>
    readonly state: Schema.Codec<State, unknown>
    readonly version?: number
    readonly consistency?: Consistency
    readonly onPoison?: OnPoison
    readonly indexes?: ReadonlyArray<IndexOf<NoInfer<State>>>
    readonly key?: (
      event: EventWith<NoInfer<Tags>, S>,
      envelope: EnvelopeWith<NoInfer<Tags>, S>
    ) => string | ReadonlyArray<string>
    readonly evolve: Handlers<Tags, S, State, Next> & NoOther<Tags, S>
  }
): View<Name, State, Aggregate.EventOf<S>, EnvelopeOf<S>> => {
  const { consistency = "async", from: sources, indexes = [], onPoison = "stop", state, version = 1 } = definition
  type Made = View<Name, State, Aggregate.Tagged, Envelope<string, unknown>>
  // Neither is called with another event than those it is made for.
  const key = (definition.key ?? (sources.length === 1 ? idText : wholeStreamId)) as KeyOf
  const handlers = new Map(Object.entries<unknown>(definition.evolve)) as ReadonlyMap<string, Made["evolve"]>
  const types = [...handlers.keys()]
  check(name, version, sources, types)
  const view: Made = {
    name,
    version,
    schemas: { state },
    sources,
    types,
    indexes,
    consistency,
    onPoison,
    perStream: definition.key === undefined || (definition.key as unknown) === perEvent,
    handles: (tag) => handlers.has(tag),
    keysOf: (event, envelope) => {
      if (!handlers.has(event._tag)) return Result.succeed([])
      const named = key(event, envelope)
      const keys = typeof named === "string" ? [named] : [...new Set(named)]
      for (const each of keys) {
        const detail = idProblem("key", each)
        if (detail !== undefined) {
          const { position, streamId, version } = envelope
          return Result.fail(new InvalidKey({ view: name, key: each, stream: streamId, version, position, detail }))
        }
      }
      return Result.succeed(keys)
    },
    evolve: (state, event, envelope) => {
      const handler = handlers.get(event._tag)
      return handler === undefined ? state : handler(state, event, envelope)
    }
  }
  return view
}

/**
 * A `key` for histories: one record for each event, its key the event's id.
 *
 * @example
 * ```ts
 * import { Aggregate, View } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * interface Deposited { readonly _tag: "Deposited"; readonly amount: number }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, never, Deposited, never>
 *
 * const Deposits = View.make("Deposits", {
 *   from: [Account],
 *   state: Schema.Struct({ account: Schema.String, amount: Schema.Int }),
 *   key: View.perEvent,
 *   evolve: { Deposited: (_, { amount }, { id }) => ({ account: id, amount }) }
 * })
 * ```
 */
export const perEvent = (_event: unknown, envelope: Pick<Envelope<string, unknown>, "eventId">): string =>
  envelope.eventId

/** An event for {@link fold}, with what it says of its envelope. */
export interface Given<out Name extends string, out Id, out Event> extends Partial<Envelope<Name, Id>> {
  readonly aggregate: Name
  readonly id: Id
  readonly streamId: StreamId.StreamId
  readonly event: Event
}

/**
 * Events of an aggregate, for {@link fold}.
 *
 * @example
 * ```ts
 * import { Aggregate, View } from "@hexfold/core"
 *
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, never, { readonly _tag: "Reset" }, never>
 *
 * const byAnna = View.given(Counter, "a", { _tag: "Reset" }).map((given) => ({
 *   ...given,
 *   metadata: { correlationId: "c", causationId: "c", actor: "Anna" }
 * }))
 * ```
 */
export const given = <
  Name extends string,
  Id,
  State,
  Command extends Aggregate.Tagged,
  Event extends Aggregate.Tagged,
  Error
>(
  aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>,
  id: NoInfer<Id>,
  ...events: ReadonlyArray<NoInfer<Event>>
): ReadonlyArray<Given<Name, Id, Event>> => {
  const streamId = aggregate.streamId(id)
  return events.map((event) => ({ aggregate: aggregate.name, id, streamId, event }))
}

/**
 * The records of a view by key after a sequence of events, for tests. What the
 * events do not say of their envelopes is made up: positions and versions are
 * counted, and an event is recorded a second after the one before.
 *
 * Throws an `InvalidKey` if the view gives an event one.
 *
 * @example
 * ```ts
 * import { Aggregate, View } from "@hexfold/core"
 * import { Schema } from "effect"
 *
 * interface Deposited { readonly _tag: "Deposited"; readonly amount: number }
 * declare const Account: Aggregate.Aggregate<"Account", string, number, never, Deposited, never>
 *
 * const Deposits = View.make("Deposits", {
 *   from: [Account],
 *   state: Schema.Int,
 *   evolve: { Deposited: (count = 0) => count + 1 }
 * })
 *
 * View.fold(Deposits, [
 *   ...View.given(Account, "a", { _tag: "Deposited", amount: 1 }, { _tag: "Deposited", amount: 2 }),
 *   ...View.given(Account, "b", { _tag: "Deposited", amount: 3 })
 * ]) // Map { "a" => 2, "b" => 1 }
 * ```
 */
export const fold = <Name extends string, State, Event extends Aggregate.Tagged, In extends Envelope<string, unknown>>(
  view: View<Name, State, Event, In>,
  events: Iterable<Given<NoInfer<In>["aggregate"], NoInfer<In>["id"], NoInfer<Event>>>
): ReadonlyMap<string, State> => {
  const records = new Map<string, State>()
  const versions = new Map<string, number>()
  let last = 0
  for (const { event, ...known } of events) {
    const { position = last + 1, version = (versions.get(known.streamId) ?? 0) + 1 } = known
    last = position
    versions.set(known.streamId, version)
    const envelope = { ...madeUp(position), ...known, position, version } as In
    for (const key of Result.getOrThrow(view.keysOf(event, envelope))) {
      const state = view.evolve(records.get(key), event, envelope)
      if (state === undefined) records.delete(key)
      else records.set(key, state)
    }
  }
  return records
}

const madeUp = (position: number) => {
  const eventId = `00000000-0000-7000-8000-${position.toString(16).padStart(12, "0")}`
  return {
    eventId,
    recordedAt: DateTime.makeUnsafe(position * 1_000),
    metadata: { correlationId: eventId, causationId: eventId }
  }
}

type KeyOf = (event: Aggregate.Tagged, envelope: Envelope<string, unknown>) => string | ReadonlyArray<string>

const idText: KeyOf = (_event, { streamId }) => streamId.slice(streamId.indexOf("-") + 1)

// The ids of two aggregates may be equal.
const wholeStreamId: KeyOf = (_event, { streamId }) => streamId

const check = (name: string, version: number, sources: ReadonlyArray<Source>, types: ReadonlyArray<string>) => {
  if (!StreamId.isAggregateName(name)) {
    throw new Error(`"${name}" cannot name a view: use a letter, then letters, digits and "_", at most 100`)
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new Error(`${name}: its version ${version} is no whole number from 1 on`)
  }
  const names = new Set<string>()
  for (const source of sources) {
    if (names.has(source.name)) throw new Error(`${name}: two of its sources are called "${source.name}"`)
    names.add(source.name)
  }
  for (const tag of types) {
    if (!sources.some(({ schemas }) => schemas.events.has(tag))) {
      throw new Error(`${name}: no source has an event with the tag "${tag}"`)
    }
  }
}
