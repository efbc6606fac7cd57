// A request belongs to the browser that began it, and is decided once.
import assert from 'node:assert/strict'
import { SOME, refused } from '../world.mjs'

export default {
  'a decision that is sent twice is made once': async (w) => {
    const { partner, browser, asked } = await w.before(w.partners.pocket)
    const page = browser.url
    const { address, values } = browser.form('#give', { share: SOME })
    assert.ok(await browser.open(address, values))
    const cameBack = browser.url
    await again(browser, address, values)
    values.set('share', 'BALANCES:L6577')
    await again(browser, address, values)
    await again(browser, page)

    const { access_token: token, authorization_details: [detail] } = await partner.redeem(cameBack, asked)
    assert.equal(detail.accounts.length, 1)
    const answer = await w.balances({ partner, token, consent: detail.consent_id })
    assert.deepEqual(answer.accounts.map((a) => a.account_id), [detail.accounts[0].account_id])
  },

  'two decisions at once are one': async (w) => {
    const { partner, browser, asked } = await w.before(w.partners.vault)
    const { address, values } = browser.form('#give', { share: SOME })
    const second = w.browser()
    second.copy(browser)
    const other = new URLSearchParams(values)
    other.set('do', 'refuse')
    await Promise.all([browser.open(address, values), second.open(address, other)])
    const { status } = await w.newest(partner)
    const backs = [browser, second].map((b) => b.url).filter((url) => url.href.startsWith(w.redirectUri))
    assert.ok(backs.length >= 1)
    const codes = backs.filter((url) => url.searchParams.has('code'))
    assert.ok(codes.length <= 1, 'two codes')
    assert.equal(codes.length, status === 'CONSENT_STATUS_ACTIVE' ? 1 : 0)
    if (codes.length === 1) assert.ok((await partner.redeem(codes[0], asked)).access_token)
    else await refused(partner.redeem(backs[0], asked), 'access_denied')
  },

  'another browser sees no request, and decides nothing': async (w) => {
    const { partner, browser, asked } = await w.before(w.partners.pocket)
    const { address, values } = browser.form('#give', { share: SOME })
    const resume = new URL(address.pathname.replace('/ask/', '/authorize/'), w.issuer)

    // One that nobody is logged in with, and one of the same customer.
    const own = (await w.before(w.partners.purse)).browser
    for (const other of [w.browser(), own]) {
      for (const [to, form] of [[address, undefined], [address, values], [resume, undefined], [asked.url, undefined]]) {
        assert.equal(await other.open(to, form), false, `sent to ${other.url}`)
        assert.ok(other.status >= 400, `${to} answers ${other.status}`)
        assert.ok(!other.shows('#give') && !other.shows('#to-bank'))
      }
    }
    assert.equal((await w.newest(partner)).status, 'CONSENT_STATUS_PENDING')

    // The one it is of goes on.
    assert.ok(await browser.open(address, values))
    assert.ok((await partner.redeem(browser.url, asked)).access_token)
  },

  'another browser gets no code of a decision that was made': async (w) => {
    const { partner, browser, asked } = await w.before(w.partners.pocket)
    const { address, values } = browser.form('#give', { share: SOME })
    const resume = new URL(address.pathname.replace('/ask/', '/authorize/'), w.issuer)
    const answer = await fetch(address, { method: 'POST', body: values, redirect: 'manual', headers: { cookie: browser.sent(address), origin: w.issuer } })
    assert.equal(answer.status, 303)
    assert.equal((await w.newest(partner)).status, 'CONSENT_STATUS_ACTIVE')
    const other = w.browser()
    assert.equal(await other.open(resume), false)
    assert.equal(other.status, 403)
    assert.ok(await browser.open(resume))
    assert.ok((await partner.redeem(browser.url, asked)).access_token)
  },

  'a form of another page decides nothing': async (w) => {
    const { partner, browser } = await w.before(w.partners.pocket)
    const { address, values } = browser.form('#give', { share: SOME })
    for (const csrf of ['', 'A'.repeat(43)]) {
      const forged = new URLSearchParams(values)
      forged.set('csrf', csrf)
      assert.equal(await browser.open(address, forged), false)
      assert.equal(browser.status, 403)
    }
    const answer = await fetch(address, { method: 'POST', body: values, redirect: 'manual', headers: { cookie: browser.sent(address), origin: 'https://attacker.example', 'sec-fetch-site': 'cross-site' } })
    assert.equal(answer.status, 403)
    assert.equal((await w.newest(partner)).status, 'CONSENT_STATUS_PENDING')
  },

  'an account of another customer is not given': async (w) => {
    const { partner, browser } = await w.before(w.partners.pocket)
    for (const share of ['BALANCES:A1', 'CARDS:A7753', 'nonsense']) {
      const { address, values } = browser.form('#give', { share: [...SOME, share] })
      assert.equal(await browser.open(address, values), false)
      assert.equal(browser.status, 400)
    }
    assert.equal((await w.newest(partner)).status, 'CONSENT_STATUS_PENDING')
  },
}

/** The same once more changes nothing, and says so. */
async function again(browser, address, values) {
  assert.equal(await browser.open(address, values), false, `sent to ${browser.url} again`)
  assert.ok(browser.status >= 400, `${address} answers ${browser.status}`)
}
