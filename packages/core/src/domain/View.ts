/**
 * A read model written as pure functions: which records an event touches, and
 * how it changes the state of each.
 *
 * Nothing here runs an effect or keeps a record. A view is tested with
 * {@link fold}, or by calling its functions.
 */
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { InvalidKey } from "./errors.ts"
import type { Exactly } from "./exactly.ts"
import type { Equatable, PathTo } from "./query/fields.ts"
import { checkIndexes } from "./query/indexes.ts"
import { judge } from "./json/jsonMeaning.ts"
import { type EventOf, followsOf } from "./storedTypes.ts"
import type { Tagged } from "./tagged.ts"
import { idProblem } from "./texts.ts"
import type { Consistency, Envelope, OnPoison, Source, View } from "./view/definition.ts"
import { changed, fingerprintOf } from "./view/fingerprint.ts"
import { check, handling, keyFunction, type KeyOf, type KeyTable, selector, typesOf } from "./view/handlers.ts"

export type { Any, Consistency, Envelope, Index, OnPoison, Source, View } from "./view/definition.ts"
export type { EventOf } from "./storedTypes.ts"
export { fold, type Given, given } from "./view/fold.ts"

/** An index over the fields of a state that queries compare. */
export type IndexOf<State> = PathTo<State, Equatable> | ReadonlyArray<PathTo<State, Equatable>>

/** The envelopes of a source's events. For several sources it is a union; `aggregate` is its discriminator. */
export type EnvelopeOf<S extends Source> = S extends Source ? Envelope<S["name"], Parameters<S["streamId"]>[0]> : never

type TagsOf<S extends Source> = EventOf<S>["_tag"]

/**
 * The events that a handler with this name gets: those with a tag of any
 * source, those with a tag of one source (`"Post/Created"`), or all (`"*"`).
 */
export type EventWith<Tag, S extends Source> = Tag extends "*"
  ? EventOf<S>
  : Tag extends TagsOf<S>
    ? Extract<EventOf<S>, { readonly _tag: Tag }>
    : Tag extends `${infer Name}/${infer Own}`
      ? Extract<EventOf<Extract<S, { readonly name: Name }>>, { readonly _tag: Own }>
      : never

/** The envelopes of the events that a handler with this name gets. */
export type EnvelopeWith<Tag, S extends Source> = S extends Source
  ? Tag extends "*" | TagsOf<S> | `${S["name"]}/${TagsOf<S>}`
    ? EnvelopeOf<S>
    : never
  : never

/** One handler for each name; it returns the next state, or `undefined` for no record. */
export type Handlers<Next, S extends Source, State> = {
  readonly [Tag in keyof Next]: (
    state: State | undefined,
    event: EventWith<Tag, S>,
    envelope: EnvelopeWith<Tag, S>
  ) => Exactly<Next[Tag], State | undefined, "the state">
}

/** The keys that an event touches: one function for all events, or one for each handler of `evolve`, by its name. */
export type Key<Tags extends string, S extends Source> =
  | ((event: EventWith<Tags, S>, envelope: EnvelopeWith<Tags, S>) => string | ReadonlyArray<string>)
  | {
      readonly [Tag in Tags]: (
        event: EventWith<Tag, S>,
        envelope: EnvelopeWith<Tag, S>
      ) => string | ReadonlyArray<string>
    }

type Each<Tags extends string> = { readonly [Tag in Tags]: unknown }

type NoOther<Tags extends string, S extends Source> = {
  readonly [Tag in Exclude<Exclude<Tags, "*">, KnownTags<S>>]: `no source has an event with the tag ${Tag}`
}

type KnownTags<S> = S extends Source ? TagsOf<S> | `${S["name"]}/${TagsOf<S>}` : never

