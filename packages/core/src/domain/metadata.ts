import type * as Schema from "effect/Schema"

/** Where an event was before it was moved into the log that has it now. */
export type Origin = {
  /** The identity of the log that had it: a text of at most 1,000 characters. */
  readonly log: string
  /** Its position there. */
  readonly position: number
  /** Where it was before that, if it was moved more than once. */
  readonly origin?: Origin
}

/** The metadata stored with an event. */
export interface Metadata {
  /** The same for everything that follows from one request or job. */
  readonly correlationId: string
  /** The id of what caused the event: of its command, unless the program says otherwise. */
  readonly causationId: string
  /** On whose behalf the command ran. */
  readonly actor?: string
  /** The application's own fields by name, each encoded by its `Metadata.Field`. */
  readonly fields?: { readonly [name: string]: Schema.Json }
  /** The versions of the fields whose version is later than the first. */
  readonly versions?: { readonly [name: string]: number }
  /** Where the event was before, if an import has moved it here. Programs do not set it for events of their own. */
  readonly origin?: Origin
}
