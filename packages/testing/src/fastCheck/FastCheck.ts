/** Generated values for the properties of fast-check, which replays and shrinks them in its own way. */
import { Arbitrary as Generated, Effect } from "effect"
import fc from "fast-check"

/**
 * An arbitrary of fast-check with the values and the shrinking of one of `effect/Arbitrary`, such as
 * `Arbitraries.of(Account).command` or `Histories.of(Account)`. The `seed` and the `path` of fast-check repeat a run.
 *
 * @example
 * ```ts
 * import type { Aggregate } from "@hexfold/core"
 * import { Histories } from "@hexfold/testing"
 * import * as FastCheck from "@hexfold/testing/FastCheck"
 * import fc from "fast-check"
 *
 * interface Incremented { readonly _tag: "Incremented"; readonly by: number }
 * declare const Counter: Aggregate.Aggregate<"Counter", string, number, { readonly _tag: "Increment" }, Incremented, never>
 *
 * const test = () =>
 *   fc.assert(fc.property(FastCheck.from(Histories.of(Counter)), ({ events, state }) =>
 *     state === events.reduce((sum, { by }) => sum + by, 0)))
 * ```
 */
export const from = <A>(generated: Generated.Arbitrary<A>): fc.Arbitrary<A> => new Bridge(generated)

/** Where a value stands: of which seed and size it is, and which of the simpler values was taken at each step. */
interface Place {
  readonly seed: number
  readonly size: number
  readonly path: ReadonlyArray<number>
}

// fast-check asks for a class.
class Bridge<A> extends fc.Arbitrary<A> {
  readonly #generated: Generated.Arbitrary<A>

  constructor(generated: Generated.Arbitrary<A>) {
    super()
    this.#generated = generated
  }

  override generate(random: fc.Random): fc.Value<A> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const place: Place = { seed: random.nextInt(0, 2 ** 31 - 1), size: random.nextInt(0, largest), path: [] }
      const [value] = reached(this.#generated, place).values
      if (value !== undefined) return new fc.Value(value.it, place)
    }
    throw new Error(`${mostAttempts} attempts gave no value: a filter refuses nearly all`)
  }

  override canShrinkWithoutContext(_: unknown): _ is A {
    return false
  }

  override shrink(_: A, place: unknown): fc.Stream<fc.Value<A>> {
    if (!isPlace(place)) return fc.Stream.nil()
    return fc.stream(
      reached(this.#generated, place)
        .simpler.map(({ at, it }) => new fc.Value(it, { ...place, path: [...place.path, at] }))
        .values()
    )
  }
}

const mostAttempts = 100
const largest = 30

const isPlace = (context: unknown): context is Place =>
  typeof context === "object" && context !== null && "seed" in context && "path" in context

interface Reached<A> {
  readonly values: ReadonlyArray<{ readonly it: A }>
  /** The simpler values of the last one, and which one each is. */
  readonly simpler: ReadonlyArray<{ readonly it: A; readonly at: number }>
}

/**
 * The value at a place, and its simpler ones. A check that fails for the values on the way, and passes for all others,
 * is given exactly these: it goes one step further with each failure.
 */
const reached = <A>(generated: Generated.Arbitrary<A>, { path, seed, size }: Place): Reached<A> => {
  const values: Array<{ readonly it: A }> = []
  const simpler: Array<{ readonly it: A; readonly at: number }> = []
  let at = 0
  const property = (it: A): boolean => {
    if (values.length === 0) {
      values.push({ it })
      return false
    }
    const step = path[values.length - 1]
    if (step === undefined) {
      simpler.push({ it, at: at++ })
      return true
    }
    if (at++ < step) return true
    values.push({ it })
    at = 0
    return false
  }
  const options = { runs: 1, seed, size, maxDiscards: 0, maxShrinks: mostSimpler }
  Effect.runSync(Generated.checkEffect(generated, property, options))
  return { values, simpler }
}

const mostSimpler = 20_000
