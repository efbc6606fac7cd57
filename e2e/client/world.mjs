// The parties of the scenarios, around a gateway that runs already.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Browser } from './browser.mjs'
import { Gateway, access, reasonOf } from './gateway.mjs'
import { byCertificate, byKey, details } from './partner.mjs'

const run = promisify(execFile)

/** What the customer gives if nothing is said: less than is asked. */
export const SOME = ['BALANCES:A7753']

export class World {
  constructor(settings) { Object.assign(this, settings) }

  /** Connects the partners: pocket and purse have keys, vault and safe certificates. */
  async open() {
    this.gateway = new Gateway({ address: this.address, caFile: join(this.data, 'pki/ca.crt'), protoDirs: this.protoDirs })
    this.partners = {}
    for (const clientId of ['pocket', 'purse']) {
      this.partners[clientId] = await byKey({ ...this.#client(clientId), keyFile: join(this.data, `${clientId}.jwk.json`) })
    }
    for (const clientId of ['vault', 'safe']) this.partners[clientId] = await this.certified(clientId, `pki/partner-${clientId}`)
    for (const partner of Object.values(this.partners)) partner.connection = this.gateway.connect(partner.tls)
    return this
  }

  #client(clientId) { return { issuer: this.issuer, clientId, redirectUri: this.redirectUri } }

  /** A partner that has one of the certificates of the data directory. */
  async certified(clientId, file) { return byCertificate({ ...this.#client(clientId), certFile: join(this.data, file) }) }

  /** The same partner with a certificate that was issued since. */
  async renewed(clientId) {
    await run(this.program, ['certificate', 'partner', clientId, '--data', this.data])
    return this.certified(clientId, `pki/partner-${clientId}`)
  }

  close() { this.gateway.close() }

  /** Runs a command of the operator's. */
  async sluice(...args) {
    const { stdout } = await run(this.program, [...args, '--data', this.data, '--json'])
    return JSON.parse(stdout)
  }

  /** How often something left under a consent, by the customer's own record. */
  async released(consent) {
    const said = await this.sluice('consent', 'disclosures', consent, '--bank', this.bank, '--customer', this.customer)
    return said.disclosures?.length ?? 0
  }

  /** How many consents a partner has asked for, and the newest. */
  async consentsOf(partner) {
    const { access_token: token } = await partner.own('consents')
    const all = []
    for (let page_token = ''; ;) {
      const answer = await this.shown(partner, token, 'ConsentService', 'ListConsents', { page_size: 100, page_token })
      all.push(...answer.consents)
      if (!(page_token = answer.next_page_token)) return all
    }
  }

  async newest(partner) { return (await this.consentsOf(partner))[0] }

  browser() { return new Browser(this.redirectUri) }

  /** Logs in at the bank, from whichever page leads there. */
  async logIn(browser, customer = this.customer) {
    await browser.press('button[name=login]', { customer, password: 'demo', code: '000000' })
  }

  /** A request that a customer has before him, and has not decided. */
  async before(partner, { browser = this.browser(), ...extra } = {}) {
    const asked = await partner.ask(details(this.bank), extra)
    await browser.open(asked.url)
    if (browser.shows('#to-bank')) {
      await browser.click('#to-bank')
      if (browser.shows('button[name=login]')) await this.logIn(browser)
    }
    assert.ok(browser.shows('#give'), `no consent page, but ${browser.url} (${browser.status}): ${browser.page.text.trim().slice(0, 500)}`)
    return { partner, browser, asked }
  }

  /** A request that a customer agreed to: he is back at the partner with a code. */
  async agreed(partner, { give = SOME, less = {}, ...options } = {}) {
    const visit = await this.before(partner, options)
    assert.ok(await visit.browser.press('#give', { share: give, ...less }), `the browser stays at ${visit.browser.url} (${visit.browser.status})`)
    return { ...visit, cameBack: visit.browser.url }
  }

  /** A consent and the tokens of it. */
  async connected(partner, options) {
    const visit = await this.agreed(partner, options)
    const tokens = await partner.redeem(visit.cameBack, visit.asked)
    return { ...visit, tokens, token: tokens.access_token, consent: tokens.authorization_details[0].consent_id }
  }

  /** A call with a token, with what goes with it. */
  async shown(partner, token, service, method, request, { connection = partner.connection, metadata } = {}) {
    metadata ??= await this.gateway.shows(token, partner.tls ? undefined : partner.keys, service, method)
    return this.gateway.call(connection, service, method, request, metadata)
  }

  async balances({ partner, token, consent }, options) {
    return this.shown(partner, token, 'AccountService', 'ListBalances', { access: access(consent) }, options)
  }
}

/** The error with which the authorization server must refuse. */
export async function refused(attempt, expected) {
  const error = await attempt.then((value) => assert.fail(`not refused: ${JSON.stringify(value)}`), (e) => e)
  assert.equal(error.error, expected, `${error.error ?? error.code}: ${error.error_description ?? error.message}, not ${expected}`)
  return error
}

/** The reason for which the gate must refuse. */
export async function kept(attempt, expected) {
  const error = await attempt.then((value) => assert.fail(`not refused: ${JSON.stringify(value)}`), (e) => e)
  assert.equal(reasonOf(error), expected, `${reasonOf(error)}: ${error.message}, not ${expected}`)
}
