// Makes the key pair that a partner's client proves itself with:
//   node keys.mjs DIRECTORY/messenger
// messenger.jwk.json is the private key; messenger.jwks.json is what the operator
// registers.
import { writeFile } from 'node:fs/promises'
import { exportJWK, generateKeyPair } from 'jose'

const [base] = process.argv.slice(2)
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const kid = new Date().toISOString().slice(0, 10)
const of = async (key) => ({ ...(await exportJWK(key)), kid, use: 'sig', alg: 'ES256' })
await writeFile(`${base}.jwk.json`, JSON.stringify(await of(privateKey)), { mode: 0o600 })
await writeFile(`${base}.jwks.json`, JSON.stringify({ keys: [await of(publicKey)] }))
