import { assert, it } from "@effect/vitest"
import fc from "fast-check"
import { describe } from "vitest"
// The lines are private to the batcher, and a mistake in them shows only as a rare wait.
// oxlint-disable-next-line no-restricted-imports
import * as KeyLocks from "../../src/events/keyLocks.ts"

const keys = ["a", "b", "c"]

const touches = fc
  .array(fc.constantFrom("exclusive", "shared", "none"), {
    minLength: 3,
    maxLength: 3
  })
  .map((modes): KeyLocks.Touches => ({
    exclusive: keys.filter((_, i) => modes[i] === "exclusive"),
    shared: keys.filter((_, i) => modes[i] === "shared")
  }))

// A request enters, or the n-th of those that are there leaves, whether it has its keys or waits for them.
const steps = fc.array(
  fc.oneof(
    touches.map((touches) => ({ touches, leaves: -1 })),
    fc.nat(20).map((leaves) => ({ touches: undefined, leaves }))
  ),
  { maxLength: 40 }
)

interface Request {
  readonly touches: KeyLocks.Touches
}

/** The rule itself: nobody ahead wants one of its keys, or both share it. */
const hasAll = (request: Request, ahead: ReadonlyArray<Request>): boolean =>
  ahead.every(({ touches: { exclusive, shared } }) => {
    const all = [...exclusive, ...shared]
    return (
      request.touches.exclusive.every((key) => !all.includes(key)) &&
      request.touches.shared.every((key) => !exclusive.includes(key))
    )
  })

describe("the lines for keys", () => {
  it("give a request its keys as soon as nobody ahead keeps it from them, and name it once", () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const locks = KeyLocks.make<Request>()
        const present: Array<Request> = []
        const granted = new Set<Request>()
        const expectGranted = () =>
          assert.deepStrictEqual(
            present.map((request) => granted.has(request)),
            present.map((request, i) => hasAll(request, present.slice(0, i)))
          )
        for (const { leaves, touches } of steps) {
          if (touches !== undefined) {
            const request = { touches }
            present.push(request)
            if (locks.enter(request, touches)) granted.add(request)
          } else if (present.length > 0) {
            const [request] = present.splice(leaves % present.length, 1)
            for (const freed of locks.leave(request!)) {
              assert.isFalse(granted.has(freed))
              granted.add(freed)
            }
            assert.deepStrictEqual(locks.leave(request!), [])
          }
          expectGranted()
        }
      }),
      { numRuns: 2_000 }
    )
  })
})
