import * as Schema from "effect/Schema"

const place = Schema.Struct({ epoch: Schema.Int, position: Schema.Int })

/**
 * A commit came from a projection that is no longer the owner of its view, or
 * did not begin where the view stands, or went by letters that are gone. It has
 * changed nothing.
 */
export class Fenced extends Schema.TaggedError<Fenced>()("Fenced", {
  view: Schema.String,
  version: Schema.Int,
  /** What the projection went by, */
  expected: place,
  /** and what the store has. */
  actual: place
}) {
  override get message(): string {
    const { actual, expected } = this
    const at = ({ epoch, position }: typeof expected) => `position ${position} in epoch ${epoch}`
    const { epoch, position } = expected
    if (actual.epoch === epoch && actual.position === position) {
      return `${this.view}, version ${this.version}: other events are parked than those expected`
    }
    return `${this.view}, version ${this.version}: expected ${at(expected)}, but it is at ${at(actual)}`
  }
}
