import { createAsk } from './ask.ts'
import { endpoints } from './endpoints.ts'
import { userQuery } from './location-api.ts'
import { companyResource } from './resource.ts'
import { pathId, type Sender } from './sender.ts'
import type { CompanyApi, Priority } from './types.ts'
import * as wire from './wire.ts'

/** Calls with the company's token, in the product's words. */
export function createCompanyApi(sender: Sender, appId: string, companyId: string, priority: Priority): CompanyApi {
  const resource = companyResource(pathId(companyId))
  const ask = createAsk(sender, resource, priority)

  return {
    companyId,
    listInstalledLocations: ({ skip, limit }) => {
      const query = { companyId, appId, skip: String(skip), limit: String(limit), isInstalled: true }
      return ask(endpoints.installedLocations, { via: 'sdk', call: (sdk, options) => sdk.oauth.getInstalledLocation(query, options) }, wire.installedAnswer)
    },
    async searchLocations({ skip, limit }) {
      const query = { companyId, skip: String(skip), limit: String(limit) }
      return { locations: await ask(endpoints.searchLocations, { via: 'sdk', call: (sdk, options) => sdk.locations.searchLocations(query, options) }, wire.locationsAnswer) }
    },
    searchUsers: ({ locationId, ...query }) =>
      ask(
        endpoints.searchUsers,
        { via: 'sdk', call: (sdk, options) => sdk.users.searchUsers({ companyId, ...(locationId === undefined ? {} : { locationId }), ...userQuery(query) }, options) },
        wire.usersAnswer,
      ),
    getCompany: () => ask(endpoints.getCompany, { via: 'sdk', call: (sdk, options) => sdk.companies.getCompany({ companyId }, options) }, wire.companyAnswer),
    async uninstall(reason) {
      await sender.send(resource, priority, {
        endpoint: endpoints.uninstall,
        outgoing: { via: 'sdk', call: (sdk, options) => sdk.marketplace.uninstallApplication({ appId }, { companyId, reason }, options) },
      })
    },
  }
}
