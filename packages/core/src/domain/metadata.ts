import type * as Schema from "effect/Schema"

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
}
