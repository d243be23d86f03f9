import { ownPath } from "./searchPath.ts"

/**
 * The function that lists the events of one stream, for people at a database
 * client: `select * from hexfold.stream('Account-1')`. It finds them by an index,
 * which a condition on `events.stream_id` does not. The key of a long id is its
 * digest, see `events/keys.ts`.
 */
export const streamFunction = (schema: string): string => `
create or replace function ${schema}.stream(p_stream_id text) returns setof ${schema}.events
  language sql stable ${ownPath} as $$
  select events.* from ${schema}.streams join ${schema}.events on events.stream = streams.id
  where key = case when octet_length(convert_to(p_stream_id, 'UTF8')) <= 2000 then p_stream_id
    else 'sha256:' || encode(sha256(convert_to(p_stream_id, 'UTF8')), 'hex') end
  order by events.version $$`
