import type * as DateTime from "effect/DateTime"

/** An event that could not be applied to the records of a view. */
export interface Unapplied {
  /** The event's position in the log. */
  readonly position: number
  /** The event's stream. */
  readonly stream: string
  /** The event's version in its stream. */
  readonly streamVersion: number
  /** The event's type. */
  readonly type: string
  /**
   * The step that failed, and why. `part` says which of the current events failed that the stored event has become, from
   * 0 on, if it has become several. An event has no error if it could be applied and only waits for an earlier event of
   * the same key.
   */
  readonly error?: { readonly step: string; readonly cause: string; readonly part?: number }
  /** When the projection read the event, by the projection's clock. */
  readonly at: DateTime.Utc
}

/** Whether a projection stands before an event that only a newer program knows. It goes on in a process of that program. */
export const isUnknown = ({ error }: Unapplied): boolean => error?.step === "unknown"

/** An event that was not applied to one record, while the projection went on with the others. */
export interface DeadLetter extends Unapplied {
  /** The history of the log in which the event has its position. */
  readonly history: number
  /** The key of the record. It is empty if the event's keys are not known. */
  readonly key: string
  /** True if the event is kept for another try, false if it was skipped. */
  readonly parked: boolean
}

/** Which dead letters to read. They come ordered by position and key. */
export interface DeadLetterOptions {
  /** Only the dead letters that come after this one. */
  readonly after?: Pick<DeadLetter, "position" | "key">
  /** Only the dead letters of this key. */
  readonly key?: string
  /** Only parked dead letters if true, only skipped ones if false, and both by default. */
  readonly parked?: boolean
  /** The most dead letters to read. */
  readonly limit?: number
}

/** The number of a generation's dead letters. */
export interface DeadLetterCounts {
  /** The number of keys that are parked. */
  readonly parked: number
  /** The number of dead letters whose event was skipped. */
  readonly skipped: number
}
