/** The streams among some whose heads another transaction holds now. It waits for none of them. $1 text[]: the keys. */
export const lockedStreams = (schema: string): string => `
with free as materialized (
  select key from ${schema}.streams where key = any ($1::text[]) for no key update skip locked
)
select key from ${schema}.streams where key = any ($1::text[]) and not exists (select from free where free.key = streams.key)
order by key limit 4`
