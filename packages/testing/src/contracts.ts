export * as EventStoreContract from "./EventStoreContract.ts"
export * as ViewStoreContract from "./ViewStoreContract.ts"
