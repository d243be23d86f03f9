/** Generates histories, and finds the shortest one that breaks a law. */
import { Arbitrary, Effect, Random } from "effect"
import { type Counter, counter, type Distribution } from "../histories/distribution.ts"
import type { Cause } from "../histories/members.ts"
import { historiesOf } from "../histories/shrinking.ts"
import { type Actor, replayed, type Run } from "../histories/world.ts"
import { withoutStacks } from "../histories/withoutStacks.ts"
import type { Broken } from "./broken.ts"
import { defectLaw } from "./decisionLaws.ts"
import { LawFailure } from "./failure.ts"

/** How many histories are generated, how long they are, and who takes part. */
export interface Options {
  /** How many histories; 1,000 if not given. */
  readonly runs?: number
  /** The most commands in a history; 20 if not given. */
  readonly steps?: number
  /** Generates the same histories again; by chance if not given. */
  readonly seed?: number
  /**
   * Aggregates and boundaries that take part too, such as those whose commands lead to the events of a view. For each
   * of them the first one counts, so it may bring generators of its own: see `Arbitraries.of`.
   */
  readonly with?: ReadonlyArray<Cause>
  /**
   * Whether events that older programs have stored take the place of events in histories; `true` if not given. Such an
   * event has values that a former version allows, and perhaps no program ever recorded it there.
   */
  readonly former?: boolean
}

/** What is checked on each history. */
export interface Check {
  /** What the law is about, for messages. */
  readonly of: string
  readonly actors: ReadonlyArray<Actor>
  readonly law: (run: Run) => Broken | undefined
  /** The history as it is counted, once the law was checked on it: with what has followed from its commands. */
  readonly whole?: (run: Run) => Run
  readonly scenario: (run: Run) => string
  /** Why the histories of a distribution show nothing, or undefined. */
  readonly vacuous: (distribution: Distribution) => string | undefined
}

/** Checks a law on generated histories. Throws a {@link LawFailure} with the shortest one that breaks it. */
export const check = (
  { actors, law: own, of, scenario, vacuous, whole = (run) => run }: Check,
  options: Options
): Distribution => {
  // A history ends with what throws, so no other law would say anything of what comes after it.
  const law = (made: Run) => defectLaw(made) ?? own(made)
  const { runs = 1_000, seed = Effect.runSync(Random.nextInt), steps = 20 } = options
  const counted: Counter = counter(actors.map(({ target }) => target))
  let first: Broken | undefined
  let histories = 0
  const property = (made: Run) => {
    const broken = law(made)
    if (first === undefined) {
      histories++
      counted.add(whole(made))
      first = broken
    }
    // While it is shortened, a history that breaks another law does not count.
    return broken?.law !== first?.law || broken === undefined
  }
  const result = withoutStacks(() =>
    Effect.runSync(Arbitrary.checkEffect(historiesOf(actors, steps), property, { runs, seed, maxShrinks: 20_000 }))
  )
  if (result._tag === "Falsified") {
    // Once more, with stacks.
    const shortest = replayed(result.shrunkInput.steps.map(({ given }) => given))
    const found = law(shortest) ?? first!
    throw new LawFailure({ of, ...found, scenario: scenario(shortest), steps: shortest.steps.length, seed, histories })
  }
  const distribution = counted.result()
  const nothing = result._tag === "Passed" ? vacuous(distribution) : "No histories could be generated."
  if (nothing !== undefined) {
    const detail = `${nothing}\n\n${distribution.toString()}`
    throw new LawFailure({
      of,
      law: "the histories show something",
      detail,
      scenario: undefined,
      steps: 0,
      seed,
      histories
    })
  }
  return distribution
}
