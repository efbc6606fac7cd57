// A partner's client of the authorization server, by openid-client.
import { readFile } from 'node:fs/promises'
import { importJWK } from 'jose'
import * as oauth from 'openid-client'
import { Agent, fetch as undiciFetch } from 'undici'

/** A partner that proves itself by key, and binds its tokens to another key. */
export async function byKey({ issuer, clientId, keyFile, redirectUri }) {
  const jwk = JSON.parse(await readFile(keyFile, 'utf8'))
  const proof = oauth.PrivateKeyJwt({ key: await importJWK(jwk, jwk.alg), kid: jwk.kid })
  const partner = new Partner(clientId, redirectUri, globalThis.fetch)
  partner.config = await oauth.discovery(new URL(issuer), clientId, {}, proof, partner.options())
  await partner.newKeys()
  return partner
}

/** A partner that proves itself, and binds its tokens, by certificate. */
export async function byCertificate({ issuer, clientId, certFile, redirectUri }) {
  const cert = await readFile(`${certFile}.crt`, 'utf8')
  const key = await readFile(`${certFile}.key`, 'utf8')
  const dispatcher = new Agent({ connect: { cert, key } })
  const partner = new Partner(clientId, redirectUri, (url, options) => undiciFetch(url, { ...options, dispatcher }))
  const metadata = { use_mtls_endpoint_aliases: true }
  partner.config = await oauth.discovery(new URL(issuer), clientId, metadata, oauth.TlsClientAuth(), partner.options())
  partner.tls = { cert, key }
  return partner
}

class Partner {
  /** Set by a test to change a request before it is made. */
  meddle = null

  constructor(clientId, redirectUri, fetch) {
    Object.assign(this, { clientId, redirectUri, fetch })
  }

  options() {
    const fetch = async (url, options) => {
      await this.meddle?.(url, options)
      return this.fetch(url, options)
    }
    return { [oauth.customFetch]: fetch }
  }

  /** Takes a new key for proofs; tokens until now were bound to the one before. */
  async newKeys() {
    this.keys = await oauth.randomDPoPKeyPair('ES256')
    this.DPoP = oauth.getDPoPHandle(this.config, this.keys)
  }

  /** Pushes a request: where to send the customer, and what to remember. */
  async ask(details, extra = {}) {
    const verifier = oauth.randomPKCECodeVerifier()
    const state = oauth.randomState()
    const parameters = {
      response_type: 'code',
      redirect_uri: this.redirectUri,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      authorization_details: JSON.stringify([details]),
      ...extra,
    }
    for (const name in parameters) if (parameters[name] === undefined) delete parameters[name]
    const url = await oauth.buildAuthorizationUrlWithPAR(this.config, parameters, { DPoP: this.DPoP })
    return { url, verifier, state }
  }

  /** Gets tokens for the code that the customer came back with. */
  async redeem(cameBack, { verifier, state }) {
    const checks = { pkceCodeVerifier: verifier, expectedState: state }
    return oauth.authorizationCodeGrant(this.config, cameBack, checks, undefined, { DPoP: this.DPoP })
  }

  async refresh(refreshToken, parameters) {
    return oauth.refreshTokenGrant(this.config, refreshToken, parameters, { DPoP: this.DPoP })
  }

  /** A token for some kinds of one account: all that was given goes back, with the rest taken out. */
  async refreshFor(refreshToken, [given], accountId, kinds) {
    const accounts = given.accounts.filter((a) => a.account_id === accountId).map((a) => ({ ...a, data_clusters: kinds }))
    const less = { ...given, accounts, data_clusters: kinds }
    return this.refresh(refreshToken, { authorization_details: JSON.stringify([less]) })
  }

  /** A token of the client's own, of no customer. */
  async own(scope) {
    return oauth.clientCredentialsGrant(this.config, { scope }, { DPoP: this.DPoP })
  }

  async introspect(token) { return oauth.tokenIntrospection(this.config, token) }

  async giveUp(token) { return oauth.tokenRevocation(this.config, token) }

  /** Grant management: looks at a grant (GET), or ends it (DELETE). */
  async grant(method, id, token) {
    const server = this.config.serverMetadata()
    const base = this.tls ? server.mtls_endpoint_aliases.grant_management_endpoint : server.grant_management_endpoint
    return oauth.fetchProtectedResource(this.config, token, new URL(`${base}/${id}`), method, undefined, undefined, { DPoP: this.DPoP })
  }
}

/** What to ask a customer for. */
export const details = (bank) => ({
  type: 'account_data',
  bank,
  data_clusters: ['ACCOUNT_BASIC', 'BALANCES', 'TRANSACTIONS_BASIC'],
  purpose: 'ACCOUNT_OVERVIEW',
  purpose_text: 'Your accounts in the chat',
  look_back_days: 90,
  expires_at: new Date(Date.now() + 90 * 86400e3).toISOString(),
  access: { unattended_per_day: 4 },
  retention_days: 30,
})
