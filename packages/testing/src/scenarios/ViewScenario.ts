/**
 * Tests of a view in its own words: given these events, then these are its
 * records. Depends on no test runner: what does not hold throws a
 * `ScenarioFailure`.
 */
import { type Aggregate, View } from "@hexfold/core"
import { Schema } from "effect"
import { compare } from "./compare.ts"

/** The events that have happened; the next step says which records the view has then. */
export interface Given<State> {
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
 *   .given(...View.given(Counter, "a", new Incremented({ by: 3 }), new Incremented({ by: 2 })))
 *   .then({ a: 3 })
 * ```
 */
export const of = <
  Name extends string,
  State,
  Event extends Aggregate.Tagged,
  In extends View.Envelope<string, unknown>
>(
  view: View.View<Name, State, Event, In>
): {
  readonly given: (...events: ReadonlyArray<View.Given<In["aggregate"], In["id"], Event>>) => Given<State>
} => {
  // Compared as they would be stored.
  const encode = Schema.encodeSync(Schema.toCodecJson(view.schemas.state))
  const stored = (records: Iterable<readonly [string, State]>) =>
    Object.fromEntries(
      Array.from(records, ([key, state]) => [key, encode(state)] as const).sort(([a], [b]) => (a < b ? -1 : 1))
    )
  return {
    given: (...events) => {
      const then = (records: Readonly<Record<string, State>>) =>
        compare(`${view.name} has other records`, stored(Object.entries(records)), stored(View.fold(view, events)))
      return { then, thenNothing: () => then({}) }
    }
  }
}
