import { ProjectionMonitor } from "@hexfold/core"
import { Effect } from "effect"

type Consumer = Parameters<typeof ProjectionMonitor.status>[0][number]

/** The status of one view, reactor or process. The cases of a contract share a store, so the status of all others would take long. */
export const monitored = (consumer: Consumer) =>
  Effect.map(ProjectionMonitor.status([consumer], { others: false }), ([status]) => status!)
