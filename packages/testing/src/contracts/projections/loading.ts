import { type Cases, needs } from "../plan.ts"
import { load, newTally, until } from "./tallies.ts"
import { open } from "./trouble.ts"

/** The load under which the other cases run. Without transactions it is lighter, and the summary says so. */
export const loading: Cases = {
  "the load of the cases has appends that commit late and appends that roll back": needs("transactions")(function* () {
    const writing = yield* load([yield* open], newTally())
    yield* until("some commit late", () => writing.late() > 0)
    yield* until("some roll back", () => writing.rolledBack() > 0)
    yield* writing.stop
  })
}