/**
 * Makes a view.
 *
 * `evolve` has one handler for each kind of event that matters. Other events are
 * ignored. The name of a handler is the tag of the event. Where several sources
 * have events of the same tag, `"Post/Created"` names the event of one source.
 * The handler `"*"` gets all events that no other handler gets.
 *
 * A handler gets the state of the record (`undefined` if there is no record),
 * the event and its {@link Envelope}. It returns the next state, or `undefined`
 * to delete the record. A handler for an event that no source has does not
 * compile. Nor does one that returns a field which the state does not have.
 *
 * `key` names the records that an event touches, as a text or a list of texts.
 * An empty list ignores the event. It is one function for all events, or an
 * object with one function for each handler of `evolve`, by the same names.
 * Without `key` there is one record for each aggregate, or for each key of a topic. Its key is the text of
 * the id, or the whole stream id if there are several sources. {@link perEvent}
 * makes one record for each event.
 *
 * A new `version` is a new generation: its records are built from the first
 * event on. Raise it when `key` or `evolve` change, because records that exist
 * already stay as they are. `consistency` and `onPoison` may change under the
 * same version. They are `async` and `stop` by default. Anything else that can be told
 * apart (sources, handled events, the state's Schema, the kind of keys, indexes) makes
 * another `fingerprint`: then the records of the version are refused, see
 * `Projection.layer`.
 *
 * The name must be one that an aggregate may have, sources must differ, and the
 * version must be a whole number from 1 on. The JSON of the state must have the
 * fields of `indexes` under these names. In JSON every value of the state must
 * have one meaning, as for the events of an aggregate. Anything else is a mistake
 * in the program and throws an `Error`.
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
  // The default is for the parameters of the handlers while something else does not compile yet.
  const Next extends { readonly [Tag in keyof Next]: State | undefined } = {
    readonly [Tag in Tags]: State | undefined
  }
>(
  name: Name,
  definition: {
    readonly from: ReadonlyArray<S>
    readonly state: Schema.Codec<State, unknown>
    readonly version?: number
    readonly consistency?: Consistency
    readonly onPoison?: OnPoison
    readonly indexes?: ReadonlyArray<IndexOf<NoInfer<State>>>
    readonly key?: Key<NoInfer<Tags>, S>
    readonly evolve: Handlers<Next, S, State> & Each<Tags> & NoOther<Tags, S>
  }
): View<Name, State, EventOf<S>, EnvelopeOf<S>> => {
  const { consistency = "async", from: sources, indexes = [], onPoison = "stop", state, version = 1 } = definition
  type Made = View<Name, State, Tagged, Envelope<string, unknown>>
  // A handler is only called with the events that its name selects.
  const handlers = new Map(Object.entries<unknown>(definition.evolve)) as ReadonlyMap<string, Made["evolve"]>
  check(name, version, sources)
  judge(`${name}, state`, state)
  checkIndexes(name, { indexes, schemas: { state } })
  const nameOf = selector(name, sources, [...handlers.keys()])
  const key = keyFunction(name, definition.key as KeyOf | KeyTable | undefined, sources, [...handlers.keys()], nameOf)
  const types = typesOf(sources, [...handlers.keys()])
  const own = (definition.key as unknown) === perEvent ? "event" : "own"
  const keys = definition.key !== undefined ? own : sources.length === 1 ? "id" : "stream"
  let fingerprint: string | undefined
  const view: Made = {
    name,
    version,
    schemas: { state },
    sources,
    types,
    follows: followsOf(sources, handling([...handlers.keys()])),
    indexes,
    consistency,
    onPoison,
    // Nobody needs it before a projection claims the view.
    get fingerprint() {
      return (fingerprint ??= fingerprintOf({ sources, handlers: [...handlers.keys()], state, keys, indexes }))
    },
    keys,
    perStream: keys !== "own",
    handles: (tag) => types.includes(tag),
    keysOf: (event, envelope) => {
      if (nameOf(event, envelope) === undefined) return Result.succeed([])
      const named = key(event, envelope)
      const touched = typeof named === "string" ? [named] : [...new Set(named)]
      for (const each of touched) {
        const detail = idProblem("key", each)
        if (detail !== undefined) {
          const { position, streamId, version } = envelope
          return Result.fail(new InvalidKey({ view: name, key: each, stream: streamId, version, position, detail }))
        }
      }
      return Result.succeed(touched)
    },
    evolve: (state, event, envelope) => {
      const handler = nameOf(event, envelope)
      return handler === undefined ? state : handlers.get(handler)!(state, event, envelope)
    }
  }
  return view
}

/**
 * A `key` for histories: one record for each event. Its key is the event's
 * position with leading zeros, so the keys of no two events are the same (their
 * ids may be), and keys in order are events in order. Where one stored event has become
 * several, the key of each but the first ends with its part, such as `.001`.
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
export const perEvent = (
  _event: unknown,
  { part = 0, position }: Pick<Envelope<string, unknown>, "position"> & Partial<Pick<Envelope<string, unknown>, "part">>
): string => `${String(position).padStart(16, "0")}${part === 0 ? "" : `.${String(part).padStart(3, "0")}`}`

/**
 * Which parts of a view's definition differ between two of its fingerprints, in words: the events that it handles, the
 * Schema of its state, its keys, its indexes.
 *
 * @example
 * ```ts
 * import { View } from "@hexfold/core"
 *
 * declare const Balances: View.Any
 * declare const former: string
 *
 * View.differences(former, Balances.fingerprint) // ["the Schema of its state"]
 * ```
 */
export const differences = (fingerprint: string, other: string): ReadonlyArray<string> => changed(fingerprint, other)
