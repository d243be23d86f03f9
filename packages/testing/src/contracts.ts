export * as EventStoreContract from "./EventStoreContract.ts"
export * as InlineContract from "./InlineContract.ts"
export * as ViewStoreContract from "./ViewStoreContract.ts"
