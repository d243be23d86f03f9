import type { Consumer } from "./consumer.ts"

/**
 * The views of a list. Throws an `Error` if two of them have the same name and version,
 * because they would have the same records. Two versions of one view have records of
 * their own.
 */
export const distinct = <A extends Pick<Consumer, "name" | "version">>(
  where: string,
  views: ReadonlyArray<A>
): ReadonlyArray<A> => {
  const known = new Map<string, A>()
  for (const view of views) {
    const name = `${view.name}, version ${view.version}`
    const other = known.get(name)
    if (other === view) throw new Error(`${where}: ${name} is in the list twice`)
    if (other !== undefined) {
      throw new Error(`${where}: two views are called ${name}, so they would have the same records. Rename one of them`)
    }
    known.set(name, view)
  }
  return views
}
