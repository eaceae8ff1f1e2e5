import type { Connection, Model, Schema } from 'mongoose'

/** What HighLevel counts quotas and grants tokens for: one company, or one location of it. */
export type Resource = { kind: 'company'; companyId: string } | { kind: 'location'; companyId: string; locationId: string }

export function companyResource(companyId: string): Resource & { kind: 'company' } {
  return { kind: 'company', companyId }
}

export function locationResource(companyId: string, locationId: string): Resource & { kind: 'location' } {
  return { kind: 'location', companyId, locationId }
}

/** Key of a resource's records. Carries the company, so that a location seen under another agency never shares a record. */
export function resourceKey(resource: Resource): string {
  return resource.kind === 'company' ? `company:${resource.companyId}` : `location:${resource.companyId}:${resource.locationId}`
}

export function locationIdOf(resource: Resource): string | null {
  return resource.kind === 'location' ? resource.locationId : null
}

/** The connection's model of that name, defined on first use: several gateways may share one connection. */
export function modelOn<T>(connection: Connection, name: string, schema: Schema<T>, collection: string): Model<T> {
  const known = connection.models[name] as Model<T> | undefined
  return known ?? connection.model<T>(name, schema, collection)
}
