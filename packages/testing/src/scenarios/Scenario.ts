/**
 * Tests of an aggregate in its own words: given these events, when this
 * command comes, then these events follow. Depends on no test runner: what
 * does not hold throws a {@link ScenarioFailure}.
 */
import { type Aggregate } from "@hexfold/core"
import { EventCodec } from "@hexfold/core/adapter"
import { Result, Schema } from "effect"
import { compare, ScenarioFailure } from "./compare.ts"

export { ScenarioFailure }

/** The events that have happened; the next step is a command. */
export interface Given<Command, Event, Error> {
  readonly when: (command: Command) => When<Event, Error>
}

/** The command has been decided; the next step says what must have come of it. */
export interface When<Event, Error> {
  /** The command is accepted and causes exactly these events, in this order. */
  readonly then: (...events: ReadonlyArray<Event>) => void
  /** The command is rejected with exactly this error. */
  readonly thenRejected: (error: Error) => void
  /** The command is accepted and causes no event. */
  readonly thenNothing: () => void
}

/**
 * The scenarios of an aggregate. An event or a command of another aggregate
 * does not compile.
 *
 * @example
 * ```ts
 * import { Aggregate, Decision } from "@hexfold/core"
 * import { Scenario } from "@hexfold/testing"
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
 * Scenario.of(Counter)
 *   .given(new Incremented({ by: 1 }))
 *   .when(new Increment({ by: 2 }))
 *   .then(new Incremented({ by: 2 }))
 * ```
 */
export const of = <
  Name extends string,
  Id,
  State,
  Command extends Aggregate.Tagged,
  Event extends Aggregate.Tagged,
  Error
>(
  aggregate: Aggregate.Aggregate<Name, Id, State, Command, Event, Error>
): { readonly given: (...events: ReadonlyArray<Event>) => Given<Command, Event, Error> } => {
  const codec = EventCodec.of(aggregate)
  // Compared as they would be recorded: a plain object and an instance with the same fields are the same event.
  const recorded = (events: ReadonlyArray<Event>) =>
    events.map((event) => {
      const { data, type } = Result.getOrThrow(codec.encode(event))
      return { [type]: data }
    })
  const described = (error: Error) => {
    const tag = (error as Partial<Aggregate.Tagged>)._tag ?? ""
    const schema = aggregate.schemas.errors.get(tag)
    return schema === undefined ? error : Schema.encodeSync(Schema.toCodecJson(schema))(error)
  }
  return {
    given: (...history) => ({
      when: (command) => {
        let state = aggregate.initial
        for (const event of history) state = aggregate.evolve(state, event)
        const decision = aggregate.decide(command, state)
        const accepted = (expected: ReadonlyArray<Event>) => {
          if (Result.isFailure(decision)) {
            const error = described(decision.failure)
            throw new ScenarioFailure(`${command._tag} was rejected instead of accepted`, recorded(expected), {
              rejected: error
            })
          }
          compare(`${command._tag} caused other events`, recorded(expected), recorded(decision.success))
        }
        return {
          then: (...expected) => accepted(expected),
          thenNothing: () => accepted([]),
          thenRejected: (expected) => {
            if (Result.isSuccess(decision)) {
              const events = recorded(decision.success)
              throw new ScenarioFailure(
                `${command._tag} was accepted instead of rejected`,
                { rejected: described(expected) },
                events
              )
            }
            compare(`${command._tag} was rejected for another reason`, described(expected), described(decision.failure))
          }
        }
      }
    })
  }
}
