import { RequestError } from '../kernel/errors.ts'
import { actions, triggerOf, type Choice } from './catalog.ts'
import type { Place } from './place.ts'
import type { MarketplaceDeps } from './ports.ts'

interface DynamicField {
  field: string
  title: string
  fieldType: string
  required: boolean
  options: Choice[]
}

/** Choices that are the agency's own, asked for while somebody sets up a step. */
export interface Dynamic {
  /** @throws RequestError 404 `unknown_trigger` */
  filters(key: string, place: Place): Promise<{ filters: DynamicField[] }>
  /** @throws RequestError 404 `unknown_action` */
  inputs(key: string, place: Place): Promise<{ inputs: { section: string; fields: DynamicField[] }[] }>
}

export function createDynamic({ accounts, settings }: Pick<MarketplaceDeps, 'accounts' | 'settings'>): Dynamic {
  return {
    async filters(key, { companyId, team }) {
      const trigger = triggerOf(key)
      if (trigger === undefined) throw new RequestError(404, 'unknown_trigger', `The app has no trigger "${key}".`)
      // Who works for the agency is for its own people to see.
      const people = team ? await accounts.agencyUsers(companyId) : []
      const options = people.map(({ userId, name }) => ({ label: name, value: userId }))
      return { filters: trigger.filters.filter((filter) => filter.dynamic === true && team).map(({ field, title, type, required }) => ({ field, title, fieldType: type, required, options })) }
    },
    async inputs(key, { companyId, team }) {
      const action = actions.find((one) => one.key === key)
      if (action === undefined) throw new RequestError(404, 'unknown_action', `The app has no action "${key}".`)
      const own = action.fields.filter((field) => field.dynamic === true && team)
      if (own.length === 0) return { inputs: [] }
      const { reasonCodes } = (await settings.get(companyId)).health
      const options = reasonCodes.map(({ code, label }) => ({ label, value: code }))
      return { inputs: [{ section: 'Reasons', fields: own.map(({ field, title, type, required }) => ({ field, title, fieldType: type, required, options })) }] }
    },
  }
}
