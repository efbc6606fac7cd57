// Makes the key pair that a partner's client proves itself with:
//   node keys.mjs DIRECTORY/messenger [OLD.jwks.json]
// messenger.jwk.json is the private key; messenger.jwks.json is what the operator
// registers. With a set of old keys, messenger.both.jwks.json has those too: it is
// registered while the client changes over.
import { readFile, writeFile } from 'node:fs/promises'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'

const [base, old] = process.argv.slice(2)
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const kid = await calculateJwkThumbprint(publicKey) // no two keys have the same
const of = async (key) => ({ ...(await exportJWK(key)), kid, use: 'sig', alg: 'ES256' })
const made = await of(publicKey)
await writeFile(`${base}.jwk.json`, JSON.stringify(await of(privateKey)), { mode: 0o600 })
await writeFile(`${base}.jwks.json`, JSON.stringify({ keys: [made] }))
if (old) {
  const { keys } = JSON.parse(await readFile(old, 'utf8'))
  await writeFile(`${base}.both.jwks.json`, JSON.stringify({ keys: [...keys, made] }))
}
