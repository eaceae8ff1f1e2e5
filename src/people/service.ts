import type { Connection } from 'mongoose'
import type { Accounts } from '../accounts/index.ts'
import type { Cases } from '../cases/index.ts'
import type { DomainEvent, Events } from '../events/index.ts'
import type { Account } from '../http/contract/accounts.ts'
import type { AccountPerson, Brief, HoursEntry } from '../http/contract/people.ts'
import { dayMs, type Clock } from '../kernel/clock.ts'
import type { ForgottenPerson } from '../kernel/forgotten.ts'
import type { Session } from '../kernel/route.ts'
import type { Settings } from '../settings/index.ts'
import { createAssignmentByRule, type AssignmentByRule } from './assignment.ts'
import { createBriefs } from './brief.ts'
import { actorOf, createAccountContacts } from './contacts.ts'
import { createHours, type Hours } from './hours.ts'
import { peopleModels } from './model.ts'

/** A member of the staff with what they look after. */
export interface CsmRow {
  userId: string
  name: string
  email: string | null
  role: 'admin' | 'user'
  /** Listed accounts. */
  accounts: number
  minutesLast30Days: number
}

/** The people around an account: its users and their parts, its owner, the owners' time. Every method is scoped to one agency. */
export interface People {
  /** Whom the agency talks to first; null for an account without users. */
  primary(companyId: string, locationId: string): Promise<{ userId: string } | null>
  people(companyId: string, locationId: string): Promise<AccountPerson[]>
  choosePrimary(session: Session, locationId: string, userId: string | null): Promise<AccountPerson[]>
  markKey(session: Session, locationId: string, userId: string, key: boolean): Promise<AccountPerson[]>
  setPremium(session: Session, locationId: string, premium: boolean): Promise<Account>
  assignCsm(session: Session, locationId: string, csmUserId: string | null, note?: string): Promise<Account>
  assignByRule: AssignmentByRule['assign']
  csms(companyId: string): Promise<CsmRow[]>
  brief(session: Session, locationId: string): Promise<Brief>
  logHours(session: Session, locationId: string, entry: Parameters<Hours['log']>[2]): Promise<HoursEntry>
  hoursOf: Hours['list']
  removeHours(session: Session, locationId: string, entryId: string): Promise<HoursEntry>
  hoursReport: Hours['report']
  /** Takes note of new accounts and of people who join and leave; all other events are let pass. Idempotent. */
  observe(event: DomainEvent): Promise<void>
  /** Tells what a crash left untold. @returns how many records were looked at */
  keepUp(limit: number): Promise<number>
  /** Nobody is first contact or key user by this person any more. Idempotent. */
  forget(person: ForgottenPerson): Promise<void>
  /** Removes everything stored for the agency. */
  purge(companyId: string): Promise<void>
}

export interface PeopleDeps {
  connection: Connection
  clock: Clock
  accounts: Pick<Accounts, 'get' | 'users' | 'user' | 'agencyUsers' | 'assignCsm' | 'setPremium' | 'locationIds' | 'owners' | 'portfolioSizes'>
  cases: Pick<Cases, 'list'>
  events: Pick<Events, 'timeline'> & { append(event: DomainEvent): Promise<unknown> }
  settings: Pick<Settings, 'get'>
}

const csmHoursDays = 30

export function createPeople(deps: PeopleDeps): People {
  const { clock, accounts } = deps
  const models = peopleModels(deps.connection)
  const contacts = createAccountContacts(models, deps)
  const hours = createHours(models, deps)
  const assignment = createAssignmentByRule(models, deps)
  const briefs = createBriefs({ ...deps, contacts, hours })

  return {
    primary: (companyId, locationId) => contacts.primary(companyId, locationId),
    people: (companyId, locationId) => contacts.people(companyId, locationId),
    choosePrimary: (session, locationId, userId) => contacts.choosePrimary(session, locationId, userId),
    markKey: (session, locationId, userId, key) => contacts.markKey(session, locationId, userId, key),
    setPremium: (session, locationId, premium) => accounts.setPremium(session.companyId, locationId, premium, { actor: actorOf(session), source: 'page' }),
    assignCsm: (session, locationId, csmUserId, note) => accounts.assignCsm(session.companyId, locationId, csmUserId, { actor: actorOf(session), source: 'page', note }),
    assignByRule: (session, request, refusals) => assignment.assign(session, request, refusals),

    async csms(companyId) {
      const staff = await accounts.agencyUsers(companyId)
      const [sizes, minutes] = await Promise.all([
        accounts.portfolioSizes(companyId, staff.map((member) => member.userId)),
        hours.minutesByCsm(companyId, new Date(clock.nowMs() - (csmHoursDays - 1) * dayMs)),
      ])
      return staff.map(({ userId, name, email, role }) => ({ userId, name, email, role, accounts: sizes.get(userId) ?? 0, minutesLast30Days: minutes.get(userId) ?? 0 }))
    },

    brief: (session, locationId) => briefs.brief(session, locationId),
    logHours: (session, locationId, entry) => hours.log(session, locationId, entry),
    hoursOf: (companyId, locationId, query) => hours.list(companyId, locationId, query),
    removeHours: (session, locationId, entryId) => hours.remove(session, locationId, entryId),
    hoursReport: (companyId, query) => hours.report(companyId, query),

    async observe(event) {
      await assignment.accountCreated(event)
      await contacts.membersChanged(event)
    },
    keepUp: async (limit) => (await contacts.tellDue(limit)) + (await hours.tellDue(limit)),

    async forget({ companyId, userId, locationIds }) {
      await models.people.updateMany({ companyId, locationId: { $in: locationIds }, primaryUserId: userId }, { $set: { primaryUserId: null }, $inc: { version: 1 } })
      await models.people.updateMany({ companyId, locationId: { $in: locationIds }, keyUserIds: userId }, { $pull: { keyUserIds: userId }, $inc: { version: 1 } })
    },

    async purge(companyId) {
      await models.people.deleteMany({ companyId })
      await models.hours.deleteMany({ companyId })
      await models.hoursDays.deleteMany({ companyId })
      await models.turns.deleteMany({ companyId })
    },
  }
}
