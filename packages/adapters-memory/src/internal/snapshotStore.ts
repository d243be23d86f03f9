import { SnapshotStore, StreamId } from "@hexfold/core"
import { SnapshotCheck } from "@hexfold/core/adapter"
import { DateTime, Effect, type Schema } from "effect"

/** A snapshot with its state as text, so that nobody can change it, and the members of its objects stay in their order. */
interface Kept extends Omit<SnapshotStore.Snapshot, "state"> {
  readonly state: string
}

/** The snapshots of a stream by fingerprint. The one that was saved last is the last one. */
type OfStream = Map<string, Kept>

/** A store of snapshots in memory. Each operation is one synchronous step. */
export const snapshotStore = (): SnapshotStore.SnapshotStore["Service"] => {
  const streams = new Map<StreamId.StreamId, OfStream>()

  const save = (snapshot: SnapshotStore.NewSnapshot, savedAt: DateTime.Utc): void => {
    const { fingerprint, streamId } = snapshot
    const kept = streams.get(streamId) ?? new Map<string, Kept>()
    const before = kept.get(fingerprint)
    if (before?.history === snapshot.history && before.version > snapshot.version) return
    streams.set(streamId, kept)
    kept.delete(fingerprint)
    kept.set(fingerprint, { ...snapshot, savedAt, state: JSON.stringify(snapshot.state) })
    if (kept.size > SnapshotStore.mostFingerprints) kept.delete(kept.keys().next().value!)
  }

  const removeFrom = (streamId: StreamId.StreamId, isRemoved: (fingerprint: string) => boolean): number => {
    const kept = streams.get(streamId)
    if (kept === undefined) return 0
    const removed = [...kept.keys()].filter(isRemoved)
    for (const fingerprint of removed) kept.delete(fingerprint)
    if (kept.size === 0) streams.delete(streamId)
    return removed.length
  }

  return SnapshotStore.SnapshotStore.of({
    load: (requests) =>
      Effect.suspend(() => {
        const refused = SnapshotCheck.checkLoad(requests)
        if (refused !== undefined) return Effect.fail(refused)
        return Effect.succeed(
          requests.map(({ fingerprint, streamId }) => {
            const found = streams.get(streamId)?.get(fingerprint)
            return found === undefined ? undefined : { ...found, state: JSON.parse(found.state) as Schema.Json }
          })
        )
      }),

    save: (snapshots) =>
      Effect.flatMap(DateTime.now, (now) => {
        const refused = SnapshotCheck.check(snapshots)
        if (refused !== undefined) return Effect.fail(refused)
        for (const snapshot of snapshots) save(snapshot, now)
        return Effect.void
      }),

    remove: (selection) =>
      Effect.suspend(() => {
        const refused = SnapshotCheck.checkRemove(selection)
        if (refused !== undefined) return Effect.fail(refused)
        if ("streamId" in selection) {
          const { fingerprint, streamId } = selection
          return Effect.succeed(removeFrom(streamId, (each) => fingerprint === undefined || each === fingerprint))
        }
        const stay = new Set(selection.except)
        let removed = 0
        for (const streamId of [...streams.keys()]) {
          if (StreamId.aggregateOf(streamId) !== selection.aggregate) continue
          removed += removeFrom(streamId, (each) => !stay.has(each))
        }
        return Effect.succeed(removed)
      })
  })
}
