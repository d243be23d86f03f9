/** What a golden file has of events: the JSON Schema of each version, and examples with what they become. */
import { EventCatalogue } from "@hexfold/core"
import { type Arbitrary, Result } from "effect"
import type { Tagged } from "../histories/world.ts"
import { differences } from "./differences.ts"
import { examplesOf } from "./examples.ts"
import type { Example, OfAggregate, StoredEvent } from "./golden.ts"
import { type Declaring, read } from "./reading.ts"

type Events = OfAggregate["events"]

/** What generates the events of each type in place of their Schema. */
export type Generators = Readonly<Record<string, Arbitrary.Arbitrary<Tagged>>>

/** Generators of current events. Those of former versions are made of their Schemas. */
export const ofCurrent =
  (generators: Generators | undefined) =>
  ({ status, type }: EventCatalogue.Entry): Arbitrary.Arbitrary<Tagged> | undefined =>
    status === "current" ? generators?.[type] : undefined

/** What examples are taken from, besides the Schemas. */
interface Sources {
  /** The events that have occurred in a history, by type and version. */
  readonly reached: ReadonlyMap<string, ReadonlyArray<StoredEvent>>
  readonly generatorOf: (entry: EventCatalogue.Entry) => Arbitrary.Arbitrary<Tagged> | undefined
}

/** The events with all types, versions and examples that there are now. What was there stays. */
export const renewEvents = (source: Declaring, golden: Events, { generatorOf, reached }: Sources): Events => {
  const entries = Map.groupBy(EventCatalogue.entries([source]), ({ type }) => type)
  const types = new Set([...Object.keys(golden), ...entries.keys()])
  return Object.fromEntries(
    Array.from(types, (type) => {
      const versions = entries.get(type) ?? []
      return [
        type,
        versions.map((entry) => {
          const known = golden[type]?.[entry.version - 1]?.examples ?? []
          const becoming = (data: Example["data"]) => read(source, { type, schemaVersion: entry.version, data })
          const added = examplesOf(entry, {
            known: known.map(({ data }) => data),
            reached: (reached.get(`${type} ${entry.version}`) ?? []).map(({ data }) => data),
            own: generatorOf(entry),
            isRead: (data) => Result.isSuccess(becoming(data))
          })
          const examples = [...known.map(({ data }) => data), ...added].map((data): Example => {
            const becomes = Result.getOrThrow(becoming(data)).map(({ stored }) => stored)
            const isItself =
              becomes.length === 1 &&
              becomes[0]!.type === type &&
              becomes[0]!.schemaVersion === entry.version &&
              differences(data, becomes[0]!.data) === ""
            return isItself ? { data } : { data, becomes }
          })
          return { schema: entry.jsonSchema, examples }
        })
      ]
    })
  )
}
