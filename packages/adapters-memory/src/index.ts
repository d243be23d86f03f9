export * as MemoryEventStore from "./MemoryEventStore.ts"
export * as MemoryStores from "./MemoryStores.ts"
export * as MemoryViewStore from "./MemoryViewStore.ts"
