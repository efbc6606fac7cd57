// A code is good once, for the client that asked, by who asked.
import assert from 'node:assert/strict'
import * as oauth from 'openid-client'
import { refused } from '../world.mjs'

// What the first token of a code is worth after somebody showed the code again:
// the grant is given up (RFC 6749, 4.1.2), the customer's consent is not.
async function grantIsOver(w, partner, tokens) {
  await refused(partner.refresh(tokens.refresh_token), 'invalid_grant')
  assert.equal((await w.newest(partner)).status, 'CONSENT_STATUS_ACTIVE')
}

export default {
  'a code is good once': async (w) => {
    for (const partner of [w.partners.pocket, w.partners.vault]) {
      const got = await w.connected(partner)
      await refused(partner.redeem(got.cameBack, got.asked), 'invalid_grant')
      await grantIsOver(w, partner, got.tokens)
      assert.equal(await w.released(got.consent), 0)
    }
  },

  'a code shown eight times at once gets one token': async (w) => {
    for (const partner of [w.partners.pocket, w.partners.vault]) {
      const { cameBack, asked } = await w.agreed(partner)
      const all = await Promise.allSettled(Array.from({ length: 8 }, () => partner.redeem(cameBack, asked)))
      const got = all.filter((one) => one.status === 'fulfilled')
      assert.equal(got.length, 1, `${got.length} tokens: ${all.map((one) => one.reason?.error ?? one.reason ?? 'a token')}`)
      for (const one of all) if (one.reason) await refused(Promise.reject(one.reason), 'invalid_grant')
      const consent = got[0].value.authorization_details[0].consent_id
      assert.equal((await w.newest(partner)).consent_id, consent)
      assert.equal(await w.released(consent), 0)
    }
  },

  'a code is of the client that asked': async (w) => {
    const { pocket, purse, vault } = w.partners
    const { cameBack, asked } = await w.agreed(pocket)
    await refused(purse.redeem(cameBack, asked), 'invalid_grant')
    await refused(vault.redeem(cameBack, asked), 'invalid_grant')
    assert.equal(await w.released((await w.newest(pocket)).consent_id), 0)
  },

  'a code needs the verifier of its request': async (w) => {
    for (const partner of [w.partners.pocket, w.partners.vault]) {
      for (const verifier of [oauth.randomPKCECodeVerifier(), undefined]) {
        const { cameBack, asked } = await w.agreed(partner)
        partner.meddle = (url, { body }) => { if (!verifier && body instanceof URLSearchParams) body.delete('code_verifier') }
        await refused(partner.redeem(cameBack, { ...asked, verifier: verifier ?? asked.verifier }), 'invalid_grant')
        partner.meddle = null
        assert.equal(await w.released((await w.newest(partner)).consent_id), 0)
      }
    }
  },

  'a code needs the redirect_uri of its request': async (w) => {
    const partner = w.partners.pocket
    const { cameBack, asked } = await w.agreed(partner)
    const other = new URL(cameBack)
    other.pathname = '/other'
    await refused(partner.redeem(other, asked), 'invalid_grant')
  },

  'a code is bound to the key that asked': async (w) => {
    const partner = w.partners.pocket
    const { cameBack, asked } = await w.agreed(partner)
    await partner.newKeys()
    await refused(partner.redeem(cameBack, asked), 'invalid_dpop_proof')
    assert.equal(await w.released((await w.newest(partner)).consent_id), 0)
  },

  'the answer names its server, and the request it is to': async (w) => {
    const { cameBack, asked } = await w.agreed(w.partners.pocket)
    assert.equal(cameBack.searchParams.get('iss'), w.issuer)
    assert.equal(cameBack.searchParams.get('state'), asked.state)
    assert.deepEqual([...cameBack.searchParams.keys()].sort(), ['code', 'iss', 'state'])
  },
}
