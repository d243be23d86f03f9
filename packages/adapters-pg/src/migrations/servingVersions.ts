/**
 * Migration 10: each version of a view has a generation of its own that serves it. Before,
 * one generation served all versions, so the others have to catch up before they serve.
 */
export const servingVersions = (schema: string): ReadonlyArray<string> => [
  `drop index ${schema}.views_serving`,
  `create unique index views_serving on ${schema}.views (view, version) where serves`
]
