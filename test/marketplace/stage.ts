import { headerName } from '../../src/marketplace/index.ts'
import type { Workflow } from '../sandbox/index.ts'
import { startProduct, type Product, type ProductOptions, type Reply } from '../support/product.ts'
import { until } from '../support/until.ts'

/** A set-up agency with a workflow in its success location and feedback on for one account. */
export interface Stage {
  product: Product
  headquartersId: string
  /** A published workflow of the success location. */
  workflow: Workflow
  who: Awaited<ReturnType<Product['enableFeedback']>>
  /** Calls one of our routes as HighLevel would; `secret: null` leaves the header out. */
  call(path: string, body: unknown, options?: { secret?: string | null; url?: string }): Promise<Reply>
  /** The contact of the first account user in the success location, once it is there. */
  contactId(): Promise<string>
  /** Until nothing is on its way to a workflow. */
  fired(): Promise<void>
}

export async function openStage(options: ProductOptions = {}): Promise<Stage> {
  const product = await startProduct(options)
  const { headquartersId } = await product.setUp()
  const who = await product.enableFeedback(0)
  const workflow = product.sandbox.state.workflows.by('location', headquartersId)[0]!
  return {
    product, headquartersId, workflow, who,
    async call(path, body, { secret = product.sandbox.credentials.headerSecret, url = product.url } = {}) {
      const response = await fetch(`${url}${path}`, {
        method: 'POST', headers: { 'content-type': 'application/json', ...(secret === null ? {} : { [headerName]: secret }) }, body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      const text = await response.text()
      return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text, headers: response.headers }
    },
    async contactId() {
      const { sandbox } = product
      const email = sandbox.state.users.get(who.userId)!.email.toLowerCase()
      return until('the contact', async () => {
        const contact = sandbox.state.contacts.by('location', headquartersId).find((one) => one.email === email)
        const bound = contact === undefined ? [] : await product.app.services.effects.subjectsOf(product.companyId, contact.id).catch(() => [])
        return bound.length > 0 && contact!.id
      })
    },
    async fired() {
      await product.settled()
      await until('nothing on its way', async () => {
        const counts = await product.app.services.marketplace.queue.counts()
        return counts.pending + counts.leased + counts.held === 0
      })
    },
  }
}
