export * as EventStoreContract from "./contracts/EventStoreContract.ts"
export * as InlineContract from "./contracts/InlineContract.ts"
export * as ProjectionContract from "./contracts/ProjectionContract.ts"
export * as ViewStoreContract from "./contracts/ViewStoreContract.ts"
