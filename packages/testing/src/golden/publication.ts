/** The golden file of a publication: made, renewed, and compared with the program. */
import { PublicationCatalogue } from "@hexfold/core"
import type { OfPublication } from "../compatibility/golden.ts"
import { narrowings } from "../compatibility/narrowing.ts"
import { distinct, type Problem } from "../compatibility/problem.ts"

type Published = PublicationCatalogue.Published
type Entry = PublicationCatalogue.Entry

/** What receivers of the publication do not survive: they read its messages by the contract that they have been given. */
export const comparePublication = (publication: Published, golden: OfPublication): ReadonlyArray<Problem> => {
  const entries = Map.groupBy(PublicationCatalogue.entries([publication]), ({ type }) => type)
  return distinct([
    ...compareSource(publication, golden),
    ...Object.entries(golden.contract).flatMap(([type, versions]): ReadonlyArray<Problem> => {
      const known = entries.get(type) ?? []
      const current = known.find(({ status }) => status === "current")
      if (current === undefined) return [gone(publication, type)]
      if (known.length < versions.length) return [missingVersion(type, versions.length, known.length)]
      // A receiver that knows a former version alone is given messages of the current one.
      return versions.flatMap((before) => compareMessage(publication, current, before))
    })
  ])
}

/** The golden file with all that the publication has now. */
export const renewPublication = (publication: Published, golden?: OfPublication): OfPublication => {
  const { name, source } = publication.contract
  const entries = Map.groupBy(PublicationCatalogue.entries([publication]), ({ type }) => type)
  return {
    publication: name,
    source,
    contract: {
      ...golden?.contract,
      ...Object.fromEntries(
        Array.from(entries, ([type, versions]) => [type, versions.map(({ jsonSchema }) => jsonSchema)])
      )
    }
  }
}

const compareSource = ({ contract }: Published, golden: OfPublication): ReadonlyArray<Problem> =>
  contract.source === golden.source
    ? []
    : [
        {
          where: contract.name,
          what: `its source was "${golden.source}" and is "${contract.source}" now`,
          remedy:
            "Receivers know by source and id what they have seen: they would take a message that comes again for a new one. Leave the source as it was."
        }
      ]

const another = ({ contract }: Published): string =>
  `Leave it as it was, or make another publication, whose name says another version than ${contract.name}, and run both until nobody reads the former one.`

const gone = (publication: Published, type: string): Problem => ({
  where: type,
  what: "it is not published any more",
  remedy: `Receivers wait for it. ${another(publication)}`
})

const missingVersion = (type: string, before: number, now: number): Problem => ({
  where: type,
  what: `it had ${before} versions and has ${now === 1 ? "one" : now} now`,
  remedy: "A message says the number of its version, which is the place in the chain. Put the version back."
})

const compareMessage = (
  publication: Published,
  { jsonSchema, type, version }: Entry,
  before: OfPublication["contract"][string][number]
): ReadonlyArray<Problem> =>
  // The other way round than for stored events: what is sent now must fit what receivers have read until now. They pass
  // fields that they do not know.
  narrowings(jsonSchema, before)
    .filter(({ kind }) => kind !== "lost")
    .map(({ kind, path }) => ({
      where: `${type}, version ${version}`,
      what:
        kind === "required"
          ? `the field "${path}" may be missing now`
          : `${path === "" ? "the whole" : `the field "${path}"`} may have values now that it could not have`,
      remedy: `Receivers do not expect it. ${another(publication)}`
    }))
