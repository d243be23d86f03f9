/** What a golden file has: what was stored once, and what it meant. */
import { Schema } from "effect"

/** An event as a store has it. */
const Stored = Schema.Struct({ type: Schema.String, schemaVersion: Schema.Int, data: Schema.JsonObject })

const Example = Schema.Struct({
  data: Schema.JsonObject,
  /** The current events that it becomes when it is read. Without it, the event is a current one as it is. */
  becomes: Schema.optionalKey(Schema.Array(Stored))
})

const Version = Schema.Struct({ schema: Schema.JsonObject, examples: Schema.Array(Example) })

/** By type: its versions, from version 1 on. */
const Events = Schema.Record(Schema.String, Schema.Array(Version))

const Step = Schema.Struct({
  ...Stored.fields,
  /** The state after the event, by the revision of the aggregate. */
  states: Schema.Record(Schema.String, Schema.Json)
})

/** The golden file of an aggregate. */
export const OfAggregate = Schema.Struct({
  aggregate: Schema.String,
  events: Events,
  /** The JSON Schema of the state, by the revision of the aggregate. */
  states: Schema.Record(Schema.String, Schema.JsonObject),
  histories: Schema.Array(Schema.Struct({ streamId: Schema.String, events: Schema.Array(Step) }))
})

/** The golden file of a topic. */
export const OfTopic = Schema.Struct({
  topic: Schema.String,
  events: Events,
  /** The streams of some keys. */
  streams: Schema.Array(Schema.String)
})

/** The golden file of a publication. */
export const OfPublication = Schema.Struct({
  publication: Schema.String,
  source: Schema.String,
  /** By the tag of the public event: the JSON Schema of each version, from version 1 on. */
  contract: Schema.Record(Schema.String, Schema.Array(Schema.JsonObject))
})

const Logged = Schema.Struct({
  streamId: Schema.String,
  ...Stored.fields,
  /** The records that the event touches as they are after it, by key and by the version of the view. One that is not there is null. */
  records: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Json))
})

/** The golden file of a view. */
export const OfView = Schema.Struct({
  view: Schema.String,
  /** By the version of the view: what identifies its definition, and the JSON Schema of its records. */
  versions: Schema.Record(Schema.String, Schema.Struct({ fingerprint: Schema.String, state: Schema.JsonObject })),
  histories: Schema.Array(Schema.Struct({ events: Schema.Array(Logged) }))
})

/** An event that a reactor or a process handles. */
const Handled = Schema.Struct({
  streamId: Schema.String,
  ...Stored.fields,
  /** Its keys, by the version of the definition. */
  keys: Schema.Record(Schema.String, Schema.Array(Schema.String))
})

const Reacting = {
  /** What identifies the definition. */
  fingerprint: Schema.String,
  /** The events that it handles, each as `Order/Placed`. */
  handles: Schema.Array(Schema.String),
  /** Where it begins when it is run for the first time. */
  start: Schema.Json
}

const handled = { handled: Schema.Array(Schema.Struct({ events: Schema.Array(Handled) })) }

/** The golden file of a reactor. */
export const OfReactor = Schema.Struct({
  reactor: Schema.String,
  /** By the version of the reactor. */
  versions: Schema.Record(Schema.String, Schema.Struct(Reacting)),
  ...handled
})

/** The golden file of a process. */
export const OfProcess = Schema.Struct({
  process: Schema.String,
  /** By the version of the process. */
  versions: Schema.Record(
    Schema.String,
    Schema.Struct({
      ...Reacting,
      /** What it sends to. */
      targets: Schema.Array(Schema.String),
      timeouts: Schema.Array(Schema.String),
      /** The errors of its targets that it has handlers for. */
      rejections: Schema.Array(Schema.String)
    })
  ),
  ...handled,
  /** The events of its own stream. */
  events: Events,
  /** The streams of some processes, with the process after each event by the version of its state. */
  histories: OfAggregate.fields.histories
})

export type StoredEvent = typeof Stored.Type
export type Example = typeof Example.Type
export type Version = typeof Version.Type
export type OfAggregate = typeof OfAggregate.Type
export type OfTopic = typeof OfTopic.Type
export type OfPublication = typeof OfPublication.Type
export type OfView = typeof OfView.Type
export type OfReactor = typeof OfReactor.Type
export type OfProcess = typeof OfProcess.Type
export type HandledHistory = OfReactor["handled"][number]
export type StreamHistory = OfAggregate["histories"][number]
export type LogHistory = OfView["histories"][number]

/** The text of a golden file. What is short stands on one line. */
export const textOf = (golden: OfAggregate | OfTopic | OfPublication | OfView | OfReactor | OfProcess): string =>
  `${printed(golden, "")}\n`

const printed = (json: Schema.Json, indent: string): string => {
  const short = inline(json)
  if (typeof json !== "object" || json === null || indent.length + short.length <= longestLine) return short
  const inner = `${indent}  `
  const members = Array.isArray(json)
    ? json.map((each: Schema.Json) => printed(each, inner))
    : Object.entries(json).map(([key, each]) => `${JSON.stringify(key)}: ${printed(each, inner)}`)
  const [open, close] = Array.isArray(json) ? "[]" : "{}"
  return `${open}\n${members.map((each) => inner + each).join(",\n")}\n${indent}${close}`
}

const inline = (json: Schema.Json): string => {
  if (typeof json !== "object" || json === null) return JSON.stringify(json)
  if (Array.isArray(json)) return `[${json.map(inline).join(", ")}]`
  const members = Object.entries(json).map(([key, each]) => `${JSON.stringify(key)}: ${inline(each)}`)
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`
}

const longestLine = 100
