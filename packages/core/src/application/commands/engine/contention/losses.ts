import { EventStoreError } from "../../../../ports/errors.ts"
import { Unavailable } from "../../../../ports/Reason.ts"
import { isFromAnotherHistory } from "../failures.ts"
import { GoneBack } from "./streamStates.ts"

/** After so many attempts in a row that have found another history, the store does not know its own. */
const mostLosses = 3

/** How often in a row a store has lost commits, as it does when a backup is restored or a standby takes over. */
export class Losses {
  private count = 0

  /**
   * Whether a failure says so, and the streams are read anew; if it says so again and again, as with two servers that are
   * asked in turn, the error with which the commands end. A caller's transaction goes on in the history in which it began, or
   * not at all.
   */
  by(error: unknown, isJoined: boolean): boolean | EventStoreError {
    const isLost = error instanceof GoneBack || (isFromAnotherHistory(error) && !isJoined)
    if (!isLost || ++this.count <= mostLosses) return isLost
    return error instanceof EventStoreError ? error : goneBackAgain()
  }

  /** An attempt has succeeded. */
  end(): void {
    this.count = 0
  }
}

const goneBackAgain = () =>
  new EventStoreError({
    operation: "readStreams",
    reason: new Unavailable({ detail: "the store has an earlier version of a stream than it had, again and again" })
  })
