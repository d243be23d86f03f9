export * as MemoryEventStore from "./MemoryEventStore.ts"
export * as MemoryViewStore from "./MemoryViewStore.ts"
