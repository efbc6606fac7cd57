// A partner's gRPC calls, with a token and what proves that it may show it.
import { readFileSync } from 'node:fs'
import * as grpc from '@grpc/grpc-js'
import * as loader from '@grpc/proto-loader'
import { generateProof } from 'dpop'
import protobuf from 'protobufjs'

// What a refusal carries (google.rpc), as far as it is read here.
const refusals = protobuf.parse(`syntax = "proto3"; package google.rpc;
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }`).root

/** Why a call was refused: the stable reason, or the status where there is none. */
export function reasonOf(error) {
  const raw = error.metadata?.get('grpc-status-details-bin')[0]
  if (!raw) return grpc.status[error.code] ?? String(error)
  for (const any of refusals.lookupType('google.rpc.Status').decode(raw).details) {
    if (any.typeUrl.endsWith('google.rpc.ErrorInfo')) return refusals.lookupType('google.rpc.ErrorInfo').decode(any.value).reason
  }
  return grpc.status[error.code]
}

export class Gateway {
  #clients = []

  constructor({ address, caFile, protoDirs }) {
    Object.assign(this, { address, ca: readFileSync(caFile) })
    const files = ['sluice/partner/v1/account_service.proto', 'sluice/partner/v1/consent_service.proto']
    const contract = grpc.loadPackageDefinition(loader.loadSync(files, { includeDirs: protoDirs, keepCase: true, enums: String, longs: Number, defaults: true }))
    this.services = contract.sluice.partner.v1
  }

  /** A connection, with a certificate or without. */
  connect(tls) {
    const credentials = grpc.credentials.createSsl(this.ca, tls && Buffer.from(tls.key), tls && Buffer.from(tls.cert))
    const make = (service) => new this.services[service](this.address, credentials)
    const connection = { AccountService: make('AccountService'), ConsentService: make('ConsentService') }
    this.#clients.push(...Object.values(connection))
    return connection
  }

  close() { this.#clients.forEach((client) => client.close()) }

  /** Address of a method, as proofs name it. */
  uri(service, method) { return `https://${this.address}/sluice.partner.v1.${service}/${method}` }

  nothing() { return new grpc.Metadata() }

  /** Metadata of a call: one proof, good for this call alone, or none. */
  async shows(token, keys, service, method) {
    const metadata = new grpc.Metadata()
    metadata.set('authorization', `${keys ? 'DPoP' : 'Bearer'} ${token}`)
    if (keys) metadata.set('dpop', await generateProof(keys, this.uri(service, method), 'POST', undefined, token))
    return metadata
  }

  call(connection, service, method, request, metadata) {
    const client = connection[service]
    return new Promise((resolve, reject) => {
      client[method](request, metadata, { deadline: Date.now() + 10_000 }, (error, answer) => (error ? reject(error) : resolve(answer)))
    })
  }
}

/** What every call for data states. */
export const access = (consent) => ({
  consent_id: consent, purpose: 'PURPOSE_ACCOUNT_OVERVIEW', attendance: 'ATTENDANCE_CUSTOMER_PRESENT',
})
