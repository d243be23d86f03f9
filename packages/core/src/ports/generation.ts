import type { Status } from "./ViewStore.ts"

interface Version {
  readonly name: string
  readonly version: number
}

/** A build of a version. */
export interface Build {
  readonly version: number
  readonly build: number
}

/** The generation that answers the queries to a view. */
export const servingOf = ({ name }: { readonly name: string }, all: ReadonlyArray<Status>): Status | undefined =>
  all.find(({ serves, view }) => view === name && serves)

/** All builds of a version. */
export const buildsOf = ({ name, version }: Version, all: ReadonlyArray<Status>): ReadonlyArray<Status> =>
  all.filter((each) => each.view === name && each.version === version)

/** The generation that a projection of a view works on. */
export const currentOf = (view: Version, all: ReadonlyArray<Status>): Status | undefined => {
  const builds = buildsOf(view, all)
  return builds.find(({ serves }) => serves) ?? builds.find(({ replaced }) => !replaced)
}

/** Whether two builds of one view are the same. */
export const isSame = (a: Build, b: Build): boolean => a.version === b.version && a.build === b.build

/** Whether a build of one view comes after another. */
export const isLater = (a: Build, b: Build): boolean =>
  a.version > b.version || (a.version === b.version && a.build > b.build)
