/**
 * Generated ids, commands, events and states of a domain, made from its Schemas: they keep checks, brands and classes,
 * and shrink. They are values of `effect/Arbitrary`, for `it.effect.prop` and `Arbitrary.checkEffect`.
 */
import type { Aggregate, Boundary, Topic } from "@hexfold/core"
import { Arbitrary, Schema } from "effect"
import { storable } from "./storable.ts"
import { fieldsOf, makes } from "./values.ts"

/**
 * The generated values of an aggregate. Texts of their Schemas have what a store takes: no NUL, and no half of a surrogate
 * pair. What a generator of your own makes stays as it is.
 */
export interface OfAggregate<Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error> {
  readonly target: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
  /** Ids; none is the empty text. */
  readonly id: Arbitrary.Arbitrary<Id>
  /** Commands of all kinds. */
  readonly command: Arbitrary.Arbitrary<Command>
  /** Commands of one kind, by tag. */
  readonly commands: ByTag<Command>
  /** Events of all kinds. Most sequences of them cannot happen: `Histories.of` has those that can. */
  readonly event: Arbitrary.Arbitrary<Event>
  /** Events of one kind, by tag. */
  readonly events: ByTag<Event>
  /** States, also those that no history leads to. */
  readonly state: Arbitrary.Arbitrary<State>
  /** What was given in place of the Schemas. */
  readonly overrides: AggregateOverrides<Id, Command, Event>
}

/** The generated commands of a boundary. */
export interface OfBoundary<Name extends string, Command extends Tagged, States, Event, Error> {
  readonly target: Boundary.Boundary<Name, Command, States, Event, Error>
  readonly command: Arbitrary.Arbitrary<Command>
  /** What was given in place of the Schema. */
  readonly overrides: BoundaryOverrides<Command>
}

/** The generated keys and events of a topic. */
export interface OfTopic<Name extends string, Key, Event extends Tagged> {
  readonly target: Topic.Topic<Name, Key, Event>
  /** Keys; none is the empty text. */
  readonly key: Arbitrary.Arbitrary<Key>
  /** Events of all kinds. */
  readonly event: Arbitrary.Arbitrary<Event>
  /** Events of one kind, by tag. */
  readonly events: ByTag<Event>
  /** What was given in place of the Schemas. */
  readonly overrides: TopicOverrides<Key, Event>
}

type Tagged = Aggregate.Tagged

/** An arbitrary for each kind, by tag. */
export type ByTag<Kinds extends Tagged> = { readonly [Kind in Kinds as Kind["_tag"]]: Arbitrary.Arbitrary<Kind> }

/**
 * What generates a value in place of its Schema. A Schema generates every value of its type, whatever it decodes from: of
 * dates that are decoded from some texts, it makes all dates. An `Arbitrary` makes some alone:
 * `Arbitrary.map(Arbitrary.schema(Schema.Literals([0, 60_000])), (at) => DateTime.makeUnsafe(at))`.
 */
export type Generator<A> = Arbitrary.Arbitrary<A> | Schema.Codec<A, unknown>

/** Generators for some fields of each kind, by tag. */
export type FieldsByTag<Kinds extends Tagged> = {
  readonly [Kind in Kinds as Kind["_tag"]]?: {
    readonly [Field in Exclude<keyof Kind, "_tag">]?: Generator<Kind[Field]>
  }
}

/** What an aggregate's values are generated from in place of its Schemas. */
export interface AggregateOverrides<Id, Command extends Tagged, Event extends Tagged> {
  readonly id?: Generator<Id>
  readonly commands?: FieldsByTag<Command>
  readonly events?: FieldsByTag<Event>
}

/** What a boundary's commands are generated from in place of their Schema. */
export interface BoundaryOverrides<Command extends Tagged> {
  readonly command?: { readonly [Field in Exclude<keyof Command, "_tag">]?: Generator<Command[Field]> }
}

/** What a topic's values are generated from in place of its Schemas. */
export interface TopicOverrides<Key, Event extends Tagged> {
  readonly key?: Generator<Key>
  readonly events?: FieldsByTag<Event>
}

