/**
 * Tests of a view in its own words: given these events, then these are its
 * records. Depends on no test runner: an outcome that differs throws a
 * `ScenarioFailure`.
 */
import { type Aggregate, type Participant, View } from "@hexfold/core"
import { Option, Schema } from "effect"
import { compare } from "./compare.ts"
import { type Events, listed } from "./outcome.ts"

/** The scenarios of a view, with the events given so far. */
export interface ViewScenario<State, Event extends Aggregate.Tagged, In extends View.Envelope<string, unknown>> {
  /** These events have happened, after those given before. */
  readonly given: {
    /** Events of the aggregate with an id, as arguments or as a list. */
    <Name extends In["aggregate"], Id, S, Command extends Aggregate.Tagged, E extends Event, Error>(
      aggregate: Aggregate.Aggregate<Name, Id, S, Command, E, Error>,
      id: NoInfer<Id>,
      ...events: Events<NoInfer<E>>
    ): ViewScenario<State, Event, In>
    /** Events in a stream, such as `Account.at("a")`, as arguments or as a list. */
    <Name extends In["aggregate"], S, E extends Event>(
      participant: Participant.Participant<Name, S, E, Participant.Access>,
      ...events: Events<NoInfer<E>>
    ): ViewScenario<State, Event, In>
    /** Events as `View.given` makes them, with what the case says of their envelopes. */
    (...events: Events<View.Given<In["aggregate"], In["id"], Event>>): ViewScenario<State, Event, In>
  }
  /** The view has exactly these records, by key. */
  readonly then: (records: Readonly<Record<string, State>>) => void
  /** The view has no records. */
  readonly thenNothing: () => void
}

/**
 * The scenarios of a view. An event of an aggregate that it does not follow
 * does not compile, nor does a record with another state.
 *
 * @example
 * ```ts
 * import { Aggregate, Decision, View } from "@hexfold/core"
 * import { ViewScenario } from "@hexfold/testing"
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
 *   errors: [],
 *   decide: { Increment: ({ by }) => Decision.accept(new Incremented({ by })) },
 *   evolve: { Incremented: (count, { by }) => count + by }
 * })
 *
 * const Largest = View.make("Largest", {
 *   from: [Counter],
 *   state: Schema.Int,
 *   evolve: { Incremented: (largest = 0, { by }) => Math.max(largest, by) }
 * })
 *
 * ViewScenario.of(Largest)
 *   .given(Counter, "a", new Incremented({ by: 3 }), new Incremented({ by: 2 }))
 *   .given(Counter.at("b"), [new Incremented({ by: 1 })])
 *   .then({ a: 3, b: 1 })
 * ```
 */
export const of = <
  Name extends string,
  State,
  Event extends Aggregate.Tagged,
  In extends View.Envelope<string, unknown>
>(
  view: View.View<Name, State, Event, In>
): ViewScenario<State, Event, In> => after(view, [])

const after = <Name extends string, State, Event extends Aggregate.Tagged, In extends View.Envelope<string, unknown>>(
  view: View.View<Name, State, Event, In>,
  history: ReadonlyArray<View.Given<In["aggregate"], In["id"], Event>>
): ViewScenario<State, Event, In> => {
  // Compared as they would be stored.
  const encode = Schema.encodeSync(Schema.toCodecJson(view.schemas.state))
  const stored = (records: Iterable<readonly [string, State]>) =>
    Object.fromEntries(
      Array.from(records, ([key, state]) => [key, encode(state)] as const).sort(([a], [b]) => (a < b ? -1 : 1))
    )
  const then = (records: Readonly<Record<string, State>>) =>
    compare(`${view.name} has other records`, stored(Object.entries(records)), stored(View.fold(view, history)))
  // The overloads say which events go with which aggregate and id; here they are all just given.
  const given = (...args: ReadonlyArray<unknown>) =>
    after(view, [...history, ...(givenBy(view.sources, args) as typeof history)])
  return { given, then, thenNothing: () => then({}) }
}

/** The events that a call of `given` means. */
const givenBy = (sources: ReadonlyArray<View.Source>, args: ReadonlyArray<unknown>): ReadonlyArray<object> => {
  const [first, ...rest] = args
  if (typeof first !== "object" || first === null) return []
  if ("streamId" in first && typeof first.streamId === "function") {
    const { name, streamId } = first as Aggregate.Aggregate<string, unknown, unknown, never, never, never>
    const [id, ...events] = rest
    return envelopes(name, id, streamId(id), events)
  }
  if ("source" in first) {
    const { source, streamId } = first as Participant.Any
    const aggregate = sources.find(({ name }) => name === source.name)
    if (aggregate === undefined) throw new Error(`the view does not follow ${source.name}`)
    return envelopes(source.name, Option.getOrThrow(aggregate.idOf(streamId)), streamId, rest)
  }
  return listed(args as Events<object>)
}

const envelopes = (aggregate: string, id: unknown, streamId: string, events: ReadonlyArray<unknown>) =>
  listed(events as Events<object>).map((event) => ({ aggregate, id, streamId, event }))
