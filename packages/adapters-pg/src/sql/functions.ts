import { appendFunction } from "./append.ts"
import { appendEventFunction } from "./appendEvent.ts"
import { formerAppendFunctions } from "./formerAppend.ts"
import { historyFunctions } from "./history.ts"
import { horizonFunctions } from "./horizon.ts"
import { inlineFunctions } from "./inline.ts"
import { lockFunction } from "./locks.ts"
import { ownPath } from "./security.ts"

/**
 * The revision of this library: it counts the changes of functions and tables.
 * Raise it with every such change, or databases keep the functions they have.
 */
export const revision = 4

/**
 * The lowest revision of a library that can use a schema as this library leaves
 * it. Libraries from there on run beside this one, and after it.
 */
export const lowest = 1

/**
 * The functions of a schema, in an order in which they can be created. Each
 * statement replaces a function with the same arguments and result.
 *
 * Libraries of several revisions call the same function. So one whose arguments,
 * result or meaning changes gets a new name (`append_3`), and the former stays
 * until the next major version. `sort_key` is not among them, because
 * the indexes of views depend on it: it is part of a migration. What it returns
 * never changes.
 */
export const functions = (schema: string, namespace: number): ReadonlyArray<string> => [
  ...historyFunctions(schema),
  ...horizonFunctions(schema, namespace),
  ...inlineFunctions(schema),
  appendFunction(schema, namespace),
  appendEventFunction(schema, namespace),
  ...formerAppendFunctions(schema),
  lockFunction(schema),
  streamFunction(schema)
]

/**
 * The function that lists the events of one stream, for people at a database
 * client: `select * from hexfold.stream('Account-1')`. It finds them by an index,
 * which a condition on `events.stream_id` does not. The key of a long id is its
 * digest, see `events/keys.ts`.
 */
const streamFunction = (schema: string): string => `
create or replace function ${schema}.stream(p_stream_id text) returns setof ${schema}.events
  language sql stable ${ownPath} as $$
  select events.* from ${schema}.streams join ${schema}.events on events.stream = streams.id
  where key = case when octet_length(convert_to(p_stream_id, 'UTF8')) <= 2000 then p_stream_id
    else 'sha256:' || encode(sha256(convert_to(p_stream_id, 'UTF8')), 'hex') end
  order by events.version $$`
