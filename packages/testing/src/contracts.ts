export * as EventStoreContract from "./EventStoreContract.ts"
export * as InlineContract from "./InlineContract.ts"
export * as ProjectionContract from "./ProjectionContract.ts"
export * as ViewStoreContract from "./ViewStoreContract.ts"
