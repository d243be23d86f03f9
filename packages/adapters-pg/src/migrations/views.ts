/**
 * Migration 3: the registry of views, and the text that orders a field's value.
 *
 * `sort_key` turns any JSON value into a text. The code-point order of these
 * texts is the order of a query, and equal values have equal texts. So one
 * expression and one index serve comparisons and orders of every kind.
 * `views/sortKey.ts` makes the same text:
 *
 * | value | text |
 * |---|---|
 * | null or missing | 0 |
 * | false, true | 1, 2 |
 * | a number below 0 | 3 and the complement of its bits |
 * | another number | 4 and its bits |
 * | a text | 5 and the text |
 * | an array or an object | 6 |
 *
 * The indexes of views depend on the function, so it is part of a migration.
 */
export const views = (schema: string): ReadonlyArray<string> => [
  `create table ${schema}.views (
     id bigint generated always as identity primary key,
     view text collate "C" not null,
     version bigint not null,
     epoch bigint not null default 0,
     position bigint not null default 0,
     owner text not null default '',
     leased_until timestamptz not null default '-infinity',
     serves boolean not null,
     unique (view, version)
   ) with (fillfactor = 50)`,
  `create unique index views_serving on ${schema}.views (view) where serves`,
  `create function ${schema}.sort_key(value jsonb) returns text language sql immutable parallel safe as $$
     select case jsonb_typeof(value)
       when 'boolean' then case when value::boolean then '2' else '1' end
       when 'number' then
         case when value::float8 < 0
           then '3' || translate(encode(float8send(value::float8), 'hex'), '0123456789abcdef', 'fedcba9876543210')
           else '4' || encode(float8send(value::float8), 'hex')
         end
       when 'string' then '5' || (value #>> '{}')
       when 'array' then '6'
       when 'object' then '6'
       else '0'
     end $$`
]
