// Whose a token is, of which consent, and what becomes of it when the consent or
// the partner's standing changes.
import assert from 'node:assert/strict'
import { access } from '../gateway.mjs'
import { details } from '../partner.mjs'
import { kept, refused } from '../world.mjs'

/** Nothing left under any of these while something is refused. */
async function nothingLeft(w, got, attempt) {
  const before = await w.released(got.consent)
  await attempt()
  assert.equal(await w.released(got.consent), before)
}

export default {
  'a token is its partner\'s alone': async (w) => {
    const { pocket, purse, vault, safe } = w.partners
    const byKey = await w.connected(pocket)
    const byCertificate = await w.connected(vault)
    await nothingLeft(w, byKey, async () => {
      // With the thief's own proof, and over the thief's connection.
      await kept(w.balances({ ...byKey, partner: purse }), 'TOKEN_INVALID')
      await kept(w.balances(byKey, { connection: vault.connection }), 'TOKEN_INVALID')
    })
    await nothingLeft(w, byCertificate, async () => {
      await kept(w.balances(byCertificate, { connection: safe.connection }), 'TOKEN_INVALID')
      await kept(w.balances(byCertificate, { connection: pocket.connection }), 'TOKEN_INVALID')
      await kept(w.balances({ ...byCertificate, partner: purse }), 'TOKEN_INVALID')
    })
    assert.equal((await w.balances(byKey)).accounts.length, 1)
    assert.equal((await w.balances(byCertificate)).accounts.length, 1)
  },

  'a token is bound to one certificate, not to its partner\'s others': async (w) => {
    const { vault } = w.partners
    const got = await w.connected(vault)
    const renewed = await w.renewed('vault')
    const connection = w.gateway.connect(renewed.tls)
    await nothingLeft(w, got, () => kept(w.balances(got, { connection }), 'TOKEN_INVALID'))
    assert.equal((await w.balances(got)).accounts.length, 1)

    // The client is the same: it refreshes with its new certificate.
    const fresh = await renewed.refresh(got.tokens.refresh_token)
    const again = { ...got, partner: renewed, token: fresh.access_token }
    assert.equal((await w.balances(again, { connection })).accounts.length, 1)
    await kept(w.balances(again, { connection: vault.connection }), 'TOKEN_INVALID')
  },

  'a refresh token is its client\'s alone': async (w) => {
    const { pocket, purse, vault, safe } = w.partners
    for (const [owner, others] of [[pocket, [purse, safe]], [vault, [safe, purse]]]) {
      const got = await w.connected(owner)
      for (const other of others) await refused(other.refresh(got.tokens.refresh_token), 'invalid_grant')
      assert.ok((await owner.refresh(got.tokens.refresh_token)).access_token)
    }
  },

  'a new key for proofs is taken with the next refresh': async (w) => {
    const { pocket } = w.partners
    const got = await w.connected(pocket)
    await pocket.newKeys()
    await kept(w.balances(got), 'TOKEN_INVALID')
    const fresh = await pocket.refresh(got.tokens.refresh_token)
    assert.equal((await w.balances({ ...got, token: fresh.access_token })).accounts.length, 1)
  },

  'a token is of one consent': async (w) => {
    for (const partner of [w.partners.pocket, w.partners.vault]) {
      const one = await w.connected(partner)
      const two = await w.connected(partner, { give: ['BALANCES:L6577'] })
      await nothingLeft(w, one, async () => nothingLeft(w, two, async () => {
        await kept(w.balances({ ...one, consent: two.consent }), 'TOKEN_INVALID')
        await kept(w.balances({ ...two, consent: one.consent }), 'TOKEN_INVALID')
        await kept(w.balances({ ...one, consent: 'con_made-up' }), 'TOKEN_INVALID')
        // The account of the other consent, under the token's own.
        const request = { access: access(one.consent), account_ids: [two.tokens.authorization_details[0].accounts[0].account_id] }
        await kept(w.shown(partner, one.token, 'AccountService', 'ListBalances', request), 'ACCOUNT_NOT_COVERED')
      }))
      assert.equal((await w.balances(one)).accounts.length, 1)
    }
  },

  'a token that was changed is none': async (w) => {
    const got = await w.connected(w.partners.pocket)
    const [header, claims, signature] = got.token.split('.')
    const opened = JSON.parse(Buffer.from(claims, 'base64url'))
    const encode = (what) => Buffer.from(JSON.stringify(what)).toString('base64url')
    const wider = encode({ ...opened, exp: opened.exp + 3600 })
    await nothingLeft(w, got, async () => {
      for (const token of [`${header}.${wider}.${signature}`, `${encode({ alg: 'none', typ: 'at+jwt' })}.${claims}.`, 'token', got.tokens.refresh_token]) {
        await kept(w.balances({ ...got, token }), 'TOKEN_INVALID')
      }
    })
  },

  'nobody is let in without a token': async (w) => {
    const { pocket, vault } = w.partners
    for (const partner of [pocket, vault]) {
      const got = await w.connected(partner)
      await nothingLeft(w, got, () => kept(w.gateway.call(partner.connection, 'AccountService', 'ListBalances', { access: access(got.consent) }, w.gateway.nothing()), partner.tls ? 'TOKEN_INVALID' : 'CALLER_UNKNOWN'))
    }
  },

  'what a customer takes back on the page is over': async (w) => {
    for (const partner of [w.partners.pocket, w.partners.vault]) {
      const got = await w.connected(partner)
      assert.equal((await w.balances(got)).accounts.length, 1)
      // At any browser, logged in anew.
      const browser = w.browser()
      await browser.open(`${w.issuer}/login/${w.bank}`)
      await w.logIn(browser)
      await browser.open(`/consents/${got.consent}`)
      await browser.click('#revoke')
      await browser.press('#revoke-confirm')
      assert.ok(browser.shows('#revoked-at'), browser.page.text)

      await nothingLeft(w, got, async () => {
        await kept(w.balances(got), 'CONSENT_REVOKED')
        await refused(partner.refresh(got.tokens.refresh_token), 'invalid_grant')
        assert.deepEqual(await partner.introspect(got.token), { active: false })
        await kept(w.balances(got), 'CONSENT_REVOKED')
      })
      assert.equal(await w.released(got.consent), 1)
    }
  },

  'a suspended partner gets nothing, until it is reinstated': async (w) => {
    for (const partner of [w.partners.purse, w.partners.safe]) {
      const got = await w.connected(partner)
      const begun = await w.before(partner)
      const code = await w.agreed(partner)
      await w.sluice('partner', 'suspend', partner.clientId)
      try {
        await nothingLeft(w, got, async () => {
          await refused(partner.ask(details(w.bank)), 'invalid_client')
          await refused(partner.redeem(code.cameBack, code.asked), 'invalid_client')
          await refused(partner.refresh(got.tokens.refresh_token), 'invalid_client')
          await refused(partner.own('consents'), 'invalid_client')
          await refused(partner.introspect(got.token), 'invalid_client')
          await kept(w.balances(got), 'PARTNER_SUSPENDED')
          // The customer who has its request before him can't give anything.
          const { address, values } = begun.browser.form('#give', { share: ['BALANCES:A7753'] })
          assert.equal(await begun.browser.open(address, values), false, `sent to ${begun.browser.url}`)
          assert.equal(begun.browser.status, 503)
        })
      } finally {
        await w.sluice('partner', 'reinstate', partner.clientId)
      }
      assert.equal((await w.balances(got)).accounts.length, 1)
      assert.ok((await partner.refresh(got.tokens.refresh_token)).access_token)
      assert.ok((await partner.redeem(code.cameBack, code.asked)).access_token)
    }
  },
}
