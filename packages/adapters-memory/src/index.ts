export * as MemoryEventStore from "./MemoryEventStore.ts"
export * as MemorySnapshotStore from "./MemorySnapshotStore.ts"
export * as MemoryStores from "./MemoryStores.ts"
export * as MemoryViewStore from "./MemoryViewStore.ts"
