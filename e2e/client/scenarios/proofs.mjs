// A proof is good once, for one call, by the key that the token is bound to.
import assert from 'node:assert/strict'
import * as grpc from '@grpc/grpc-js'
import { createHash, randomUUID } from 'node:crypto'
import { generateProof } from 'dpop'
import { SignJWT, exportJWK } from 'jose'
import { randomDPoPKeyPair } from 'openid-client'
import { kept, refused } from '../world.mjs'

/** A proof with any claims; undefined takes one away. */
export async function proof(keys, claims, header = {}) {
  const { kty, crv, x, y } = await exportJWK(keys.publicKey)
  const all = { jti: randomUUID(), iat: Math.floor(Date.now() / 1000), ...claims }
  return new SignJWT(all).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y }, ...header }).sign(keys.privateKey)
}

const hash = (token) => createHash('sha256').update(token).digest('base64url')

function metadata(token, proofs, scheme = 'DPoP') {
  const all = new grpc.Metadata()
  all.set('authorization', `${scheme} ${token}`)
  for (const one of [proofs].flat()) all.add('dpop', one)
  return all
}

/** Each of these calls must be kept, and the right one after all still answered. */
async function keptEach(w, got, calls) {
  for (const [name, shown] of Object.entries(calls)) {
    await kept(w.balances(got, { metadata: await shown() }), 'TOKEN_INVALID').catch((e) => assert.fail(`${name}: ${e.message}`))
  }
  assert.equal(await w.released(got.consent), 0)
  assert.equal((await w.balances(got)).accounts.length, 1)
  assert.equal(await w.released(got.consent), 1)
}

export default {
  'a proof of a call is good once': async (w) => {
    const got = await w.connected(w.partners.pocket)
    const shown = await w.gateway.shows(got.token, got.partner.keys, 'AccountService', 'ListBalances')
    assert.equal((await w.balances(got, { metadata: shown })).accounts.length, 1)
    await kept(w.balances(got, { metadata: shown.clone() }), 'TOKEN_INVALID')
    await kept(w.balances(got, { metadata: shown.clone(), connection: w.gateway.connect() }), 'TOKEN_INVALID')
    assert.equal(await w.released(got.consent), 1)

    const once = await w.gateway.shows(got.token, got.partner.keys, 'AccountService', 'ListBalances')
    const eight = await Promise.allSettled(Array.from({ length: 8 }, () => w.balances(got, { metadata: once.clone() })))
    assert.equal(eight.filter((one) => one.status === 'fulfilled').length, 1)
    assert.equal(await w.released(got.consent), 2)
  },

  'a proof is for one call, by one key, of now': async (w) => {
    const got = await w.connected(w.partners.pocket)
    const { token, partner: { keys } } = got
    const uri = w.gateway.uri('AccountService', 'ListBalances')
    const other = await randomDPoPKeyPair('ES256')
    const right = { htm: 'POST', htu: uri, ath: hash(token) }
    const by = (claims, header) => async () => metadata(token, await proof(keys, { ...right, ...claims }, header))
    const now = Math.floor(Date.now() / 1000)
    await keptEach(w, got, {
      'another key': async () => metadata(token, await generateProof(other, uri, 'POST', undefined, token)),
      'another method of the service': async () => metadata(token, await generateProof(keys, w.gateway.uri('AccountService', 'ListAccounts'), 'POST', undefined, token)),
      'another host': by({ htu: uri.replace(w.address, 'attacker.example') }),
      'another scheme of the address': by({ htu: uri.replace('https:', 'http:') }),
      'another HTTP method': by({ htm: 'GET' }),
      'of the past': by({ iat: now - 90 }),
      'of the future': by({ iat: now + 60 }),
      'without a time': by({ iat: undefined }),
      'without an id': by({ jti: undefined }),
      'for another token': by({ ath: hash('another') }),
      'for no token': by({ ath: undefined }),
      'of another kind': by({}, { typ: 'JWT' }),
      'changed since it was signed': async () => metadata(token, (await proof(keys, right)).replace(/.{4}$/, 'AAAA')),
      'none': async () => metadata(token, []),
      'two': async () => metadata(token, [await proof(keys, right), await proof(keys, right)]),
      'no proof at all': async () => metadata(token, 'proof'),
    })
  },

  'a token bound to a key is no bearer token': async (w) => {
    const got = await w.connected(w.partners.pocket)
    const uri = w.gateway.uri('AccountService', 'ListBalances')
    await keptEach(w, got, {
      'without a proof': async () => metadata(got.token, [], 'Bearer'),
      'with a proof': async () => metadata(got.token, await generateProof(got.partner.keys, uri, 'POST', undefined, got.token), 'Bearer'),
    })
  },

  'a proof of a request for tokens is good once': async (w) => {
    const { pocket } = w.partners
    const got = await w.connected(pocket)
    let used
    pocket.meddle = (url, { headers }) => { used = headers.dpop }
    assert.ok((await pocket.refresh(got.tokens.refresh_token)).access_token)
    pocket.meddle = (url, { headers }) => { headers.dpop = used }
    await refused(pocket.refresh(got.tokens.refresh_token), 'invalid_dpop_proof')
    pocket.meddle = null
    assert.ok((await pocket.refresh(got.tokens.refresh_token)).access_token)
    assert.equal(await w.released(got.consent), 0)
  },

  'a proof of a request for tokens is for that request, of now': async (w) => {
    const { pocket } = w.partners
    const got = await w.connected(pocket)
    const token = `${w.issuer}/token`
    const now = Math.floor(Date.now() / 1000)
    const right = { htm: 'POST', htu: token }
    const wrong = {
      'another address': { ...right, htu: `${w.issuer}/par` },
      'another host': { ...right, htu: 'https://attacker.example/token' },
      'another HTTP method': { ...right, htm: 'GET' },
      'of the past': { ...right, iat: now - 90 },
      'of the future': { ...right, iat: now + 60 },
      'without an id': { ...right, jti: undefined },
    }
    for (const [name, claims] of Object.entries(wrong)) {
      pocket.meddle = async (url, { headers }) => { headers.dpop = await proof(pocket.keys, claims) }
      await refused(pocket.refresh(got.tokens.refresh_token), 'invalid_dpop_proof').catch((e) => assert.fail(`${name}: ${e.message}`))
    }
    pocket.meddle = (url, { headers }) => { delete headers.dpop }
    await refused(pocket.refresh(got.tokens.refresh_token), 'invalid_request')
    pocket.meddle = null
    // None of this harms the grant.
    const fresh = await pocket.refresh(got.tokens.refresh_token)
    assert.equal((await w.balances({ ...got, token: fresh.access_token })).accounts.length, 1)
  },
}
