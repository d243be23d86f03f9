/**
 * Why an operation of a store failed. An `EventStoreError` or a
 * `ViewStoreError` has one of these as its `reason`; the cause is kept as it
 * came, never turned into a text.
 */
import * as Schema from "effect/Schema"

const fields = { detail: Schema.String, cause: Schema.optionalKey(Schema.Defect()) }

/**
 * The store cannot be reached or gave the work up for a passing reason. Whether
 * an append that failed so has happened is unknown: repeat it with its command
 * id, or with an expectation that its own success would break.
 */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", fields) {}

/** The store did not answer in the time that it or its server allows. */
export class Timeout extends Schema.TaggedError<Timeout>()("Timeout", fields) {}

/** What is stored breaks an invariant of the store. */
export class Corrupt extends Schema.TaggedError<Corrupt>()("Corrupt", fields) {}

/** The request can never succeed as it is; nothing was written. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", fields) {}

/** None of the others. */
export class Unknown extends Schema.TaggedError<Unknown>()("Unknown", fields) {}

/** Why an operation of the store failed. */
export type Reason = Unavailable | Timeout | Corrupt | Rejected | Unknown

/** The schema of {@link Reason}. */
export const schema = Schema.Union([Unavailable, Timeout, Corrupt, Rejected, Unknown])
