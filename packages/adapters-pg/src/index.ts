export * as EmbeddedPostgres from "./EmbeddedPostgres.ts"
export * as PgEventStore from "./PgEventStore.ts"
export * as PgMigrations from "./PgMigrations.ts"
export * as PgViewStore from "./PgViewStore.ts"
