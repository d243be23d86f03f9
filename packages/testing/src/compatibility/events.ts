/** Whether this program reads the events of a golden file as it did. */
import { EventCatalogue } from "@hexfold/core"
import { Equal, Result, type Schema } from "effect"
import { differences, shown } from "./differences.ts"
import type { Example, OfAggregate, StoredEvent, Version } from "./golden.ts"
import { type Narrowing, narrowings } from "./narrowing.ts"
import type { Problem } from "./problem.ts"
import { type Current, type Declaring, read } from "./reading.ts"

/** The events that are not read any more, or as something else. */
export const compareEvents = (source: Declaring, { events }: Pick<OfAggregate, "events">): ReadonlyArray<Problem> => {
  const entries = Map.groupBy(EventCatalogue.entries([source]), ({ type }) => type)
  return Object.entries(events).flatMap(([type, versions]): ReadonlyArray<Problem> => {
    const known = entries.get(type)
    if (known === undefined) return [unknownType(source, type, new Set(Object.keys(events)))]
    if (known.length < versions.length) return [missingVersion(type, versions.length, known.length)]
    const moved = movedVersion(type, versions, known)
    if (moved !== undefined) return [moved]
    return versions.flatMap((version, i) => compareVersion(source, known[i]!, version, known.length))
  })
}

/** A version that has another number now, because one was put in before it. */
const movedVersion = (
  type: string,
  versions: ReadonlyArray<Version>,
  known: ReadonlyArray<EventCatalogue.Entry>
): Problem | undefined => {
  const isAt = ({ schema }: Version, place: number) => differences(schema, known[place]!.jsonSchema) === ""
  for (const [i, version] of versions.entries()) {
    if (narrowings(version.schema, known[i]!.jsonSchema).length === 0) continue
    const place = known.findIndex((_, j) => j > i && isAt(version, j))
    // The version that was there already may look the same, where only the meaning has changed.
    if (place < 0 || (place < versions.length && isAt(versions[place]!, place))) continue
    return {
      where: `${type}, version ${i + 1}`,
      what: `it is version ${place + 1} now`,
      remedy:
        "A stored event says the number of its version, which is the place in the chain. So a version is added at the end " +
        "alone. Put the new one there, or retire an event of another tag."
    }
  }
  return undefined
}

const unknownType = ({ name, schemas }: Declaring, type: string, before: ReadonlySet<string>): Problem => {
  const added = [...schemas.events.keys()].filter((each) => !before.has(each))
  const example = added.length === 1 ? `, such as ${added[0]}` : ""
  return {
    where: type,
    what: "this program neither declares the event nor has retired it",
    remedy:
      "Stored events do not go away. Declare it again, or " +
      `keep its Schema in \`retired\` of ${name}: Versions.retired(${type}, step), where the step gives the current events that it becomes${example}, or none.`
  }
}

const missingVersion = (type: string, before: number, now: number): Problem => ({
  where: type,
  what: `it had ${before} versions and has ${now === 1 ? "one" : now} now`,
  remedy:
    "A stored event says the number of its version, which is the place in the chain. So no version may be taken out, " +
    "neither at the end nor between others. Put it back."
})

const compareVersion = (
  source: Declaring,
  { jsonSchema, status, type, version }: EventCatalogue.Entry,
  { examples, schema }: Version,
  last: number
): ReadonlyArray<Problem> => {
  const where = `${type}, version ${version}`
  const nextVersion =
    `Leave version ${version} as it was` +
    (status === "former" ? "." : `, and add version ${last + 1}: \`.next(Schema, step)\`, after \`Versions.first\`.`)
  const remedies: Readonly<Record<Narrowing["kind"], string>> = {
    lost: `Stored events have it. If it is called otherwise now, or is not needed: ${lowered(nextVersion)}`,
    required: `Stored events may not have it. Give it a default (\`Schema.withDecodingDefaultKey\`), or ${lowered(nextVersion)}`,
    narrower: `Stored events may have other values. ${nextVersion}`
  }
  // What a former version does not read its step does not need, or else an example becomes something else.
  const narrower = narrowings(schema, jsonSchema).filter(({ kind }) => kind !== "lost" || status === "current")
  if (narrower.length > 0) return narrower.map(({ kind, what }) => ({ where, what, remedy: remedies[kind] }))
  for (const example of examples) {
    const event: StoredEvent = { type, schemaVersion: version, data: example.data }
    const current = read(source, event)
    if (Result.isFailure(current)) {
      const why = "detail" in current.failure ? current.failure.detail : current.failure.message
      return [{ where, what: `${shown(example.data)} is not read any more: ${why}`, remedy: remedies.narrower }]
    }
    const problem =
      (isItself(current.success, event)
        ? lostOf(example.data, current.success[0]!.stored.data, where, remedies.lost)
        : undefined) ?? compareBecoming(source, example, event, current.success, where)
    if (problem !== undefined) return [problem]
  }
  return []
}

const lowered = (text: string): string => `${text[0]!.toLowerCase()}${text.slice(1)}`

/** Whether a stored event is a current one, which no step has changed. */
const isItself = (current: ReadonlyArray<Current>, { schemaVersion, type }: StoredEvent): boolean =>
  current.length === 1 && current[0]!.stored.type === type && current[0]!.stored.schemaVersion === schemaVersion

const lostOf = (before: Schema.Json, now: Schema.Json, where: string, remedy: string): Problem | undefined => {
  const difference = differences(before, now, "does not count")
  return difference === ""
    ? undefined
    : { where, what: `${shown(before)} is read as something else: ${difference}`, remedy }
}

/**
 * What an event became once, read by this program, is what it becomes now: whatever steps were added since, both ways lead
 * to the same events.
 */
const compareBecoming = (
  source: Declaring,
  { becomes: before, data }: Example,
  event: StoredEvent,
  now: ReadonlyArray<Current>,
  where: string
): Problem | undefined => {
  if (before === undefined) return undefined
  const [first, ...others] = before
  const wasItself = others.length === 0 && first?.type === event.type && first.schemaVersion === event.schemaVersion
  // An event that was read ahead of its program became former ones or none, which know less.
  if (isItself(now, event) && !wasItself) return undefined
  const remedy =
    "What was decided on it stays as it was. Restore the step, or the default of the field, that made it. If the former " +
    "one was a mistake: raise the `revision` of an aggregate and the `version` of the views, and delete the `becomes` of " +
    " of the example from the file."
  const once = Result.all(before.map((each) => read(source, each)))
  if (Result.isFailure(once)) {
    return { where, what: `${shown(data)} became what is not read any more: ${once.failure.message}`, remedy }
  }
  const expected = once.success.flat()
  const isSame = expected.length === now.length && expected.every(({ value }, i) => Equal.equals(value, now[i]!.value))
  const difference = differences(listOf(expected), listOf(now))
  if (isSame || difference === "") return undefined
  return { where, what: `${shown(data)} becomes something else: ${difference}`, remedy }
}

// One event mostly. Of several, the place and the type say which one has changed.
const listOf = (current: ReadonlyArray<Current>): Schema.Json =>
  current.length === 1
    ? { ...current[0]!.stored.data, _tag: current[0]!.stored.type }
    : current.map(({ stored: { data, type } }) => ({ ...data, _tag: type }))
