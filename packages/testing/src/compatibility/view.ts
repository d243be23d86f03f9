/** The golden file of a view: made, renewed, and compared with the program. */
import { View } from "@hexfold/core"
import { InlineViews } from "@hexfold/core/adapter"
import { Equal, Result, Schema } from "effect"
import { actorsOf, type Cause, causeOf } from "../histories/members.ts"
import type { Run } from "../histories/world.ts"
import { differences } from "./differences.ts"
import type { LogHistory, OfView } from "./golden.ts"
import { schemaOf } from "./jsonSchema.ts"
import { narrowings } from "./narrowing.ts"
import { distinct, type Problem } from "./problem.ts"
import { type Declaring, logged, stored } from "./reading.ts"
import { fewOf, runsOf } from "./reachable.ts"

/** What stored records of the view do not survive. */
export const compareView = (view: View.Any, golden: OfView): ReadonlyArray<Problem> => {
  const before = golden.versions[String(view.version)]
  const changes = before === undefined ? [] : compareDefinition(view, before)
  return distinct(changes.length > 0 ? changes : compareRecords(view, golden))
}

const raise = ({ version }: View.Any): string =>
  `Raise the view's \`version\` to ${version + 1}: then its records are built anew, from the first event on.`

const compareDefinition = (view: View.Any, before: OfView["versions"][string]): ReadonlyArray<Problem> =>
  View.differences(before.fingerprint, view.fingerprint).flatMap((part): ReadonlyArray<Problem> => {
    const where = `${view.name}, version ${view.version}`
    const remedy = `Its records are refused. ${raise(view)}`
    const isState = part === "the Schema of its state"
    // What the records have lost says more than that they have changed.
    const fields = isState ? narrowings(before.state, schemaOf(view.schemas.state)).map(({ what }) => what) : []
    const general = `${part} ${isState ? "has" : "have"} changed`
    return [{ where, what: fields.length === 0 ? general : `${general}: ${fields.join(", ")}`, remedy }]
  })

const compareRecords = (view: View.Any, { histories }: OfView): ReadonlyArray<Problem> =>
  histories.flatMap(({ events }): ReadonlyArray<Problem> => {
    const changes = changesOf(view, events)
    const isSame = sameRecords(view)
    for (const [i, { records, streamId, type }] of events.entries()) {
      const where = `${view.name}, ${type} of ${streamId}`
      const change = changes[i]!
      if (Result.isFailure(change)) {
        const remedy =
          "What is stored must be applied for ever. If the event is not read any more, the check of its aggregate says why. " +
          "If a handler has thrown, make it take the event."
        return [{ where, what: change.failure, remedy }]
      }
      const before = records[String(view.version)]
      const difference = before === undefined ? "" : differences(before, change.success)
      if (before !== undefined && difference !== "" && !isSame(before, change.success)) {
        return [{ where, what: `it makes other records: ${difference}`, remedy: raise(view) }]
      }
    }
    return []
  })

// Sets and maps have no order.
const sameRecords = (view: View.Any) => {
  const decode = Schema.decodeUnknownResult(Schema.toCodecJson(view.schemas.state))
  const meaningOf = (records: Records) =>
    Object.fromEntries(Object.entries(records).map(([key, json]) => [key, json === null ? json : decode(json)]))
  return (one: Records, other: Records): boolean => Equal.equals(meaningOf(one), meaningOf(other))
}

/** Records as a store keeps them, by key. One that was deleted is null. */
type Records = Readonly<Record<string, Schema.Json>>

/** What each event changes, up to the first that cannot be applied. */
const changesOf = (
  view: View.Any,
  events: ReadonlyArray<Recordable>
): ReadonlyArray<Result.Result<Records, string>> => {
  const records = new Map<string, Schema.Json>()
  const changes: Array<Result.Result<Records, string>> = []
  for (const event of logged(events)) {
    const made = Result.flatMap(InlineViews.plan(view, [event]), ({ fold }) => fold(records))
    if (Result.isFailure(made)) {
      changes.push(Result.fail(made.failure.message))
      break
    }
    const changed: Array<readonly [string, Schema.Json]> = []
    for (const { key, state } of made.success.put) {
      const kept = JSON.parse(JSON.stringify(state)) as Schema.Json
      records.set(key, kept)
      changed.push([key, kept])
    }
    for (const key of made.success.remove) {
      records.delete(key)
      changed.push([key, null])
    }
    changes.push(Result.succeed(Object.fromEntries(changed.sort(([a], [b]) => (a < b ? -1 : 1)))))
  }
  return changes
}

type Recordable = Omit<LogHistory["events"][number], "records">

/** The golden file with all that the view has now. What it had stays. */
export const renewView = (view: View.Any, others: ReadonlyArray<Cause>, golden?: OfView): OfView => {
  const { fingerprint, name, schemas } = view
  const version = String(view.version)
  return {
    view: name,
    versions: { [version]: { fingerprint, state: schemaOf(schemas.state) }, ...golden?.versions },
    histories: historiesOf(view, others, golden?.histories ?? []).map(({ events }) => {
      const changes = changesOf(view, events)
      return {
        events: events.map((event, i) => ({
          ...event,
          records: { [version]: Result.getOrThrow(changes[i]!), ...event.records }
        }))
      }
    })
  }
}

const historiesOf = (
  view: View.Any,
  others: ReadonlyArray<Cause>,
  known: ReadonlyArray<LogHistory>
): ReadonlyArray<LogHistory> => {
  const candidates = runsOf(actorsOf([...others, ...view.sources.map(causeOf)])).flatMap((run) => logsOf(view, run))
  if (candidates.length === 0 && known.length === 0) {
    throw new Error(
      `No history has an event that ${view.name} handles and can apply. Give what causes them: { with: [...] }.`
    )
  }
  const typesOf = ({ events }: LogHistory) =>
    events.map(({ streamId, type }) => `${streamId.slice(0, streamId.indexOf("-"))} ${type}`)
  const jsonOf = ({ events }: LogHistory) => events.flatMap(({ data, streamId }) => [streamId, data])
  const added = fewOf(candidates, typesOf, jsonOf, known)
  return [...known, ...added]
}

/** The events of a run that the view is given, as far as a store can keep them and the view can apply them. */
const logsOf = (view: View.Any, { log }: Run): ReadonlyArray<LogHistory> => {
  const all = Result.all(
    log
      .filter(({ event, source }) => source.schemas.events.has(event._tag))
      .map(({ event, source, streamId }) =>
        Result.map(stored(source as Declaring, event), (kept) => ({ streamId, ...kept, records: {} }))
      )
  )
  if (Result.isFailure(all)) return []
  const events = all.success.filter((event) => InlineViews.follows(view, event))
  return events.length > 0 && changesOf(view, events).every(Result.isSuccess) ? [{ events }] : []
}
