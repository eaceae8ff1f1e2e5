import type { Correction } from './official/corrections.ts'
import type { Json } from './official/documents.ts'

const contacts = 'openapi/apps/contacts.json'
const conversations = 'openapi/apps/conversations.json'
const locations = 'openapi/apps/locations.json'
const oauth = 'openapi/apps/oauth.json'
const opportunities = 'openapi/apps/opportunities.json'
const common = 'openapi/common/common-schemas.json'
const text = { type: 'string' } as const
const plainError = { type: 'object', properties: { statusCode: { type: 'number' }, message: text, error: text } } as const
const anyFieldValue: Json = { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'array' }, { type: 'object' }] }
const versionHeader: Json = { name: 'Version', in: 'header', required: true, schema: { type: 'string', enum: ['2021-04-15'] } }

/** Everything that HighLevel's API files have wrong or leave out, as far as the product meets it. A correction that is not needed any more fails the suite. */
export const apiCorrections: readonly Correction[] = [
  {
    name: 'pipeline stages are objects',
    reason: 'The list of pipelines types `stages` as an array of arrays.',
    evidence: 'Working clients read {id, name, position}; the v3 pages describe the same objects.',
    file: opportunities,
    set: {
      '/components/schemas/PipelinesResponseSchema/properties/stages/items': {
        type: 'object', required: ['id', 'name'],
        properties: { id: text, name: text, position: { type: 'number' }, showInFunnel: { type: 'boolean' }, showInPieChart: { type: 'boolean' }, stageWinProbability: { type: 'number' } },
      },
    },
  },
  {
    name: 'sending needs neither subType nor status',
    reason: 'The body of a message requires `subType` and `status`, which belong to other calls.',
    evidence: 'Working clients send type, contactId and the text only; `status` is a delivery state that a sender cannot know.',
    file: conversations,
    set: { '/components/schemas/SendMessageBodyDto/required': ['type', 'contactId'] },
  },
  {
    name: 'an e-mail is read with a version',
    reason: 'Reading an e-mail by its id names no Version header.',
    evidence: 'Every other message call of the file names 2021-04-15, and calls without the header are refused ("version header was not found.").',
    file: conversations,
    set: { '/paths/~1conversations~1messages~1email~1{id}/get/parameters': [versionHeader, { name: 'id', in: 'path', required: true, schema: text }] },
  },
  {
    name: 'an e-mail is read with a scope',
    reason: 'Reading an e-mail by its id names no security at all, so generated clients send it without a token.',
    evidence: 'It returns a customer\'s e-mail; every other message call of the file names this scope.',
    file: conversations,
    set: { '/paths/~1conversations~1messages~1email~1{id}/get/security': [{ bearer: ['conversations/message.readonly'] }] },
  },
  {
    name: 'choices are written as options',
    reason: 'Creating and changing a single-option field has no member for the choices.',
    evidence: 'Working clients send `options` and read `picklistOptions`; staff called the page incomplete in August 2026.',
    file: locations,
    set: {
      '/components/schemas/CreateCustomFieldsDTO/properties/options': { type: 'array', items: text },
      '/components/schemas/UpdateCustomFieldsDTO/properties/options': { type: 'array', items: text },
    },
  },
  {
    name: 'changing a field needs a scope',
    reason: 'Changing a custom field names security without a scope.',
    evidence: 'Several single-record operations name none; the scope of their family applies (creating names locations/customFields.write).',
    file: locations,
    set: { '/paths/~1locations~1{locationId}~1customFields~1{id}/put/security': [{ bearer: ['locations/customFields.write'] }] },
  },
  {
    name: 'numbers are written as numbers',
    reason: 'The value of a numeric custom field is typed as an object.',
    evidence: 'The example beside it is 100.',
    file: contacts,
    set: { '/components/schemas/NumericField/properties/field_value': { type: 'number' } },
  },
  {
    name: 'values are read in the type of their field',
    reason: 'Custom field values of a contact are typed as text only.',
    evidence: 'Webhook pages type the same value as string, number, array or object; answers carry numbers.',
    file: contacts,
    set: { '/components/schemas/CustomFieldSchema/properties/value': anyFieldValue },
  },
  {
    name: 'the duplicate search has an answer',
    reason: 'Looking for a duplicate contact documents 200 without a schema.',
    evidence: 'As integrators read it: {contact}, null when there is none; not measured by us. The product also takes an answer without the member.',
    file: contacts,
    set: {
      '/paths/~1contacts~1search~1duplicate/get/responses/200/content': {
        'application/json': { schema: { type: 'object', required: ['contact'], properties: { contact: { anyOf: [{ $ref: '#/components/schemas/GetContectByIdSchema' }, { type: 'object', nullable: true, enum: [null] }] } } } },
      },
    },
  },
  {
    name: 'tag calls say what changed',
    reason: 'Adding and removing tags answers more than the resulting list.',
    evidence: 'Newer documentation pages and integrators\' logs show tagsAdded and tagsRemoved; not measured by us. The product reads neither.',
    file: contacts,
    set: {
      '/components/schemas/CreateAddTagSuccessfulResponseDto/properties/tagsAdded': { type: 'array', items: text },
      '/components/schemas/CreateDeleteTagSuccessfulResponseDto/properties/tagsRemoved': { type: 'array', items: text },
    },
  },
  {
    name: 'a duplicate contact names the existing one',
    reason: 'Where a location allows no duplicates, the refusal carries `meta` with the contact that is there.',
    evidence: 'Commonly reported; not documented.',
    file: contacts,
    set: {
      '/paths/~1contacts~1/post/responses/400/content/application~1json/schema': {
        type: 'object', properties: { statusCode: { type: 'number' }, message: text, meta: { type: 'object', properties: { contactId: text, matchingField: text, contactName: text } } },
      },
    },
  },
  {
    name: 'a contact that is gone may answer 404',
    reason: 'Reading a contact documents 400 for one that does not exist; 404 is reported as well.',
    evidence: 'Services differ (contacts: 400 commonly reported); 404 is documented on 23 other operations.',
    file: contacts,
    answer: { status: 404, operations: ['GET /contacts/{contactId}'], schema: plainError },
  },
  {
    name: 'refused content carries a traceId',
    reason: '422 answers have a traceId that the shared schema leaves out.',
    evidence: 'Commonly reported; not documented.',
    file: common,
    set: { '/components/schemas/UnprocessableDTO/properties/traceId': text },
  },
  {
    name: 'token answers name the refresh token',
    reason: 'The answer with tokens has a refreshTokenId that the file leaves out.',
    evidence: 'Seen in live answers.',
    file: oauth,
    set: { '/components/schemas/GetAccessCodeSuccessfulResponseDto/properties/refreshTokenId': text },
  },
  {
    name: 'location tokens can be renewed',
    reason: 'Minting a location token leaves out refresh_token and its company.',
    evidence: 'Documented on the live page since May 2026; the dated file still lacks them.',
    file: oauth,
    set: {
      '/components/schemas/GetLocationAccessTokenSuccessfulResponseDto/properties/refresh_token': text,
      '/components/schemas/GetLocationAccessTokenSuccessfulResponseDto/properties/refreshTokenId': text,
      '/components/schemas/GetLocationAccessTokenSuccessfulResponseDto/properties/userType': text,
      '/components/schemas/GetLocationAccessTokenSuccessfulResponseDto/properties/companyId': text,
      '/components/schemas/GetLocationAccessTokenSuccessfulResponseDto/properties/traceId': text,
    },
  },
  {
    name: 'the token endpoint refuses as OAuth does',
    reason: 'Refused codes and refresh tokens answer error and error_description instead of the shared error.',
    evidence: 'Measured with a made-up code: {"error":"UnAuthorized!","error_description":"Authorization code not found"}.',
    file: oauth,
    set: {
      '/paths/~1oauth~1token/post/responses/400/content/application~1json/schema': { anyOf: [{ type: 'object', required: ['error', 'error_description'], properties: { error: text, error_description: text } }, plainError] },
      '/paths/~1oauth~1token/post/responses/401/content/application~1json/schema': { type: 'object', required: ['error', 'error_description'], properties: { error: text, error_description: text } },
    },
  },
  {
    name: 'quotas answer 429',
    reason: 'No operation of any file documents 429.',
    evidence: 'The rate-limit page: 100 requests in 10 seconds and 200,000 a day per resource.',
    file: 'openapi/apps/companies.json',
    answer: { status: 429, operations: 'all', schema: plainError },
  },
]
