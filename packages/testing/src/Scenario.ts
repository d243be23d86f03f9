/**
 * Tests of an aggregate in its own words: given these events, when this
 * command comes, then these events follow. Depends on no test runner: what
 * does not hold throws a {@link ScenarioFailure}.
 */
import { type Aggregate, EventCodec } from "@hexfold/core"
import { diffLines } from "diff"
import { Result, Schema } from "effect"

/** The outcome was another one; the message shows the difference line by line. */
export class ScenarioFailure extends Error {
  override readonly name = "ScenarioFailure"
  readonly expected: unknown
  readonly actual: unknown

  constructor(message: string, expected: unknown, actual: unknown) {
    super(`${message}\n\n${difference(expected, actual)}`)
    this.expected = expected
    this.actual = actual
  }
}

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

const compare = (message: string, expected: unknown, actual: unknown): void => {
  if (print(expected) !== print(actual)) throw new ScenarioFailure(message, expected, actual)
}

const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

const difference = (expected: unknown, actual: unknown): string =>
  diffLines(print(expected), print(actual))
    .flatMap(({ added, removed, value }) => {
      const mark = added === true ? "+ " : removed === true ? "- " : "  "
      return value
        .trimEnd()
        .split("\n")
        .map((line) => mark + line)
    })
    .join("\n")
    .concat("\n\n(- expected, + actual)")
