// What a customer gives is what a partner gets, for both kinds of clients.
import assert from 'node:assert/strict'
import { access } from '../gateway.mjs'
import { kept, refused } from '../world.mjs'

const of = (kind, id) => ({
  [`${kind}: less is given, and the token and the pull show it`]: async (w) => {
    const partner = w.partners[id]
    const got = await w.connected(partner, { give: ['BALANCES:A7753', 'TRANSACTIONS_BASIC:A7753'], less: { look_back: '30' } })
    assert.equal(got.tokens.token_type, partner.tls ? 'bearer' : 'dpop')
    assert.match(got.tokens.grant_id, /^gra_/)
    const [detail] = got.tokens.authorization_details
    assert.equal(detail.type, 'account_data')
    assert.equal(detail.accounts.length, 1)
    assert.deepEqual(detail.accounts[0].data_clusters, ['BALANCES', 'TRANSACTIONS_BASIC'])
    assert.deepEqual(detail.data_clusters, ['BALANCES', 'TRANSACTIONS_BASIC'])
    assert.equal(detail.look_back_days, 30)
    assert.equal(await w.released(got.consent), 0)

    const answer = await w.balances(got)
    assert.deepEqual(answer.accounts.map((a) => a.account_id), [detail.accounts[0].account_id])
    assert.ok(answer.accounts[0].balances.length > 0)
    const call = (method, more = {}) => w.shown(partner, got.token, 'AccountService', method, { access: access(got.consent), ...more })
    const one = { account_id: detail.accounts[0].account_id }
    assert.equal((await call('ListTransactions', one)).account.account_id, one.account_id)
    assert.equal(await w.released(got.consent), 2)

    await kept(call('ListTransactions', { ...one, from_date: dayAgo(60) }), 'LOOKBACK_EXCEEDED')
    await kept(call('GetAccount', one), 'CLUSTER_NOT_COVERED')
    await kept(call('ListCards'), 'CLUSTER_NOT_COVERED')
    await kept(call('ListTransactions', { account_id: 'acc_made-up' }), 'ACCOUNT_NOT_COVERED')
    assert.equal(await w.released(got.consent), 2)
  },

  [`${kind}: a token is refreshed, and asked to do less`]: async (w) => {
    const partner = w.partners[id]
    const got = await w.connected(partner, { give: ['BALANCES:A7753', 'BALANCES:L6577', 'TRANSACTIONS_BASIC:A7753'] })
    const fresh = await partner.refresh(got.tokens.refresh_token)
    assert.notEqual(fresh.access_token, got.token)
    assert.equal(fresh.refresh_token, undefined) // the one there is stays good
    assert.deepEqual(fresh.authorization_details, got.tokens.authorization_details)
    assert.equal((await w.balances({ ...got, token: fresh.access_token })).accounts.length, 2)

    const [detail] = got.tokens.authorization_details
    const less = await partner.refreshFor(got.tokens.refresh_token, fresh.authorization_details, detail.accounts[0].account_id, ['BALANCES'])
    assert.deepEqual(less.authorization_details[0].accounts, [{ ...detail.accounts[0], data_clusters: ['BALANCES'] }])
    assert.equal((await w.balances({ ...got, token: less.access_token })).accounts.length, 1)

    const more = { ...detail, accounts: [{ ...detail.accounts[0], data_clusters: ['CARDS'] }] }
    await refused(partner.refresh(got.tokens.refresh_token, { authorization_details: JSON.stringify([more]) }), 'invalid_authorization_details')
  },

  [`${kind}: a token of the client's own reads consents, and no data`]: async (w) => {
    const partner = w.partners[id]
    const got = await w.connected(partner)
    const own = await partner.own('consents')
    assert.equal(own.refresh_token, undefined)
    const answer = await w.shown(partner, own.access_token, 'ConsentService', 'GetConsent', { consent_id: got.consent })
    assert.equal(answer.consent.status, 'CONSENT_STATUS_ACTIVE')
    await kept(w.balances({ ...got, token: own.access_token }), 'TOKEN_INVALID')
    assert.equal(await w.released(got.consent), 0)
    await refused(partner.own('consents everything'), 'invalid_scope')
  },

  [`${kind}: a grant is looked at, and ended`]: async (w) => {
    const partner = w.partners[id]
    const got = await w.connected(partner)
    const { access_token: query } = await partner.own('grant_management_query')
    const { access_token: revoke } = await partner.own('grant_management_revoke')
    const seen = await (await partner.grant('GET', got.tokens.grant_id, query)).json()
    assert.deepEqual(seen.authorization_details, got.tokens.authorization_details)
    await refusedHTTP(partner.grant('DELETE', got.tokens.grant_id, query), 403, 'insufficient_scope')
    await w.balances(got)

    const other = partner.tls ? w.partners.safe : w.partners.purse
    const { access_token: theirs } = await other.own('grant_management_query grant_management_revoke')
    for (const method of ['GET', 'DELETE']) {
      await refusedHTTP(other.grant(method, got.tokens.grant_id, theirs), 404, 'invalid_grant_id')
    }
    await w.balances(got)

    assert.equal((await partner.grant('DELETE', got.tokens.grant_id, revoke)).status, 204)
    await kept(w.balances(got), 'CONSENT_REVOKED')
    await refused(partner.refresh(got.tokens.refresh_token), 'invalid_grant')
    await refusedHTTP(partner.grant('GET', got.tokens.grant_id, query), 404, 'invalid_grant_id')
    assert.equal(await w.released(got.consent), 2)
  },

  [`${kind}: a grant is replaced when the customer agrees anew`]: async (w) => {
    const partner = w.partners[id]
    const old = await w.connected(partner)
    const got = await w.connected(partner, {
      give: ['BALANCES:A7753', 'BALANCES:L6577'], browser: old.browser,
      grant_management_action: 'replace', grant_id: old.tokens.grant_id,
    })
    assert.equal(got.tokens.grant_id, old.tokens.grant_id)
    assert.notEqual(got.consent, old.consent)
    assert.equal((await w.balances(got)).accounts.length, 2)
    await kept(w.balances(old), 'CONSENT_SUPERSEDED')
  },

  [`${kind}: tokens are introspected, and given up`]: async (w) => {
    const partner = w.partners[id]
    const got = await w.connected(partner)
    const seen = await partner.introspect(got.token)
    assert.equal(seen.active, true)
    assert.equal(seen.consent_id, got.consent)
    assert.equal(seen.client_id, partner.clientId)
    assert.ok(partner.tls ? seen.cnf['x5t#S256'] : seen.cnf.jkt)
    const other = partner.tls ? w.partners.safe : w.partners.purse
    assert.deepEqual(await other.introspect(got.token), { active: false })

    await partner.giveUp(got.tokens.refresh_token)
    assert.deepEqual(await partner.introspect(got.tokens.refresh_token), { active: false })
    await refused(partner.refresh(got.tokens.refresh_token), 'invalid_grant')
    // The consent is the customer's: it stays until someone ends it.
    const { consent } = await w.shown(partner, (await partner.own('consents')).access_token, 'ConsentService', 'GetConsent', { consent_id: got.consent })
    assert.equal(consent.status, 'CONSENT_STATUS_ACTIVE')
  },

  [`${kind}: a customer who refuses gives nothing`]: async (w) => {
    const partner = w.partners[id]
    const { browser, asked } = await w.before(partner)
    assert.ok(await browser.press('#refuse'), `the browser stays at ${browser.url}`)
    await refused(partner.redeem(browser.url, asked), 'access_denied')
    assert.equal((await w.newest(partner)).status, 'CONSENT_STATUS_REJECTED')
  },
})

function dayAgo(days) {
  const at = new Date(Date.now() - days * 86400e3)
  return { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() }
}

async function refusedHTTP(attempt, status, error) {
  const answer = await attempt.catch((e) => e.response ?? Promise.reject(e))
  assert.equal(answer.status, status)
  assert.equal((await answer.json()).error, error)
}

export default { ...of('key', 'pocket'), ...of('certificate', 'vault') }