/**
 * The generated values of an aggregate. Fields that should have other values than their Schema generates get a generator of
 * their own: an Arbitrary, or a narrower Schema. In histories such a field has only values of its generator; of a Schema
 * also those that occurred before and fit it.
 *
 * @example
 * ```ts
 * import { Aggregate, Decision } from "@hexfold/core"
 * import { Arbitraries } from "@hexfold/testing"
 * import { Schema } from "effect"
 *
 * class Increment extends Schema.TaggedClass<Increment>()("Increment", { by: Schema.Int }) {}
 * class Incremented extends Schema.TaggedClass<Incremented>()("Incremented", { by: Schema.Int }) {}
 *
 * const Counter = Aggregate.make("Counter", {
 *   id: Schema.String,
 *   state: Schema.Int,
 *   initial: 0,
 *   commands: [Increment],
 *   events: [Incremented],
 *   decide: { Increment: ({ by }) => Decision.accept(new Incremented({ by })) },
 *   evolve: { Incremented: (count, { by }) => count + by }
 * })
 *
 * const { commands, id } = Arbitraries.of(Counter, {
 *   commands: { Increment: { by: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })) } }
 * })
 * ```
 */
export const of = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>,
  overrides: NoInfer<AggregateOverrides<Id, Command, Event>> = {}
): OfAggregate<Name, Id, State, Command, Event, Error> => ofAggregate(aggregate, overrides)

/**
 * The generated commands of a boundary, with generators of their own for some fields.
 *
 * @example
 * ```ts
 * import type { Boundary } from "@hexfold/core"
 * import { Arbitraries } from "@hexfold/testing"
 * import { Schema } from "effect"
 *
 * interface Transfer { readonly _tag: "Transfer"; readonly from: string; readonly to: string; readonly amount: number }
 * declare const Transfer: Boundary.Boundary<"Transfer", Transfer, object, never, never>
 *
 * const small = () =>
 *   Arbitraries.ofBoundary(Transfer, {
 *     command: { amount: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })) }
 *   })
 * ```
 */
export const ofBoundary = <Name extends string, Command extends Tagged, States, Event, Error>(
  target: Boundary.Boundary<Name, Command, States, Event, Error>,
  overrides: NoInfer<BoundaryOverrides<Command>> = {}
): OfBoundary<Name, Command, States, Event, Error> => ({
  target,
  overrides,
  command: derived(`the command of ${target.name}`, () =>
    withFields(target.command, (overrides.command ?? {}) as Fields)
  )
})

/**
 * The generated keys and events of a topic, with generators of their own for some fields. Give it to the laws of a view
 * that follows the topic, in `with`, or to the compatibility gate.
 *
 * @example
 * ```ts
 * import { Topic } from "@hexfold/core"
 * import { Arbitraries } from "@hexfold/testing"
 * import { Schema } from "effect"
 *
 * class PaymentReceived extends Schema.TaggedClass<PaymentReceived>()("PaymentReceived", { iban: Schema.String }) {}
 * const Payments = Topic.make("Payments", { key: Schema.String, events: [PaymentReceived] })
 *
 * const payments = Arbitraries.ofTopic(Payments, {
 *   events: { PaymentReceived: { iban: Schema.Literals(["DE89370400440532013000", "CH9300762011623852957"]) } }
 * })
 * ```
 */
export const ofTopic = <Name extends string, Key, Event extends Tagged>(
  target: Topic.Topic<Name, Key, Event>,
  overrides: NoInfer<TopicOverrides<Key, Event>> = {}
): OfTopic<Name, Key, Event> => {
  const { name, schemas } = target
  const key = lazy(() => derived(`the key of ${name}`, () => ids(overrides.key ?? schemas.key, schemas.key)))
  const events = lazy(() => byTag(`the event of ${name}`, schemas.events, overrides.events))
  const event = lazy(() => oneOf(Object.values<Arbitrary.Arbitrary<Event>>(events())))
  return {
    target,
    overrides,
    get key() {
      return key()
    },
    get event() {
      return event()
    },
    get events() {
      return events()
    }
  }
}

