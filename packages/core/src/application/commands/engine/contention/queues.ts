import * as Effect from "effect/Effect"
import { memoized } from "../../../../internal/memoized.ts"
import * as Contested from "./contested.ts"
import { Group } from "./group.ts"
import type { Member } from "./member.ts"
import * as StreamQueue from "./streamQueue.ts"

/** The most commands of a group. */
const maxGroup = 256

/** What the commands of a process on one store share. */
export interface Contention {
  /** Where commands wait for their streams. */
  readonly queue: StreamQueue.StreamQueue<Member>
  readonly contested: Contested.Contested
}

/** What the commands on one store share. A process may have several stores. */
export const contentionOf = (store: object): Contention =>
  memoized(known, store, () => {
    const contested = Contested.make()
    const queue: StreamQueue.StreamQueue<Member> = StreamQueue.make({
      maxGroup,
      begin: (members, streams) => begin(new Group(members, contested), members, () => queue.release(streams))
    })
    return { contested, queue }
  })

const known = new WeakMap<object, unknown>()

/** Runs a group in a fiber of its own, because each of its callers may be interrupted. */
const begin = (group: Group, members: ReadonlyArray<Member>, release: () => void): void => {
  // The fiber yields first, so a caller that gives streams back goes on before those that have waited for them.
  const running = Effect.onExit(Effect.andThen(Effect.yieldNow, group.run()), (exit) =>
    Effect.sync(() => {
      group.end(exit)
      // After the answers: the callers that go on with another command join those that wait.
      release()
    })
  )
  const fiber = Effect.runForkWith(members[0]!.context.context)(running)
  for (const member of members) {
    member.leave = () => {
      if (!group.leave(member)) fiber.interruptUnsafe()
    }
  }
}
