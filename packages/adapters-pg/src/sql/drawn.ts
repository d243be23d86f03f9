import { ownPath } from "./security.ts"

/**
 * The last position that was drawn, as an expression.
 *
 * The function of Postgres waits for the lock of the sequence. The row of the sequence is read without that lock: while
 * a call of `nextval` writes its log record, the row shows up to 32 positions too many. A horizon that is too high would
 * lose events, and a last position that falls would look like a sequence that was set back.
 */
export const lastDrawn = (schema: string): string =>
  `coalesce(pg_sequence_last_value('${schema}.events_position'::regclass), 0)`

/**
 * The same, and refused without the right to read the sequence: from Postgres 17 on, the function of Postgres is null
 * then.
 */
export const drawnOrRefused = (schema: string): string => `(select ${lastDrawn(schema)} from ${schema}.events_position)`

/** The function `drawn`, for other functions and for statements. */
export const drawnFunction = (schema: string): string => `create or replace function ${schema}.drawn() returns bigint
  language sql ${ownPath} as $$
    select ${drawnOrRefused(schema)} $$`