// Each is made when it is asked for, because the Schema of a state may be one from which nothing can be generated.
const ofAggregate = <Name extends string, Id, State, Command extends Tagged, Event extends Tagged, Error>(
  target: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>,
  overrides: AggregateOverrides<Id, Command, Event>
): OfAggregate<Name, Id, State, Command, Event, Error> => {
  const { schemas } = target
  const commands = lazy(() => byTag(`the command of ${target.name}`, schemas.commands, overrides.commands))
  const events = lazy(() => byTag(`the event of ${target.name}`, schemas.events, overrides.events))
  const command = lazy(() => oneOf(Object.values<Arbitrary.Arbitrary<Command>>(commands())))
  const event = lazy(() => oneOf(Object.values<Arbitrary.Arbitrary<Event>>(events())))
  const id = lazy(() => derived(`the id of ${target.name}`, () => ids(overrides.id ?? schemas.id, schemas.id)))
  const state = lazy(() =>
    derived(`the state of ${target.name}`, () => storable(Arbitrary.schema(schemas.state), schemas.state))
  )
  return {
    target,
    overrides,
    get id() {
      return id()
    },
    get command() {
      return command()
    },
    get commands() {
      return commands()
    },
    get event() {
      return event()
    },
    get events() {
      return events()
    },
    get state() {
      return state()
    }
  }
}

/** An arbitrary that is made of a Schema. A Schema may have no value that can be generated. */
const derived = <A>(what: string, make: () => A): A => {
  try {
    return make()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Error(
      `${what} cannot be generated: ${why}. Arbitraries.of, Arbitraries.ofBoundary and Arbitraries.ofTopic take a generator for it.`,
      { cause }
    )
  }
}

const lazy = <A>(make: () => A): (() => A) => {
  let made: { readonly value: A } | undefined
  return () => (made ??= { value: make() }).value
}

type Fields = Readonly<Record<string, Generator<unknown>>>

const arbitraryOf = <A>(generator: Generator<A>): Arbitrary.Arbitrary<A> =>
  Arbitrary.isArbitrary(generator) ? (generator as Arbitrary.Arbitrary<A>) : Arbitrary.schema(generator)

// An empty text names a stream, and no record.
const ids = <Id>(generator: Generator<Id>, schema: Schema.Codec<Id, unknown>): Arbitrary.Arbitrary<Id> => {
  const isId = Schema.is(schema)
  return Arbitrary.map(storable(arbitraryOf(generator), schema), (id) => {
    const other: unknown = "a"
    return id === "" && isId(other) ? other : id
  })
}

const byTag = <Kinds extends Tagged>(
  what: string,
  schemas: ReadonlyMap<string, Schema.Codec<Kinds, Tagged>>,
  overrides: FieldsByTag<Kinds> | undefined
): ByTag<Kinds> => {
  const own = (overrides ?? {}) as Readonly<Record<string, Fields>>
  return Object.fromEntries(
    Array.from(schemas, ([tag, schema]) => [
      tag,
      derived(`${what} with the tag ${tag}`, () => withFields(schema, own[tag] ?? {}))
    ])
  ) as ByTag<Kinds>
}

const withFields = <A extends Tagged>(schema: Schema.Codec<A, unknown>, overrides: Fields): Arbitrary.Arbitrary<A> => {
  if (Object.keys(overrides).length === 0) return storable(Arbitrary.schema(schema), schema)
  const own = Object.fromEntries(Object.entries(overrides).map(([name, each]) => [name, arbitraryOf(each)]))
  const mixed = Arbitrary.map(Arbitrary.all({ others: othersOf(schema, own), own: Arbitrary.all(own) }), (made) =>
    makes(schema)({ ...made.others, ...made.own })
  )
  // A check over several fields refuses some mixtures.
  return Arbitrary.filter(mixed, (made): made is A => made !== undefined)
}

// The other fields, which alone may be ones from which something can be generated.
const othersOf = (
  schema: Schema.Codec<Tagged, unknown>,
  own: Readonly<Record<string, unknown>>
): Arbitrary.Arbitrary<object> => {
  const others = fieldsOf(schema).filter(({ name }) => !(name in own))
  return Arbitrary.all(
    Object.fromEntries(
      others.map(({ name, ast }) => {
        const field = Schema.make<Schema.Codec<unknown>>(ast)
        return [name, storable(Arbitrary.schema(field), field)]
      })
    )
  )
}

/** A value of one of several arbitraries. */
const oneOf = <A>(members: ReadonlyArray<Arbitrary.Arbitrary<A>>): Arbitrary.Arbitrary<A> => {
  if (members.length === 0) throw new Error("there is nothing to generate: no kind is declared")
  const which = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: members.length - 1 })))
  return members.length === 1 ? members[0]! : Arbitrary.flatMap(which, (index) => members[index]!)
}
