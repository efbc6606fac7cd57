// Requests that must not come before a customer.
import assert from 'node:assert/strict'
import * as oauth from 'openid-client'
import { details } from '../partner.mjs'
import { refused } from '../world.mjs'

/** Nothing of a consent comes to be while something is refused. */
async function nothingAsked(w, partner, attempt) {
  const before = (await w.consentsOf(partner)).length
  await attempt()
  assert.equal((await w.consentsOf(partner)).length, before)
}

const both = (w) => [w.partners.pocket, w.partners.vault]

const pushed = (extra, expected) => async (w) => {
  for (const partner of both(w)) {
    await nothingAsked(w, partner, () => refused(partner.ask(details(w.bank), extra), expected))
  }
}

/** Opens an address that must show an error page, and lead to nobody. */
async function nobodyIsAsked(w, url, browser = w.browser()) {
  assert.equal(await browser.open(url), false, `the browser is sent to ${browser.url}`)
  assert.ok(browser.status >= 400, `${browser.url} answers ${browser.status}`)
  assert.ok(!browser.shows('#give') && !browser.shows('#to-bank'))
}

export default {
  'a request without PKCE is refused': pushed({ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'),
  'a request with plain PKCE is refused': pushed({ code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' }, 'invalid_request'),
  'a redirect_uri that is not registered is refused': async (w) => {
    for (const uri of ['https://attacker.example/done', `${w.redirectUri}/more`, `${w.redirectUri}?more`, 'http://partner.example/done', undefined]) {
      await pushed({ redirect_uri: uri }, 'invalid_request')(w)
    }
  },
  'a request_uri is not pushed': pushed({ request_uri: 'urn:ietf:params:oauth:request_uri:made-up' }, 'invalid_request'),
  'a request for the answer by another way is refused': async (w) => {
    await pushed({ response_type: 'token' }, 'invalid_request')(w)
    await pushed({ response_type: 'code id_token' }, 'invalid_request')(w)
    await pushed({ response_mode: 'fragment' }, 'invalid_request')(w)
  },
  'a request for what no customer can give is refused': async (w) => {
    const some = details(w.bank)
    for (const one of [{ ...some, purpose: 'ADVERTISING' }, { ...some, data_clusters: [] }, { ...some, data_clusters: ['EVERYTHING'] },
      { ...some, bank: 'nowhere' }, { ...some, type: 'other' }, { ...some, look_back_days: 100000 }, { ...some, unknown: 1 }]) {
      await pushed({ authorization_details: JSON.stringify([one]) }, 'invalid_authorization_details')(w)
    }
    await pushed({ authorization_details: undefined }, 'invalid_authorization_details')(w)
  },
  'a client that does not prove itself is refused': async (w) => {
    const { pocket, purse, vault } = w.partners
    const unproven = {
      'no assertion': [pocket, (url, { body }) => { body.delete('client_assertion'); body.delete('client_assertion_type') }],
      'the assertion of another': [pocket, await assertionOf(w, purse)],
      'an assertion that was used': [pocket, await assertionOf(w, pocket, true)],
      'a certificate of another': [vault, null],
    }
    for (const [name, [partner, meddle]] of Object.entries(unproven)) {
      const fetch = partner.fetch
      if (!meddle) partner.fetch = w.partners.safe.fetch
      else partner.meddle = meddle
      await refused(partner.ask(details(w.bank)), 'invalid_client').catch((e) => assert.fail(`${name}: ${e.message}`))
      Object.assign(partner, { fetch, meddle: null })
    }
  },

  'a request that was not pushed is refused': async (w) => {
    for (const partner of both(w)) {
      const parameters = {
        response_type: 'code', redirect_uri: partner.redirectUri, state: 's', code_challenge: 'a'.repeat(43),
        code_challenge_method: 'S256', authorization_details: JSON.stringify([details(w.bank)]),
      }
      await nothingAsked(w, partner, async () => {
        await nobodyIsAsked(w, oauth.buildAuthorizationUrl(partner.config, parameters))
        await nobodyIsAsked(w, oauth.buildAuthorizationUrl(partner.config, { request_uri: 'urn:ietf:params:oauth:request_uri:req_made-up' }))
      })
    }
  },

  'a request_uri is of the client that pushed it': async (w) => {
    const { pocket, purse, vault } = w.partners
    for (const other of [purse, vault]) {
      const asked = await pocket.ask(details(w.bank))
      const theirs = new URL(asked.url)
      theirs.searchParams.set('client_id', other.clientId)
      await nobodyIsAsked(w, theirs)
      assert.equal((await w.newest(pocket)).status, 'CONSENT_STATUS_PENDING')
    }
    // The client it is of may ask anew.
    assert.ok((await w.connected(pocket)).token)
  },

  'a request_uri is over when it was answered': async (w) => {
    for (const partner of both(w)) {
      const got = await w.agreed(partner)
      await nobodyIsAsked(w, got.asked.url)
      await nobodyIsAsked(w, got.asked.url, got.browser)
      assert.ok((await partner.redeem(got.cameBack, got.asked)).access_token)
    }
  },

  'a request can be opened anew before it is answered': async (w) => {
    const { browser, asked, partner } = await w.before(w.partners.pocket)
    await browser.open(asked.url)
    assert.ok(browser.shows('#give'), `${browser.url} (${browser.status})`)
    assert.ok(await browser.press('#give', { share: ['BALANCES:A7753'] }))
    assert.ok((await partner.redeem(browser.url, asked)).access_token)
  },
}

/** A change of requests: they carry what another proved itself with. */
async function assertionOf(w, partner, spent) {
  let seen
  partner.meddle = (url, { body }) => {
    seen = body.get('client_assertion')
    if (!spent) throw new Error('not sent')
  }
  await partner.ask(details(w.bank)).catch((error) => { if (spent) throw error })
  partner.meddle = null
  return (url, { body }) => body.set('client_assertion', seen)
}
