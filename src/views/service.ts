import type { Connection } from 'mongoose'
import type { SavedView, ViewRequest } from '../http/contract/views.ts'
import type { Clock } from '../kernel/clock.ts'
import { notFound, RequestError } from '../kernel/errors.ts'
import type { Session } from '../kernel/route.ts'
import { isDuplicateKey } from '../store/index.ts'
import { viewModel, type ViewRecord } from './model.ts'

/** Saved views of the agency's people. */
export interface Views {
  /** The team's first, then one's own, each in the order in which they were made. */
  list(session: Session): Promise<SavedView[]>
  /** Makes or changes a view. @throws RequestError 403 `admins_only`; 404 for somebody else's; 409 `too_many_views` */
  save(session: Session, viewId: string, request: ViewRequest): Promise<SavedView>
  /** @throws RequestError 404 for one that is not there, or not one's own */
  remove(session: Session, viewId: string): Promise<void>
  purge(companyId: string): Promise<void>
}

const mostViews = 30
const everybody = ''

export function createViews({ connection, clock }: { connection: Connection; clock: Clock }): Views {
  const views = viewModel(connection)
  const isAdmin = (session: Session) => session.role === 'agency_admin'

  /** The record as it is, if the person may change it. */
  async function editable(session: Session, viewId: string): Promise<ViewRecord | null> {
    const found = await views.findOne({ _id: `${session.companyId}:${viewId}`, companyId: session.companyId }).lean()
    if (found === null) return null
    if (found.userId === everybody && !isAdmin(session)) throw new RequestError(403, 'admins_only', 'Views of the team are changed by agency admins. Save it under another name for yourself.')
    if (found.userId !== everybody && found.userId !== session.userId) throw notFound('view')
    return found
  }

  const viewOf = (record: Pick<ViewRecord, 'viewId' | 'userId' | 'name' | 'look'>, session: Session): SavedView => {
    const shared = record.userId === everybody
    return { viewId: record.viewId, name: record.name, look: record.look, shared, editable: !shared || isAdmin(session) }
  }

  return {
    async list(session) {
      const { companyId, userId } = session
      const [shared, own] = await Promise.all([everybody, userId].map((whose) => views.find({ companyId, userId: whose }).sort({ createdAt: 1, _id: 1 }).limit(mostViews).lean()))
      return [...(shared ?? []), ...(own ?? [])].map((record) => viewOf(record, session))
    },

    async save(session, viewId, { name, look, shared }) {
      const { companyId } = session
      if (shared && !isAdmin(session)) throw new RequestError(403, 'admins_only', 'Views for the whole team are made by agency admins. Save it for yourself.')
      const before = await editable(session, viewId)
      const userId = shared ? everybody : session.userId
      if (before?.userId !== userId && (await views.countDocuments({ companyId, userId })) >= mostViews) throw new RequestError(409, 'too_many_views', `There are ${mostViews} views already. Delete one first.`)
      const _id = `${companyId}:${viewId}`
      try {
        if (before === null) await views.create([{ _id, companyId, viewId, userId, name, look, createdAt: clock.now() }])
        else await views.updateOne({ _id, companyId, userId: before.userId }, { $set: { userId, name, look } })
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
        throw new RequestError(409, 'view_made_meanwhile', 'This view was made a moment ago. Reload the page.')
      }
      return viewOf({ viewId, userId, name, look }, session)
    },

    async remove(session, viewId) {
      const found = await editable(session, viewId)
      if (found === null) throw notFound('view')
      await views.deleteOne({ _id: found._id, companyId: session.companyId, userId: found.userId })
    },

    async purge(companyId) {
      await views.deleteMany({ companyId })
    },
  }
}
