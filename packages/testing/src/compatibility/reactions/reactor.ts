/** The golden file of a reactor: made, renewed, and compared with the program. */
import type { Reactor } from "@hexfold/core"
import { actorsOf, type Cause, causeOf } from "../../histories/members.ts"
import type { OfReactor } from "../golden.ts"
import { distinct, type Problem } from "../problem.ts"
import { runsOf } from "../reachable.ts"
import { compareDefinition, definitionOf, kindOf } from "./definitions.ts"
import { compareHandled, renewHandled } from "./handled.ts"

/** What a reactor that has run does not survive. */
export const compareReactor = (reactor: Reactor.Any, golden: OfReactor): ReadonlyArray<Problem> => {
  const before = golden.versions[String(reactor.version)]
  const changes = before === undefined ? [] : compareDefinition(reactor, before)
  return distinct(changes.length > 0 ? changes : compareHandled(reactor, golden))
}

/** The golden file with all that the reactor has now. What it had stays. */
export const renewReactor = (reactor: Reactor.Any, others: ReadonlyArray<Cause>, golden?: OfReactor): OfReactor => {
  // No state is to be reached: a few events of each kind are enough.
  const runs = runsOf(actorsOf([...others, ...reactor.sources.map(causeOf)]), 40, 6)
  return {
    reactor: kindOf(reactor).own,
    versions: { [String(reactor.version)]: definitionOf(reactor), ...golden?.versions },
    handled: renewHandled(
      reactor,
      runs.map(({ log }) => log),
      golden?.handled ?? []
    )
  }
}
